// What stands in the place of an answer that is not there, or above one that could not be asked for again: that it is
// on its way, or why it is not, that it is asked for again by itself, and a button for those who will not wait.
import { mayPass } from "../api.js";
import { html } from "../lib.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

/** @param {{ of: { found?: any, problem: any, load: () => unknown }}} props */
export function Unanswered({ of: { found = null, problem, load }}) {
  if (problem) {
    const again = mayPass(problem);
    return html`
      <div class="unanswered" role="alert">
        <${Icon} name="caution" />
        <span><strong>${t(found === null ? "unanswered" : "unanswered.old")}</strong> <small>${reason(problem)}${again ? ` · ${t("unanswered.again")}` : ""}</small></span>
        <button type="button" class="button small" onClick=${load}>${t("retry")}</button>
      </div>`;
  }
  return found === null ? html`<div class="empty"><div class="spinner" role="status" aria-label=${t("loading")}></div></div>` : null;
}

/** A fault of the centre's own is told in the operator's language; what it says is for its log. */
const reason = (problem) => (problem.kind === "unreachable" ? t("unanswered.silent") : problem.status >= 500 ? t("unanswered.fault") : problem.message);
