// The views of a turning camera: which there are and what they are called. Choosing one makes the picture above its
// own: its pose is calibrated and its masks are drawn there, once somebody has turned the camera to it. Nothing here
// turns a camera.
import { api } from "../api.js";
import { notify, words } from "../duty.js";
import { own } from "../keys.js";
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { Turning } from "./camera_turning.js";
import { RoughPose, roughPose } from "./rough_pose.js";

const NEW = Symbol("a preset that there is not yet");
const TURNING = Symbol("how the camera is asked where it stands");

/**
 * `newest`: the version looked at; `masks`: all of the camera; `chosen`: the id of the view looked at; `changed`: the
 * camera is another one now, or was already.
 */
export function Presets({ camera, newest, masks, chosen, choose, changed }) {
  const [edited, edit] = useState(/** @type {any} */ (null)); // | NEW | TURNING | a preset's id
  const { presets } = newest.camera;
  const path = `/cameras/${camera.id}/presets`;

  async function ask(way, how, done) {
    try {
      await api(way, how);
      notify(t(done));
      edit(null);
    } catch (problem) {
      notify(problem.status === 409 ? t("camera.conflict") : words(problem), "bad");
    }
    await changed();
  }

  function add({ id, name, pose }) {
    if (presets.some((one) => one.id === id)) notify(t("preset.taken", { id }), "bad");
    else ask(path, { method: "POST", body: { id, name, pose, seen: newest.version, why: t("preset.why.add", { name }) } }, "preset.added");
  }

  const rename = (preset, name) => ask(`${path}/${preset.id}`, { method: "PATCH", body: { name, seen: newest.version, why: t("preset.why.rename", { before: preset.name, name }) } }, "preset.renamed");

  async function remove(preset) {
    if (!confirm(t("preset.remove.sure", { name: preset.name }))) return;
    if (chosen === preset.id) choose(null);
    await ask(`${path}/${preset.id}?seen=${newest.version}`, { method: "DELETE" }, "preset.removed");
  }

  return html`
    <section class="panel presets" aria-label=${t("presets")} data-presets=${presets.length}>
      <div class="stage-head">
        <h3>${t("presets")}</h3><span class="place">${t(presets.length ? "presets.what" : "presets.none")}</span><span class="spring"></span>
        <button class="button small" disabled=${edited === NEW} onClick=${() => edit(NEW)}>${t("preset.add")}</button>
      </div>
      ${presets.length
        ? html`<table>
            <thead><tr><th>${t("add.name")}</th><th>${t("add.id")}</th><th>${t("camera.pose")}</th><th>${t("add.masks")}</th><th></th></tr></thead>
            <tbody>
              ${presets.map((one) => {
                const its = masks.filter((mask) => mask.preset === one.id).map((mask) => mask.name);
                return html`
                  <tr key=${one.id} data-preset=${one.id} class=${chosen === one.id ? "chosen" : ""}>
                    <td>${edited === one.id
                      ? html`<${Rename} preset=${one} rename=${rename} close=${() => edit(null)} />`
                      : html`<button aria-pressed=${chosen === one.id} onClick=${() => choose(chosen === one.id ? null : one.id)}>${one.name}</button>`}</td>
                    <td>${one.id}</td>
                    <td>${one.pose.azimuth_deg.toFixed(1)}° / ${one.pose.tilt_deg.toFixed(1)}° <small>${t("camera.hfov", { n: one.pose.hfov_deg.toFixed(1) })}</small></td>
                    <td>${its.length || "–"}</td>
                    <td class="row right">
                      <button class="button small" aria-label=${`${t("preset.rename")} ${one.name}`} onClick=${() => edit(one.id)}>${t("preset.rename")}</button>
                      <button class="button small" aria-label=${`${t("preset.remove")} ${one.name}`} disabled=${its.length > 0} title=${its.length ? t("preset.masks.first", { names: its.join("、") }) : ""} onClick=${() => remove(one)}>${t("preset.remove")}</button>
                    </td>
                  </tr>`;
              })}
            </tbody>
          </table>`
        : null}
      ${edited === NEW ? html`<${NewPreset} camera=${camera} add=${add} close=${() => edit(null)} />` : null}
      ${presets.length || newest.camera.ptz ? html`<${Turning} camera=${camera} newest=${newest} ask=${ask} editing=${edited === TURNING} edit=${(on) => edit(on ? TURNING : null)} />` : null}
    </section>`;
}

/** Typing begins where the form has opened; Escape closes it. */
function useForm(close) {
  const form = useRef(/** @type {any} */ (null));
  useLayoutEffect(() => {
    form.current.querySelector("input").focus();
    return own({ Escape: close });
  }, []);
  return form;
}

function Rename({ preset, rename, close }) {
  const form = useForm(close);
  const [name, write] = useState(preset.name);
  const submit = (event) => {
    event.preventDefault();
    rename(preset, name.trim());
  };
  return html`
    <form class="row" ref=${form} onSubmit=${submit}>
      <input aria-label=${t("add.name")} required maxlength="100" value=${name} onInput=${(event) => write(event.target.value)} />
      <button class="button small primary">${t("save")}</button>
      <button type="button" class="button small ghost" onClick=${close}>${t("cancel")}<kbd>Esc</kbd></button>
    </form>`;
}

function NewPreset({ camera, add, close }) {
  const form = useForm(close);
  const [given, put] = useState(/** @type {any} */ ({ name: "", id: "", azimuth_deg: "", tilt_deg: camera.pose.tilt_deg, hfov_deg: camera.pose.hfov_deg }));
  const change = (more) => put({ ...given, ...more });
  const submit = (event) => {
    event.preventDefault();
    add({ id: given.id, name: given.name.trim(), pose: roughPose(given) });
  };
  return html`
    <form class="stack" ref=${form} onSubmit=${submit} aria-label=${t("preset.add")}>
      <div class="row">
        <label>${t("add.name")}<input name="name" required maxlength="100" value=${given.name} onInput=${(event) => change({ name: event.target.value })} /></label>
        <label>${t("add.id")}<input name="id" required maxlength="63" pattern="[a-z0-9][a-z0-9_\\-]*" title=${t("add.id.hint")} placeholder="gate" value=${given.id} onInput=${(event) => change({ id: event.target.value })} /></label>
        <${RoughPose} pose=${given} put=${change} />
      </div>
      <p class="none">${t("preset.add.hint")}</p>
      <div class="row"><button class="button small primary">${t("add.do")}</button><button type="button" class="button small ghost" onClick=${close}>${t("cancel")}<kbd>Esc</kbd></button></div>
    </form>`;
}
