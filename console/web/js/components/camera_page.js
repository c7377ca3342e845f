// Every camera's health: those that do not see come first. One of them large, with its masks and its blind minutes.
import { useAnswer } from "../answer.js";
import { plain } from "../api.js";
import { mayAdminister, maySupervise, showCamera } from "../duty.js";
import { own } from "../keys.js";
import { html, memo, useCallback, useLayoutEffect, useState } from "../lib.js";
import { useApp } from "../state.js";
import { moment, span } from "../time.js";
import { healthWords, stateWord, t } from "../words.js";
import { AddCamera } from "./add_camera.js";
import { Ago } from "./ago.js";
import { Calibration } from "./calibration.js";
import { Presets } from "./camera_presets.js";
import { History, LearningPanel, useVersions } from "./camera_register.js";
import { dotOf } from "./cameras.js";
import { MaskEditor } from "./mask_editor.js";
import { Unanswered } from "./unanswered.js";

const DAYS = 7;
const AGAIN_MS = 30000;
const WORST = ["stale", "bad_picture", "frozen", "dark", "overexposed", "obstructed", "defocused", "moved", "connecting", "live", "off"];

export function CameraPage() {
  const cameras = useApp((s) => s.cameras);
  const blind = useAnswer(`/cameras/blind?days=${DAYS}`, { againMs: AGAIN_MS });
  const [chosen, choose] = useState(null);
  const [adding, add] = useState(false);

  const sorted = [...cameras].sort((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state) || a.name.localeCompare(b.name));
  const camera = sorted.find((one) => one.id === chosen) ?? sorted[0];
  const move = (by) => choose(sorted[Math.min(sorted.length - 1, Math.max(0, sorted.indexOf(camera) + by))]?.id);
  useLayoutEffect(() => own(adding ? {} : { ArrowDown: () => move(1), ArrowUp: () => move(-1) }), [camera?.id, sorted.length, adding]);
  const pick = useCallback((id) => {
    add(false);
    choose(id);
  }, []);
  if (!camera && !adding) return html`<main class="page" data-page="cameras"><div class="panel empty"><strong>${t("cameras.empty")}</strong>${mayAdminister() ? html`<button class="button primary" onClick=${() => add(true)}>${t("add")}</button>` : null}</div></main>`;
  return html`
    <main class="page camera-page" data-page="cameras">
      <section class="panel camera-list" aria-label=${t("cameras")}>
        ${mayAdminister() ? html`<div class="mask-tools"><span class="spring"></span><button class="button small primary" disabled=${adding} onClick=${() => add(true)}>${t("add")}</button></div>` : null}
        ${blind.problem ? html`<${Unanswered} of=${blind} />` : null}
        <table>
          <thead><tr><th>${t("fact.camera")}</th><th>${t("admin.state")}</th><th>${t("camera.since")}</th><th>${t("camera.picture")}</th><th>${t("camera.blind.today")}</th></tr></thead>
          <tbody>
            ${sorted.map((one) => html`<${Row} key=${one.id} camera=${one} blind=${blind.found?.[one.id]?.at(-1)} chosen=${one === camera && !adding} pick=${pick} />`)}
          </tbody>
        </table>
      </section>
      ${adding ? html`<${AddCamera} close=${() => add(false)} />` : html`<${One} key=${camera.id} camera=${camera} />`}
    </main>`;
}

const Row = memo(({ camera, blind, chosen, pick }) => {
  return html`
    <tr data-camera-row=${camera.id} class=${chosen ? "chosen" : ""} onClick=${() => pick(camera.id)}>
      <td><button aria-pressed=${chosen} onClick=${() => pick(camera.id)}>${camera.name}</button></td>
      <td class=${`state-${camera.state}`}><i class=${`dot ${dotOf(camera)}`}></i> ${stateWord(camera)}${camera.learning_until ? html` <span class="tag learning">${t("learning")}</span>` : null}${camera.reason && camera.state !== "live" ? html`<small> ${healthWords(camera.reason)}</small>` : null}</td>
      <td>${camera.since ? html`<${Ago} at=${camera.since} />` : "–"}</td>
      <td>${camera.picture_at ? html`<${Ago} at=${camera.picture_at} />` : "–"}</td>
      <td>${blind === undefined ? "–" : blind >= 0.05 ? html`<b class=${blind >= 10 ? "bad" : ""}>${blind.toFixed(1)}</b>` : "0"}</td>
    </tr>`;
});

const One = memo(({ camera }) => {
  const answer = useAnswer(`/cameras/${camera.id}/health?days=${DAYS}`, { news: camera.state });
  const health = answer.found;
  const [calibrating, calibrate] = useState(false);
  const [chosen, choose] = useState(/** @type {string | null} */ (null)); // which of its presets is looked at
  const versions = useVersions(camera);
  const newest = versions.found?.[0];
  const preset = newest?.camera.presets.find((one) => one.id === chosen) ?? null;
  const again = () => Promise.all([answer.load(), versions.load()]);
  return html`
    <section class="camera-one" aria-label=${camera.name}>
      <div class="panel">
        <div class="stage-head">
          <span class=${`tag state-${camera.state}`}><i class=${`dot ${dotOf(camera)}`}></i>${stateWord(camera)}</span>
          ${camera.learning_until ? html`<span class="tag learning">${t("learning")}</span>` : null}
          <h2>${camera.name}</h2>
          <span class="place">${camera.id}</span>
          <span class="spring"></span>
          <${Test} camera=${camera} />
          ${maySupervise() && !calibrating ? html`<button class="button small" onClick=${() => calibrate(true)}>${t("calibrate")}</button>` : null}
          <button class="button small" onClick=${() => showCamera(camera.id)}>${t("live.video")}</button>
        </div>
        ${camera.state !== "live" && camera.reason ? html`<p class="caution">${healthWords(camera.reason)}${camera.since ? ` · ${t("since", { time: moment(camera.since) })}` : ""}</p>` : null}
        ${preset ? html`<p class="caution" role="status">${t("preset.turn", { name: preset.name })} <button class="button small" onClick=${() => choose(null)}>${t("preset.leave")}</button></p>` : null}
        ${calibrating
          ? html`<${Calibration} key=${chosen} camera=${camera} preset=${preset} seen=${newest?.version} late=${versions.load} close=${() => calibrate(false)} saved=${() => (calibrate(false), again())} />`
          : html`<${MaskEditor} key=${chosen} camera=${camera} preset=${preset} masks=${health?.masks ?? []} changed=${again} />`}
      </div>
      ${newest ? html`<${Presets} camera=${camera} newest=${newest} masks=${health?.masks ?? []} chosen=${chosen} choose=${choose} changed=${again} />` : null}
      ${maySupervise() ? html`<${LearningPanel} camera=${camera} />` : null}
      <div class="panel camera-facts">
        <${Unanswered} of=${answer} />
        <dl class="facts">
          <div><dt>${t("camera.looks")}</dt><dd>${health ? t("camera.looks.every", { patrol: span(health.patrol_interval_s), dense: String(health.dense_interval_s) }) : "–"}</dd></div>
          <div><dt>${t("camera.heard")}</dt><dd>${health?.heard_at ? html`<${Ago} at=${health.heard_at} />` : "–"}</dd></div>
          <div><dt>${t("camera.pose")}</dt><dd>${camera.pose.azimuth_deg.toFixed(1)}° / ${camera.pose.tilt_deg.toFixed(1)}° <small>${t("camera.hfov", { n: camera.pose.hfov_deg.toFixed(1) })}</small></dd></div>
          <div class="wide"><dt>${t("fact.position")}</dt><dd>${camera.lat_deg.toFixed(5)}, ${camera.lon_deg.toFixed(5)} <small>${t("camera.mast", { n: camera.mast_height_m })}</small></dd></div>
        </dl>
        <${BlindDays} days=${health?.days ?? []} />
        <h3>${t("camera.periods")}</h3>
        ${health && !health.periods.length ? html`<p class="none">${t("camera.periods.none")}</p>` : null}
        <ol class="periods">
          ${[...(health?.periods ?? [])].reverse().slice(0, 30).map(
            (one) => html`<li key=${one.since + one.condition}><b class=${`state-${one.condition}`}>${stateWord({ state: one.condition, enabled: true })}</b><time>${moment(one.since)} – ${one.until ? moment(one.until) : t("camera.lasts")}</time><span>${healthWords(one.reason)}</span></li>`,
          )}
        </ol>
        ${maySupervise() ? html`<${History} camera=${camera} versions=${versions} />` : null}
      </div>
    </section>`;
});

function BlindDays({ days }) {
  const most = Math.max(10, ...days.map((one) => one.blind_minutes));
  return html`
    <figure class="chart">
      <figcaption>${t("camera.blind")}<span class="chart-most">${t("records.most", { n: most.toFixed(0) })}</span></figcaption>
      <div class="columns" role="img" aria-label=${`${t("camera.blind")}: ${days.map((one) => `${one.day}: ${one.blind_minutes.toFixed(1)}`).join("; ")}`}>
        ${days.map((one) => html`<div class="column" key=${one.day} title=${`${one.day}: ${one.blind_minutes.toFixed(1)}`}><div class="stack"><i class="part wildfire" style=${{ height: `${(100 * one.blind_minutes) / most}%` }}></i></div><span>${one.day.slice(5).replace("-", "/")} · ${one.blind_minutes.toFixed(0)}</span></div>`)}
      </div>
    </figure>`;
}

/** A connection of its own to the camera, and what came of it. */
function Test({ camera }) {
  const [result, tell] = useState(null); // | busy | { ok, text }
  async function test() {
    tell("busy");
    const began = performance.now();
    try {
      const answer = await plain(`/api/v1/cameras/${camera.id}/live-picture`, { method: "GET" });
      const size = (await answer.blob()).size;
      tell({ ok: true, text: t("camera.test.good", { s: ((performance.now() - began) / 1000).toFixed(1), kb: Math.round(size / 1024) }) });
    } catch (problem) {
      tell({ ok: false, text: `${t("camera.test.bad")}：${problem.kind === "live-away" ? t("live.away") : problem.message}` });
    }
  }
  return html`
    ${result && result !== "busy" ? html`<span class=${`test-result ${result.ok ? "good" : "bad"}`} role="status" data-test=${result.ok ? "good" : "bad"}>${result.text}</span>` : null}
    <button class="button small" disabled=${result === "busy"} onClick=${test}>${result === "busy" ? t("camera.test.busy") : t("camera.test")}</button>`;
}
