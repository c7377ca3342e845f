// What the deployment file said at each start of the centre, and since when. It is changed on the machine, not here.
import { useAnswer } from "../answer.js";
import { html, useState } from "../lib.js";
import { moment } from "../time.js";
import { t } from "../words.js";
import { Unanswered } from "./unanswered.js";

export function Configuration() {
  const answer = useAnswer("/configuration/versions");
  const { found, problem } = answer;
  return html`
    <section class="panel" aria-label=${t("admin.configuration")} aria-busy=${!found && !problem}>
      <div class="stage-head"><h1>${t("admin.configuration")}</h1><span class="place">${t("admin.configuration.what")}</span></div>
      <${Unanswered} of=${answer} />
      ${found && !found.length ? html`<p class="none">${t("admin.configuration.none")}</p>` : null}
      ${found?.map((one, index) => html`<${Version} key=${one.version} one=${one} inForce=${index === 0} />`)}
    </section>`;
}

function Version({ one, inForce }) {
  const [open, look] = useState(false);
  return html`
    <details class="card-text" data-configuration=${one.version} onToggle=${(event) => look(event.target.open)}>
      <summary>${one.version} · ${moment(one.at)} · <code>${one.digest}</code>${inForce ? html` <b class="good">${t("admin.configuration.in_force")}</b>` : null} <small>firewatch ${one.program}</small></summary>
      ${open ? html`<${Said} version=${one.version} />` : null}
    </details>`;
}

function Said({ version }) {
  const answer = useAnswer(`/configuration/versions/${version}`);
  const { found } = answer;
  if (!found) return html`<${Unanswered} of=${answer} />`;
  return html`
    ${found.changed.length ? html`<p>${t("admin.configuration.changed")} <code>${found.changed.join(", ")}</code></p>` : null}
    <pre lang="en" tabindex="0">${JSON.stringify(found.configuration, null, 2)}</pre>`;
}
