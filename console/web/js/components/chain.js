// Whose ground it is, from the grid up, with the people to call.
import { html } from "../lib.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

/** @param {{ areas: any[], called?: string | null }} props `called`: the level called last, which is marked */
export function Chain({ areas, called = null }) {
  if (!areas.length) return html`<p class="none">${t("responsible.none")}</p>`;
  return html`
    <ol class="chain">
      ${areas.map(
        (area) => html`
          <li key=${area.code} class=${area.level === called ? "called" : ""}>
            <span class="level">${t(`level.${area.level}`)}</span>
            <span class="area">${area.name}${area.level === called ? html` <b class="tag">${t("field.called")}</b>` : null}</span>
            <span class="contacts">
              ${area.contacts.map(
                (one) => html`<span class="contact" key=${one.phone}><span class="who">${one.name} <small>${one.role}</small></span><a href=${`tel:${one.phone}`}><${Icon} name="phone" />${one.phone}</a></span>`,
              )}
            </span>
          </li>`,
      )}
    </ol>`;
}
