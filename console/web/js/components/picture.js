// What the camera saw: the looping clip around the alarm, the moment of confirmation, before and after side by
// side, and the newest picture; boxes over all of them, and a closer look at the plume.
import { keyName, own } from "../keys.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { useCamera } from "../state.js";
import { moment, span } from "../time.js";
import { t } from "../words.js";

const ZOOMED_SHARE = 0.3; // the box takes this much of the picture when zoomed
const MOST_TRACES = 4;
const SMALL_SHARE = 0.16; // smaller boxes are shown enlarged in a corner as well
const AGAIN_MS = 10000; // until a picture that could not be loaded is asked for again
const MODES = [["clip", "KeyR"], ["then", null], ["compare", "KeyD"], ["now", "KeyL"]];

export function Picture({ detail, sighting, sightings, choose }) {
  const [boxes, showBoxes] = useState(true);
  const [zoom, setZoom] = useState(false);
  const [wanted, want] = useState(null); // null: the clip as soon as there is one
  const [broken, setBroken] = useState(null);
  const [clipTime, setClipTime] = useState(null);
  const camera = useCamera(sighting?.camera_id);

  const evidence = evidenceOf(detail, sighting);
  const nowUrl = camera?.picture_at ? `/api/v1/cameras/${camera.id}/picture?at=${encodeURIComponent(camera.picture_at)}` : null;
  const has = { clip: Boolean(evidence.clip), then: true, compare: Boolean(evidence.before && evidence.then), now: true };
  const mode = wanted && has[wanted] ? wanted : wanted === null && has.clip ? "clip" : "then";
  const toggle = (name) => want((before) => ((before ?? (has.clip ? "clip" : "then")) === name ? "then" : name));

  useLayoutEffect(() => own({
    KeyV: () => showBoxes((on) => !on),
    KeyZ: () => setZoom((on) => !on),
    KeyR: () => has.clip && toggle("clip"),
    KeyD: () => has.compare && toggle("compare"),
    KeyL: () => toggle("now"),
  }), [has.clip, has.compare]);

  const url = mode === "clip" ? evidence.clip.url : mode === "now" ? nowUrl : evidence.then?.url;
  const still = mode === "clip" ? evidence.then?.url : url; // for the enlarged part
  const drawn = evidence.then?.kind === "snapshot" || mode !== "then"; // an annotated picture has its boxes already
  const shown = url && broken !== url;
  const fail = () => setBroken(url);
  useEffect(() => {
    if (!broken) return undefined;
    const timer = setTimeout(() => setBroken(null), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [broken]);
  return html`
    <div class="picture" data-mode=${mode}>
      ${shown
        ? html`
            <div class="picture-zoom" style=${zoom && sighting ? zoomStyle(sighting) : {}}>
              ${mode === "clip"
                ? html`<${Clip} key=${url} clip=${evidence.clip} tell=${setClipTime} onError=${fail} />`
                : mode === "compare"
                  ? html`<${Compare} before=${evidence.before} after=${evidence.then} onError=${fail} />`
                  : html`<img src=${url} alt=${sighting?.camera_name ?? ""} onError=${fail} />`}
              ${boxes && drawn && sighting ? html`<${Boxes} sighting=${sighting} at=${mode === "clip" && evidence.timed ? clipTime : null} faint=${mode === "now" || mode === "compare"} />` : null}
            </div>`
        : html`<div class="empty"><strong>${t(url ? "picture.failed" : mode === "now" ? "camera.no_picture" : "picture.missing")}</strong>${url ? html`<button class="button small" onClick=${() => setBroken(null)}>${t("retry")}</button>` : null}</div>`}
      ${shown && still && sighting && !zoom && mode !== "compare" && shareOf(sighting) < SMALL_SHARE
        ? html`<button class=${`loupe ${sighting.label} ${boxRight(sighting) ? "left" : ""}`} title=${`${t("picture.zoom")} (${keyName("KeyZ")})`} onClick=${() => setZoom(true)}>
            <span class="loupe-picture" style=${zoomStyle(sighting)}><img src=${still} alt="" /></span>
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
        <span class=${`chip glass flat ${mode === "now" ? "live" : ""}`}>${sighting ? taken(mode, sighting, camera, evidence, clipTime) : ""}</span>
        <span class="spring"></span>
        <span class="modes" role="group" aria-label=${t("picture.mode")}>
          ${MODES.filter(([name]) => has[name]).map(
            ([name, key]) => html`<button key=${name} class=${`chip glass ${mode === name ? "on" : ""}`} aria-pressed=${mode === name} onClick=${() => want(name)}>${t(`picture.${name}`)}${key ? html`<kbd>${keyName(key)}</kbd>` : null}</button>`,
          )}
        </span>
        <button class=${`chip glass ${boxes ? "on" : ""}`} aria-pressed=${boxes} onClick=${() => showBoxes(!boxes)}>${t("picture.boxes")}<kbd>${keyName("KeyV")}</kbd></button>
        <button class=${`chip glass ${zoom ? "on" : ""}`} aria-pressed=${zoom} onClick=${() => setZoom(!zoom)}>${t("picture.zoom")}<kbd>${keyName("KeyZ")}</kbd></button>
      </div>
    </div>`;
}

/** What is kept of a sighting: its picture, the newest whole clip, and the oldest picture of the lead-up. */
function evidenceOf(detail, sighting) {
  const mine = (detail?.evidence ?? []).filter((one) => one.sighting_id === sighting?.sighting_id);
  const clips = mine.filter((one) => one.kind === "clip" && sighting && one.captured_at <= sighting.confirmed_at);
  const before = mine.filter((one) => one.kind === "lead_up").sort((a, b) => (a.captured_at < b.captured_at ? -1 : 1));
  return {
    then: mine.find((one) => one.kind === "snapshot") ?? mine.find((one) => one.kind === "annotated"),
    clip: clips.sort((a, b) => (a.captured_at < b.captured_at ? 1 : -1))[0],
    before: before[0],
    timed: before.length > 0, // a time-lapse of single pictures runs on a clock of its own
  };
}

function taken(mode, sighting, camera, evidence, clipTime) {
  if (mode === "now") return camera?.picture_at ? t("picture.taken", { time: moment(camera.picture_at) }) : "";
  if (mode === "compare") return t("picture.compared", { before: moment(evidence.before.captured_at), after: moment(sighting.confirmed_at) });
  if (mode === "then") return t("picture.taken", { time: moment(sighting.confirmed_at) });
  const cut = evidence.clip.incomplete ? ` · ${t("picture.incomplete")}` : "";
  if (!evidence.timed || clipTime === null) return t("picture.lapse") + cut;
  const left = (new Date(sighting.confirmed_at).getTime() - clipTime.getTime()) / 1000;
  return `${moment(clipTime)} · ${t(left > 0 ? "picture.before" : "picture.after", { span: span(Math.abs(left)) })}${cut}`;
}

function Clip({ clip, tell, onError }) {
  const begins = new Date(clip.captured_at).getTime();
  const progress = (event) => tell(new Date(begins + event.target.currentTime * 1000));
  return html`<video src=${clip.url} muted autoplay loop playsinline onTimeUpdate=${progress} onError=${onError} aria-label=${t("picture.clip")}></video>`;
}

/** The later picture lies over the earlier one, from the handle to the right. */
function Compare({ before, after, onError }) {
  const [share, setShare] = useState(50);
  const frame = useRef(null);
  const drag = (event) => {
    if (!event.buttons) return;
    const { left, width } = frame.current.getBoundingClientRect();
    setShare(Math.min(100, Math.max(0, ((event.clientX - left) / width) * 100)));
  };
  return html`
    <div ref=${frame} class="compare" onPointerDown=${drag} onPointerMove=${drag}>
      <img src=${before.url} alt=${t("picture.before.alt")} draggable=${false} onError=${onError} />
      <img class="compare-after" src=${after.url} alt=${t("picture.then")} draggable=${false} style=${{ clipPath: `inset(0 0 0 ${share}%)` }} onError=${onError} />
      <i class="compare-line" style=${{ left: `${share}%` }}></i>
      <b class="compare-word left">${t("picture.side.before")}</b><b class="compare-word right">${t("picture.side.after")}</b>
      <input type="range" min="0" max="100" value=${share} aria-label=${t("picture.compare")} onInput=${(event) => setShare(Number(event.target.value))} />
    </div>`;
}

/** A few of the boxes before: how it grew, without a thicket of lines. */
function traces(history) {
  const every = Math.max(1, Math.ceil(history.length / MOST_TRACES));
  return history.filter((_, index) => index % every === 0 && index < history.length - 1);
}

/** The box at confirmation; with a time, the one of that time, dashed while nothing was seen yet. */
function Boxes({ sighting, at, faint }) {
  const { width_px: width, height_px: height, label } = sighting;
  const past = at ? sighting.history.filter((step) => new Date(step.at) <= at) : sighting.history;
  const unseen = at !== null && !past.length;
  const step = at && past.length ? past.at(-1) : sighting;
  const { box } = step;
  const unit = width / 100;
  const above = box.y1 > unit * 4;
  const text = unseen ? t("picture.unseen") : `${t(`label.${label}`)} ${Math.round(step.confidence * 100)}%`;
  return html`
    <svg class=${`boxes ${label} ${faint || unseen ? "faint" : ""}`} viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      ${(at ? [] : traces(sighting.history)).map(
        (one, index) => html`<rect key=${index} class="trace" x=${one.box.x1} y=${one.box.y1} width=${one.box.x2 - one.box.x1} height=${one.box.y2 - one.box.y1} />`,
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
