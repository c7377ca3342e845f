// Two incidents that are one fire, or one that is two: chosen here, decided by the server, taken back like any
// decision.
import { regroup, tabOf } from "../duty.js";
import { html, useState } from "../lib.js";
import { set, useApp } from "../state.js";
import { moment } from "../time.js";
import { machineWords, t } from "../words.js";

const shut = () => set({ dialog: null });

/** The other open incidents, those nearest in time first. */
function others(incidents, id) {
  const mine = incidents.get(id);
  const apart = (one) => Math.abs(new Date(one.confirmed_at).getTime() - new Date(mine.confirmed_at).getTime());
  return [...incidents.values()]
    .filter((one) => one.incident_id !== id && tabOf(one) !== "ended" && !one.exercise)
    .sort((a, b) => apart(a) - apart(b));
}

export function Merge() {
  const id = useApp((s) => s.selected);
  const incidents = useApp((s) => s.incidents);
  const [into, choose] = useState("");
  const found = incidents.has(id) ? others(incidents, id) : [];
  if (!found.length) return html`<p class="none">${t("merge.none")}</p><${Buttons} />`;
  return html`
    <${Form} ready=${Boolean(into)} act=${(why) => regroup("merge", { into, why })} word=${t("merge")}>
      <fieldset class="choices">
        <legend>${t("merge.into")}</legend>
        ${found.map(
          (one) => html`
            <label key=${one.incident_id}>
              <input type="radio" name="into" value=${one.incident_id} checked=${into === one.incident_id} onChange=${() => choose(one.incident_id)} />
              <b>#${one.number}</b> ${t(`label.${one.label}`)} · ${one.grid_chain[0]?.name ?? ""} <time>${moment(one.confirmed_at)}</time>
            </label>`,
        )}
      </fieldset>
    <//>`;
}

export function Split() {
  const id = useApp((s) => s.selected);
  const detail = useApp((s) => s.details.get(id));
  const [chosen, choose] = useState(new Set());
  const sightings = detail?.sightings ?? [];
  if (sightings.length < 2) return html`<p class="none">${t("split.none")}</p><${Buttons} />`;
  const toggle = (one) => {
    const next = new Set(chosen);
    if (!next.delete(one)) next.add(one);
    choose(next);
  };
  const ready = chosen.size > 0 && chosen.size < sightings.length;
  return html`
    <${Form} ready=${ready} act=${(why) => regroup("split", { sighting_ids: [...chosen], why })} word=${t("split")}>
      <fieldset class="choices">
        <legend>${t("split.which")}</legend>
        ${sightings.map(
          (one) => html`
            <label key=${one.sighting_id}>
              <input type="checkbox" checked=${chosen.has(one.sighting_id)} onChange=${() => toggle(one.sighting_id)} />
              <b>${one.camera_name}</b> ${t(`label.${one.label}`)} ${Math.round(one.confidence * 100)}% <time>${moment(one.confirmed_at)}</time>
            </label>`,
        )}
      </fieldset>
      ${detail.summary.location.caution ? html`<p class="none">${machineWords(detail.summary.location.caution).text}</p>` : null}
    <//>`;
}

function Form({ ready, act, word, children }) {
  const [busy, setBusy] = useState(false);
  async function submit(event) {
    event.preventDefault();
    const why = String(new FormData(event.target).get("why")).trim();
    setBusy(true);
    const done = await act(why);
    setBusy(false);
    if (done) shut();
  }
  return html`
    <form class="stack" onSubmit=${submit}>
      ${children}
      <label>${t("regroup.why")}<input name="why" maxlength="500" /></label>
      <${Buttons} word=${word} disabled=${!ready || busy} />
    </form>`;
}

const Buttons = ({ word = "", disabled = false }) => html`
  <div class="row">
    ${word ? html`<button class="button primary" disabled=${disabled}>${word}</button>` : null}
    <button type="button" class="button ghost" onClick=${shut}>${t("cancel")}</button>
  </div>`;
