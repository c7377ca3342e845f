// The camera's picture at the moment of confirmation, with boxes drawn over it, and its newest picture.
import { own } from "../keys.js";
import { html, useLayoutEffect, useState } from "../lib.js";
import { useApp } from "../state.js";
import { moment } from "../time.js";
import { t } from "../words.js";

const ZOOMED_SHARE = 0.3; // the box takes this much of the picture when zoomed
const MOST_TRACES = 4;
const SMALL_SHARE = 0.16; // smaller boxes are shown enlarged in a corner as well

export function Picture({ detail, sighting, sightings, choose }) {
  const [boxes, showBoxes] = useState(true);
  const [zoom, setZoom] = useState(false);
  const [present, showPresent] = useState(false);
  const [broken, setBroken] = useState(null);
  const camera = useApp((s) => s.cameras).find((one) => one.id === sighting?.camera_id);

  useLayoutEffect(() => own({
    KeyV: () => showBoxes((on) => !on),
    KeyZ: () => setZoom((on) => !on),
    KeyL: () => showPresent((on) => !on),
  }), []);

  const then = pick(detail, sighting);
  const nowUrl = camera?.picture_at ? `/api/v1/cameras/${camera.id}/picture?at=${encodeURIComponent(camera.picture_at)}` : null;
  const url = present ? nowUrl : then?.url;
  const taken = present ? camera?.picture_at : sighting?.confirmed_at;
  const drawn = then?.kind === "snapshot" || present; // an annotated picture has its boxes already
  return html`
    <div class="picture">
      ${url && broken !== url
        ? html`
            <div class="picture-zoom" style=${zoom && sighting ? zoomStyle(sighting) : {}}>
              <img src=${url} alt=${sighting?.camera_name ?? ""} onError=${() => setBroken(url)} />
              ${boxes && drawn && sighting ? html`<${Boxes} sighting=${sighting} faint=${present} />` : null}
            </div>`
        : html`<div class="empty">${detail ? html`<strong>${t(present ? "camera.no_picture" : "picture.missing")}</strong>` : html`<div class="spinner"></div>`}</div>`}
      ${url && broken !== url && sighting && !zoom && shareOf(sighting) < SMALL_SHARE
        ? html`<button class=${`loupe ${sighting.label} ${boxRight(sighting) ? "left" : ""}`} title=${`${t("picture.zoom")} (Z)`} onClick=${() => setZoom(true)}>
            <span class="loupe-picture" style=${zoomStyle(sighting)}><img src=${url} alt="" /></span>
          </button>`
        : null}
      <div class="picture-top">
        ${sightings.length > 1
          ? sightings.map(
              (one) => html`
                <button key=${one.sighting_id} class=${`chip glass ${one === sighting ? "on" : ""}`} aria-pressed=${one === sighting} onClick=${() => choose(one.sighting_id)}>
                  ${one.camera_name}
                </button>`,
            )
          : html`<span class="chip glass flat">${sighting?.camera_name ?? ""}</span>`}
      </div>
      <div class="picture-bottom">
        <span class=${`chip glass flat ${present ? "live" : ""}`}>${taken ? t("picture.taken", { time: moment(taken) }) : ""}</span>
        <span class="spring"></span>
        <button class="chip glass" aria-pressed=${present} onClick=${() => showPresent(!present)}>${t(present ? "picture.then" : "picture.now")}<kbd>L</kbd></button>
        <button class=${`chip glass ${boxes ? "on" : ""}`} aria-pressed=${boxes} onClick=${() => showBoxes(!boxes)}>${t("picture.boxes")}<kbd>V</kbd></button>
        <button class=${`chip glass ${zoom ? "on" : ""}`} aria-pressed=${zoom} onClick=${() => setZoom(!zoom)}>${t("picture.zoom")}<kbd>Z</kbd></button>
      </div>
    </div>`;
}

/** The plain picture of this sighting; the annotated one if there is no other. */
function pick(detail, sighting) {
  const mine = (detail?.evidence ?? []).filter((one) => one.sighting_id === sighting?.sighting_id);
  return mine.find((one) => one.kind === "snapshot") ?? mine.find((one) => one.kind === "annotated");
}

/** A few of the boxes before: how it grew, without a thicket of lines. */
function traces(history) {
  const every = Math.max(1, Math.ceil(history.length / MOST_TRACES));
  return history.filter((_, index) => index % every === 0 && index < history.length - 1);
}

function Boxes({ sighting, faint }) {
  const { box, width_px: width, height_px: height, label } = sighting;
  const unit = width / 100;
  const above = box.y1 > unit * 4;
  const text = `${t(`label.${label}`)} ${Math.round(sighting.confidence * 100)}%`;
  return html`
    <svg class=${`boxes ${label} ${faint ? "faint" : ""}`} viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      ${traces(sighting.history).map(
        (step, index) => html`<rect key=${index} class="trace" x=${step.box.x1} y=${step.box.y1} width=${step.box.x2 - step.box.x1} height=${step.box.y2 - step.box.y1} />`,
      )}
      <rect class="under" x=${box.x1} y=${box.y1} width=${box.x2 - box.x1} height=${box.y2 - box.y1} />
      <rect class="main" x=${box.x1} y=${box.y1} width=${box.x2 - box.x1} height=${box.y2 - box.y1} />
      <text class="box-text" x=${box.x1} y=${above ? box.y1 - unit * 0.8 : box.y2 + unit * 2.2} font-size=${unit * 1.7}>${text}</text>
    </svg>`;
}

/** The share of the picture that the box takes in its longer direction. */
const shareOf = ({ box, width_px: width, height_px: height }) => Math.max((box.x2 - box.x1) / width, (box.y2 - box.y1) / height);

/** Whether the enlarged part would hide the box if it stood on the right. */
const boxRight = ({ box, width_px: width, height_px: height }) => box.x2 > width * 0.7 && box.y1 < height * 0.45;

/** Enlarge around the box without leaving the picture. */
function zoomStyle(sighting) {
  const { box, width_px: width, height_px: height } = sighting;
  const scale = Math.min(8, Math.max(1.6, ZOOMED_SHARE / shareOf(sighting)));
  const shift = (middle) => Math.min(0, Math.max(1 - scale, 0.5 - middle * scale));
  const x = shift((box.x1 + box.x2) / 2 / width);
  const y = shift((box.y1 + box.y2) / 2 / height);
  return { transform: `translate(${x * 100}%, ${y * 100}%) scale(${scale})`, "--zoom": scale };
}
