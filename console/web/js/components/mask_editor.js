// A camera's newest picture with its masks, and a pencil for new ones. What is to be ignored is kept beside the
// camera; what is private is a new version of it, because everything that is made of its picture is black there.
import { api } from "../api.js";
import { maySupervise, notify, words } from "../duty.js";
import { own } from "../keys.js";
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { LatestPicture } from "./cameras.js";

/** `preset`: the view that is looked at, with its own masks and those of every view; without one, all there are. */
export function MaskEditor({ camera, masks: all, changed, preset = null }) {
  const may = maySupervise();
  const masks = preset ? all.filter((one) => one.preset === null || one.preset === preset.id) : all;
  const view = preset?.id ?? null; // what is drawn now is of this view
  const [drawing, draw] = useState(null); // null, or { kind, name, points: [[x, y]] } in shares of the picture
  const frame = useRef(null);
  const points = drawing?.points ?? [];

  useLayoutEffect(() => {
    if (!drawing) return undefined;
    return own({ Escape: () => draw(null), Backspace: () => draw({ ...drawing, points: points.slice(0, -1) }) });
  }, [drawing]);

  function corner(event) {
    if (!drawing) return;
    const { left, top, width, height } = frame.current.getBoundingClientRect();
    const share = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
    draw({ ...drawing, points: [...points, [share((event.clientX - left) / width), share((event.clientY - top) / height)]] });
  }

  async function ask(work) {
    try {
      await work();
      draw(null);
      changed();
    } catch (problem) {
      notify(words(problem), "bad");
    }
  }

  const keep = () =>
    ask(() => api(`/cameras/${camera.id}/masks`, { method: "POST", body: { name: drawing.name || t("mask.ignore"), preset: view, polygon: points } }));
  const remove = (id) => ask(() => api(`/cameras/${camera.id}/masks/${id}`, { method: "DELETE" }));
  const keepPrivate = () =>
    ask(async () => {
      const [newest] = await api(`/cameras/${camera.id}/versions`);
      const before = newest.camera.masks.map(({ kind, name, preset, polygon }) => ({ kind, name, preset, polygon }));
      const made = { kind: "private", name: drawing.name || t("mask.private"), preset: view, polygon: points };
      await api(`/cameras/${camera.id}`, { method: "PATCH", body: { masks: [...before, made], seen: newest.version, why: t("mask.private.long") } });
      notify(t("mask.private.saved"));
    });
  return html`
    <div class=${`mask-frame ${drawing ? "drawing" : ""}`} ref=${frame} onClick=${corner} data-masks=${masks.length}>
      <${LatestPicture} camera=${camera} whole />
      <svg viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
        ${masks.map((one, index) => html`<polygon key=${index} class=${one.kind} points=${one.polygon.map((at) => at.join(",")).join(" ")} />`)}
        ${points.length ? html`<polygon class=${`${drawing.kind} new`} points=${points.map((at) => at.join(",")).join(" ")} />` : null}
      </svg>
      ${points.map(([x, y], index) => html`<i key=${index} class="corner" style=${{ left: `${x * 100}%`, top: `${y * 100}%` }}></i>`)}
      ${masks.map((one, index) => html`<b key=${index} class="mask-name" style=${{ left: `${one.polygon[0][0] * 100}%`, top: `${one.polygon[0][1] * 100}%` }}>${t(`mask.${one.kind}`)} · ${one.name}</b>`)}
    </div>
    <div class="mask-tools">
      ${drawing
        ? html`
            <label>${t("mask.kind")}<select value=${drawing.kind} onChange=${(event) => draw({ ...drawing, kind: event.target.value })}>
              <option value="ignore">${t("mask.ignore.long")}</option><option value="private">${t("mask.private.long")}</option>
            </select></label>
            <label>${t("mask.name")}<input value=${drawing.name} maxlength="64" onInput=${(event) => draw({ ...drawing, name: event.target.value })} /></label>
            <span class="spring">${t("mask.hint", { n: points.length })}</span>
            <button class="button small" disabled=${!points.length} onClick=${() => draw({ ...drawing, points: points.slice(0, -1) })}>${t("mask.back")}<kbd>⌫</kbd></button>
            <button class="button small primary" disabled=${points.length < 3} onClick=${drawing.kind === "ignore" ? keep : keepPrivate}>${t("save")}</button>
            <button class="button small ghost" onClick=${() => draw(null)}>${t("cancel")}<kbd>Esc</kbd></button>`
        : html`<span class="spring">${masks.length ? t("mask.count", { n: masks.length }) : t("mask.none")}</span>
            ${may ? masks.filter((one) => one.mask_id !== null).map((one) => html`<button key=${one.mask_id} class="button small" title=${t("mask.by", { who: one.drawn_by })} onClick=${() => remove(one.mask_id)}>${t("mask.remove", { name: one.name })}</button>`) : null}
            ${may ? html`<button class="button small" onClick=${() => draw({ kind: "ignore", name: t("mask.ignore"), points: [] })}>${t("mask.draw")}</button>` : null}`}
    </div>`;
}
