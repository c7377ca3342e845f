// What was said of a camera, a roster or a receiver, the newest first, with a way back to what it was.
import { html } from "../lib.js";
import { moment } from "../time.js";
import { t } from "../words.js";

/**
 * `did` and `was` say in words what a version changed and what it was.
 *
 * @param {{
 *   found: any[],
 *   did: (one: any) => string,
 *   was: (one: any) => any,
 *   revert: (version: number) => unknown,
 *   mayRevert?: (one: any) => boolean,
 *   children?: any,
 * }} props
 */
export function VersionList({ found, did, was, revert, mayRevert = () => true, children }) {
  return html`
    <details class="versions">
      <summary>${t("versions")}</summary>
      <ol>
        ${found.map((one, index) => html`
          <li key=${one.version} data-version=${one.version}>
            <b>${one.version || t("versions.file")}</b>
            <span>${[did(one), one.action === "seeded" ? "" : one.who, one.why].filter(Boolean).join(" · ")}</span>
            <time>${one.at ? moment(one.at) : ""}</time>
            <small>${was(one)}</small>
            ${index && mayRevert(one) ? html`<button type="button" class="button small" onClick=${() => revert(one.version)}>${t("versions.revert")}</button>` : null}
          </li>`)}
      </ol>
      ${children}
    </details>`;
}
