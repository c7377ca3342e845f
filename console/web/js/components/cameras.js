// Every camera with its state and newest picture; those with an open incident come first.
import { pauseMs } from "../api.js";
import { tabOf } from "../duty.js";
import { html, memo, useEffect, useRef, useState } from "../lib.js";
import { smallPicture } from "../pictures.js";
import { set, useApp } from "../state.js";
import { age, moment } from "../time.js";
import { healthWords, stateWord, t } from "../words.js";
import { Ago } from "./ago.js";
import { Icon } from "./icon.js";

/** A camera that nobody watches looks as bad as a blind one. */
export const dotOf = (camera) => (camera.state === "off" && camera.enabled ? "stale" : camera.state);

export function alarmedCameras(incidents) {
  const ids = new Map();
  for (const one of incidents.values()) {
    if (tabOf(one) !== "suspected") continue;
    for (const id of one.camera_ids) if (ids.get(id) !== "fire") ids.set(id, one.label);
  }
  return ids;
}

export function CameraStrip() {
  const cameras = useApp((s) => s.cameras);
  const incidents = useApp((s) => s.incidents);
  const chosen = useApp((s) => s.camera);
  const alarmed = alarmedCameras(incidents);
  const sorted = [...cameras].sort((a, b) => Number(alarmed.has(b.id)) - Number(alarmed.has(a.id)));
  if (!cameras.length) return html`<footer class="strip"><div class="empty">${t("cameras.empty")}</div></footer>`;
  return html`
    <footer class="strip" aria-label=${t("cameras")}>
      ${sorted.map((one) => html`<${Tile} key=${one.id} camera=${one} alarm=${alarmed.get(one.id)} chosen=${chosen === one.id} />`)}
    </footer>`;
}

const show = (id) => set({ camera: id });

/** Drawn again when its own camera is another one, whatever happens to the others. */
export const Tile = memo(({ camera, alarm, chosen, large, act = show }) => {
  const good = camera.state === "live";
  return html`
    <button
      class=${`tile ${large ? "large" : ""} ${alarm ? `alarm ${alarm}` : ""} ${chosen ? "chosen" : ""} ${good || camera.state === "moved" ? "" : "blind"}`}
      data-camera=${camera.id}
      data-state=${camera.state}
      title=${healthWords(camera.reason) || camera.name}
      onClick=${() => act(camera.id)}
    >
      <${LatestPicture} camera=${camera} />
      <span class="tile-foot">
        <i class=${`dot ${dotOf(camera)}`}></i>
        <span class="tile-name">${camera.name}</span>
        ${good ? (camera.picture_at ? html`<${Ago} at=${camera.picture_at} say=${age} />` : null) : html`<b>${stateWord(camera)}</b>`}
      </span>
      ${good || !camera.since || !camera.picture_at ? null : html`<span class="tile-why">${t("since", { time: moment(camera.since) })}</span>`}
      ${alarm ? html`<span class=${`label tile-alarm ${alarm}`}><${Icon} name=${alarm} /></span>` : null}
    </button>`;
});

const WIDTHS = [160, 320, 640]; // that a picture can be had in; wider ones come as they were sent
const NOT_SEEN = null;

/** @param {any} camera @param {number | ""} width */
const addressOf = async (camera, width) =>
  width ? URL.createObjectURL(await smallPicture(camera.id, width)) : `/api/v1/cameras/${camera.id}/picture?at=${encodeURIComponent(camera.picture_at)}`;

const forget = (address) => address?.startsWith("blob:") && URL.revokeObjectURL(address);

/**
 * As how wide a picture the element is seen: one of WIDTHS, "" as it was sent, NOT_SEEN while it is not on the screen,
 * nor nearly. A strip of a hundred cameras loads those one sees, as large as one sees them.
 */
function useSeenWidth(drawn) {
  const element = useRef(null);
  const [seen, tell] = useState(/** @type {number | "" | null} */ (NOT_SEEN));
  useEffect(() => {
    let inSight = false;
    const look = () => {
      const pixels = element.current.clientWidth * devicePixelRatio;
      tell(inSight ? (WIDTHS.find((width) => width >= pixels) ?? "") : NOT_SEEN);
    };
    const sight = new IntersectionObserver((entries) => {
      inSight = entries.at(-1).isIntersecting;
      look();
    }, { rootMargin: "200px" });
    const sizes = new ResizeObserver(look);
    for (const observer of [sight, sizes]) observer.observe(element.current);
    return () => {
      for (const observer of [sight, sizes]) observer.disconnect();
    };
  }, [drawn]); // the element is another one then
  return [element, seen];
}

/**
 * The newest picture, as large as it is shown, or `whole`, to work on it; the one before stays until it has arrived, so
 * that nothing flickers.
 */
export function LatestPicture({ camera, whole = false }) {
  const [shown, show] = useState(/** @type {{ key: string, address: string } | null} */ (null));
  const [place, seen] = useSeenWidth(shown !== null);
  const width = whole && seen !== NOT_SEEN ? "" : seen;
  const key = camera.picture_at && width !== NOT_SEEN ? `${camera.picture_at} ${width}` : null;
  const [failures, fail] = useState(0); // in a row
  useEffect(() => {
    if (!key || key === shown?.key) return undefined;
    let wanted = true;
    let timer = 0;
    async function load() {
      const address = await addressOf(camera, /** @type {number | ""} */ (width));
      const next = new Image();
      next.src = address;
      const failed = await next.decode().then(() => null, (problem) => problem); // aside: showing it costs the page nothing
      if (failed || !wanted) forget(address);
      if (failed) throw failed;
      if (!wanted) return;
      show({ key: /** @type {string} */ (key), address });
      fail(0);
    }
    load().catch(() => {
      if (wanted) timer = setTimeout(() => fail(failures + 1), pauseMs(failures + 1));
    });
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key, failures]);
  useEffect(() => () => forget(shown?.address), [shown]);
  if (!shown) return html`<span ref=${place} class="no-picture"><${Icon} name="camera" />${camera.picture_at ? (failures ? t("picture.failed") : "") : t("camera.no_picture")}</span>`;
  return html`<img ref=${place} src=${shown.address} alt="" />`;
}
