// Where a camera looks, from points that one finds on its picture and on the map: three at least, far apart.
import { api } from "../api.js";
import { loadCameras, notify, words } from "../duty.js";
import { own } from "../keys.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { LatestPicture } from "./cameras.js";
import { MapPanel } from "./map.js";

const FEWEST = 3;
const NO_MARKS = [];
const stay = () => {}; // a slip of the mouse onto a camera must not lose the landmarks
const POOR_PX = 10; // of a picture 1280 px wide: somebody took the wrong peak

/** @typedef {{x: number, y: number, lat_deg?: number, lon_deg?: number}} Mark */

/**
 * Of the camera, or of one of its presets. `seen`: the version that is looked at; `saved` is told of the new one,
 * `late` that somebody was faster.
 */
export function Calibration({ camera, close, saved, preset = null, seen = undefined, late = stay, closing = undefined }) {
  const [marks, setMarks] = useState(/** @type {Mark[]} */ ([]));
  const [found, tell] = useState(/** @type {any} */ (null));
  const frame = useRef(null);
  const pending = marks.length > 0 && marks.at(-1).lat_deg === undefined;
  const whole = marks.filter((one) => one.lat_deg !== undefined);

  useLayoutEffect(() => own({ Escape: close, Backspace: () => setMarks(marks.slice(0, -1)) }), [marks]);

  useEffect(() => {
    if (whole.length < FEWEST) {
      tell(null);
      return undefined;
    }
    let wanted = true;
    const picture = frame.current.querySelector("img");
    const body = { preset: preset?.id, landmarks: whole, width_px: picture?.naturalWidth || 1280, height_px: picture?.naturalHeight || 720 };
    api(`/cameras/${camera.id}/calibration`, { method: "POST", body })
      .then((answer) => wanted && tell(answer))
      .catch((error) => {
        if (!wanted) return;
        tell(null);
        notify(words(error), "bad");
      });
    return () => {
      wanted = false;
    };
  }, [JSON.stringify(whole)]);

  function onPicture(event) {
    const { left, top, width, height } = frame.current.getBoundingClientRect();
    const share = (value) => Math.min(1, Math.max(0, value));
    const point = { x: share((event.clientX - left) / width), y: share((event.clientY - top) / height) };
    setMarks(pending ? [...marks.slice(0, -1), point] : [...marks, point]);
  }

  const onMap = (at) => pending && setMarks([...marks.slice(0, -1), { ...marks.at(-1), ...at }]);
  async function save() {
    const number = (value) => Number(value.toFixed(4));
    const pose = {
      azimuth_deg: number(found.azimuth_deg) % 360,
      tilt_deg: number(found.tilt_deg),
      roll_deg: number(found.roll_deg),
      hfov_deg: number(found.hfov_deg),
      azimuth_sigma_deg: Math.max(0.01, number(found.azimuth_sigma_deg)),
      tilt_sigma_deg: Math.max(0.01, number(found.tilt_sigma_deg)),
    };
    try {
      const path = `/cameras/${camera.id}${preset ? `/presets/${preset.id}` : ""}`;
      const why = `${preset ? `${preset.name}: ` : ""}${t("calibrate.why", { n: whole.length, px: found.rms_px.toFixed(1) })}`;
      const version = await api(path, { method: "PATCH", body: { pose, seen, why } });
      notify(t("calibrate.saved"));
      await loadCameras();
      saved(version);
    } catch (problem) {
      notify(problem.status === 409 ? t("camera.conflict") : words(problem), "bad");
      if (problem.status === 409) late();
    }
  }
  const last = whole.at(-1);
  return html`
    <div class="calibration" data-calibration=${whole.length}>
      <p class="caution" role="status">${t(pending ? "calibrate.map" : whole.length < FEWEST ? "calibrate.picture" : "calibrate.more", { n: pending ? marks.length : marks.length + 1 })}</p>
      <div class="mask-frame drawing" ref=${frame} onClick=${onPicture}>
        <${LatestPicture} camera=${camera} whole />
        ${marks.map((one, index) => html`<i key=${index} class=${`corner ${one.lat_deg === undefined ? "waiting" : ""}`} style=${{ left: `${one.x * 100}%`, top: `${one.y * 100}%` }}><b>${index + 1}</b></i>`)}
      </div>
      <div class=${`calibration-map ${pending ? "asked" : ""}`}>
        <${MapPanel} whole marks=${NO_MARKS} onCamera=${stay} onPlace=${onMap} place=${last ? { ...last, points: whole } : undefined} />
      </div>
      ${whole.length ? html`<table>
        <thead><tr><th>${t("calibrate.landmark")}</th><th>${t("fact.position")}</th><th>${t("calibrate.off")}</th><th></th></tr></thead>
        <tbody>${whole.map((one, index) => {
          const off = found?.residuals[index];
          return html`<tr key=${index}><td>${index + 1}</td><td>${one.lat_deg.toFixed(5)}, ${one.lon_deg.toFixed(5)}</td><td>${off ? `${off.x_px.toFixed(1)}, ${off.y_px.toFixed(1)}` : "–"}</td><td><button class="button small" onClick=${() => setMarks(marks.filter((other) => other !== one))}>${t("calibrate.remove")}</button></td></tr>`;
        })}</tbody>
      </table>` : null}
      ${found ? html`<${Found} found=${found} save=${save} />` : null}
      <div class="mask-tools"><span class="spring">${t("calibrate.hint")}</span><button class="button small ghost" onClick=${close}>${closing ?? t("close")}<kbd>Esc</kbd></button></div>
    </div>`;
}

function Found({ found, save }) {
  const value = (name, title) => html`<div><dt>${title}</dt><dd>${found[`${name}_deg`].toFixed(2)}° <small>± ${found[`${name}_sigma_deg`].toFixed(2)}°</small></dd></div>`;
  const poor = found.rms_px > POOR_PX;
  return html`
    <dl class="facts" data-calibrated=${found.azimuth_deg.toFixed(2)}>
      ${value("azimuth", t("calibrate.azimuth"))}${value("tilt", t("calibrate.tilt"))}${value("roll", t("calibrate.roll"))}${value("hfov", t("calibrate.hfov"))}
      <div class="wide"><dt>${t("calibrate.rms")}</dt><dd><b class=${poor ? "bad" : ""}>${found.rms_px.toFixed(1)} px</b>${poor ? html` <small>${t("calibrate.poor")}</small>` : null}</dd></div>
    </dl>
    <div class="mask-tools"><span class="spring"></span><button class="button small primary" onClick=${save}>${t("calibrate.save")}</button></div>`;
}
