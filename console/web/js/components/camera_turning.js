// How a turning camera is asked where it stands: the address of its ONVIF service, and which of its own presets is
// which of ours. The camera is asked before anything is kept; nothing here turns it.
import { api } from "../api.js";
import { mayAdminister, words } from "../duty.js";
import { own } from "../keys.js";
import { html, useLayoutEffect, useState } from "../lib.js";
import { probeWords, t } from "../words.js";

/** `newest`: the version looked at; `ask`: tell the centre, close what is edited, and read the camera again. */
export function Turning({ camera, newest, ask, editing, edit }) {
  const { ptz, presets } = newest.camera;
  const path = `/cameras/${camera.id}/ptz`;

  const save = (said) => ask(path, { method: "PUT", body: { ...said, seen: newest.version, why: t("turning.why") } }, "turning.saved");
  const forget = () => confirm(t("turning.forget.sure")) && ask(`${path}?seen=${newest.version}`, { method: "DELETE" }, "turning.forgotten");
  const unnamed = ptz ? presets.filter((one) => !one.onvif_token).map((one) => one.name) : [];
  return html`
    <div class="turning" data-turning=${ptz ? "asked" : "not"}>
      <div class="mask-tools">
        <span>${ptz ? t("turning.asked", { address: ptz.address, s: ptz.poll_s }) : t("turning.not")}</span><span class="spring"></span>
        ${mayAdminister() && presets.length && !editing ? html`<button class="button small" onClick=${() => edit(true)}>${t(ptz ? "turning.change" : "turning.set")}</button>` : null}
        ${mayAdminister() && ptz && !editing ? html`<button class="button small" onClick=${forget}>${t("turning.forget")}</button>` : null}
      </div>
      ${unnamed.length ? html`<p class="caution">${t("turning.unnamed", { names: unnamed.join("、") })}</p>` : null}
      ${editing ? html`<${Form} path=${path} ptz=${ptz} presets=${presets} save=${save} close=${() => edit(false)} />` : null}
    </div>`;
}

function Form({ path, ptz, presets, save, close }) {
  const [onvif, write] = useState("");
  const [tokens, choose] = useState(/** @type {any} */ (Object.fromEntries(presets.map((one) => [one.id, one.onvif_token ?? ""]))));
  const [numbers, put] = useState(/** @type {any} */ ({ settle_s: ptz?.settle_s ?? 2, tolerance: ptz?.tolerance ?? 0.01 }));
  const [found, tell] = useState(/** @type {any} */ (null)); // | "busy" | what the camera said
  useLayoutEffect(() => own({ Escape: close }), []);
  const address = onvif.trim() ? { onvif: onvif.trim() } : {};
  const profile = ptz?.profile ? { profile: ptz.profile } : {};
  const poll = ptz ? { poll_s: ptz.poll_s } : {};

  async function ask() {
    tell("busy");
    try {
      tell(await api(`${path}/probe`, { method: "POST", body: { ...address, ...profile }, patience_ms: 60000 }));
    } catch (error) {
      tell({ problem: words(error), presets: [] });
    }
  }

  function submit(event) {
    event.preventDefault();
    const named = Object.fromEntries(Object.entries(tokens).map(([id, token]) => [id, token || null]));
    save({ ...address, ...profile, ...poll, settle_s: Number(numbers.settle_s), tolerance: Number(numbers.tolerance), tokens: named });
  }

  const theirs = found?.presets ?? [];
  const known = new Set(theirs.map((one) => one.token));
  const ownName = (one) => `${one.token}${one.name ? ` ${one.name}` : ""}${one.pan === null ? ` (${t("turning.no_position")})` : ""}${one.token === found.stands_at ? ` ← ${t("turning.here")}` : ""}`;
  const number = (name, how) => html`<input type="number" step="any" required name=${name} ...${how} value=${numbers[name]} onInput=${(event) => put({ ...numbers, [name]: event.target.value })} />`;
  return html`
    <form class="stack" onSubmit=${submit} aria-label=${t("turning.set")}>
      <div class="row">
        <label>${t("turning.onvif")}<input name="onvif" required=${!ptz} minlength="8" maxlength="2000" autocomplete="off" spellcheck=${false} placeholder=${ptz ? t("turning.keep") : "http://user:password@10.2.0.11/onvif/device_service"} value=${onvif} onInput=${(event) => write(event.target.value)} /></label>
        <button type="button" class="button small" disabled=${found === "busy" || (!ptz && !onvif.trim())} onClick=${ask}>${t(found === "busy" ? "turning.asking" : "turning.ask")}</button>
      </div>
      <p class="none">${t("turning.hint")}</p>
      ${found?.problem ? html`<p class="login-problem" role="alert">${t("turning.failed")}：${probeWords(found.problem)}</p>` : null}
      ${found?.problem === "" ? html`<p class="none" role="status">${t("turning.found", { n: theirs.length })}${found.stands_at === null ? ` ${t("turning.nowhere")}` : ""}</p>` : null}
      <div class="row">
        ${presets.map((one) => html`
          <label key=${one.id}>${one.name}
            ${theirs.length
              ? html`<select data-token-of=${one.id} value=${tokens[one.id]} onChange=${(event) => choose({ ...tokens, [one.id]: event.target.value })}>
                  <option value="">${t("turning.none")}</option>
                  ${tokens[one.id] && !known.has(tokens[one.id]) ? html`<option value=${tokens[one.id]}>${tokens[one.id]} (${t("turning.unknown")})</option>` : null}
                  ${theirs.map((theirOwn) => html`<option key=${theirOwn.token} value=${theirOwn.token}>${ownName(theirOwn)}</option>`)}
                </select>`
              : html`<input data-token-of=${one.id} maxlength="64" placeholder=${t("turning.none")} value=${tokens[one.id]} onInput=${(event) => choose({ ...tokens, [one.id]: event.target.value })} />`}
          </label>`)}
      </div>
      <div class="row">
        <label>${t("turning.settle")}${number("settle_s", { min: 0, max: 60 })}</label>
        <label>${t("turning.tolerance")}${number("tolerance", { min: 0.0001, max: 0.5 })}</label>
      </div>
      <div class="row"><button class="button small primary">${t("save")}</button><button type="button" class="button small ghost" onClick=${close}>${t("cancel")}<kbd>Esc</kbd></button></div>
    </form>`;
}
