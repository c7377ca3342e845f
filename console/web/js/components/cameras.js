// Every camera with its state and newest picture; those with an open incident come first.
import { tabOf } from "../duty.js";
import { html, useEffect, useState } from "../lib.js";
import { set, useApp } from "../state.js";
import { moment, now, span, useTick } from "../time.js";
import { healthWords, stateWord, t } from "../words.js";
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
  const sorted = [...cameras].sort((a, b) => alarmed.has(b.id) - alarmed.has(a.id));
  if (!cameras.length) return html`<footer class="strip"><div class="empty">${t("cameras.empty")}</div></footer>`;
  return html`
    <footer class="strip" aria-label=${t("cameras")}>
      ${sorted.map((one) => html`<${Tile} key=${one.id} camera=${one} alarm=${alarmed.get(one.id)} chosen=${chosen === one.id} />`)}
    </footer>`;
}

export function Tile({ camera, alarm, chosen, large, act = () => set({ camera: camera.id }) }) {
  useTick(1000);
  const good = camera.state === "live";
  return html`
    <button
      class=${`tile ${large ? "large" : ""} ${alarm ? `alarm ${alarm}` : ""} ${chosen ? "chosen" : ""} ${good || camera.state === "moved" ? "" : "blind"}`}
      data-camera=${camera.id}
      data-state=${camera.state}
      title=${healthWords(camera.reason) || camera.name}
      onClick=${act}
    >
      <${LatestPicture} camera=${camera} />
      <span class="tile-foot">
        <i class=${`dot ${dotOf(camera)}`}></i>
        <span class="tile-name">${camera.name}</span>
        ${good ? html`<time>${camera.picture_at ? age(camera.picture_at) : ""}</time>` : html`<b>${stateWord(camera)}</b>`}
      </span>
      ${good || !camera.since || !camera.picture_at ? null : html`<span class="tile-why">${t("since", { time: moment(camera.since) })}</span>`}
      ${alarm ? html`<span class=${`label tile-alarm ${alarm}`}><${Icon} name=${alarm} /></span>` : null}
    </button>`;
}

/** The newest picture; the one before stays until it has arrived, so that nothing flickers. */
export function LatestPicture({ camera }) {
  const url = camera.picture_at ? `/api/v1/cameras/${camera.id}/picture?at=${encodeURIComponent(camera.picture_at)}` : null;
  const [shown, show] = useState(null);
  useEffect(() => {
    if (!url || url === shown) return undefined;
    const next = new Image();
    let wanted = true;
    next.onload = () => wanted && show(url);
    next.src = url;
    return () => {
      wanted = false;
    };
  }, [url]);
  if (!shown) return html`<span class="no-picture"><${Icon} name="camera" />${url ? "" : t("camera.no_picture")}</span>`;
  return html`<img src=${shown} alt="" />`;
}

const age = (text) => span((now().getTime() - new Date(text).getTime()) / 1000);
