// What stands in the place of a page while it is loading, signed out, or could not begin.
import { html, useEffect } from "../lib.js";
import { useApp } from "../state.js";
import { t } from "../words.js";

const AGAIN_MS = 5000; // nobody need stand beside a screen that could not begin

const frame = (s) => [s.phase, s.language].join();

/**
 * @param {{ pages: Record<string, any>, again: () => void, say: (problem: any) => string }} props `pages`: the
 * component of each phase, `ready` among them; `say`: why it could not begin; `again`: begin once more.
 */
export function Phases({ pages, again, say }) {
  useApp(frame);
  const phase = useApp((s) => s.phase);
  if (phase === "failed") return html`<${Failed} again=${again} say=${say} />`;
  if (phase === "loading") return html`<div class="splash"><div class="spinner" role="status" aria-label=${t("loading")}></div></div>`;
  return html`<${pages[phase] ?? pages.ready} />`;
}

function Failed({ again, say }) {
  const problem = useApp((s) => s.problem);
  useEffect(() => {
    const timer = setTimeout(again, AGAIN_MS);
    return () => clearTimeout(timer);
  }, []);
  return html`
    <div class="splash">
      <div class="failed" role="alert">
        <h1>${t("failed")}</h1>
        <p>${problem ? say(problem) : ""}<br /><small>${t("unanswered.again")}</small></p>
        <button class="button primary" onClick=${again}>${t("retry")}</button>
      </div>
    </div>`;
}
