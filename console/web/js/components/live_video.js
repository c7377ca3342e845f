// A camera as it is now: video, or pictures where video does not go; its newest picture until either comes.
import { html, useEffect, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { watch } from "../whep.js";
import { LatestPicture } from "./cameras.js";

export function LiveVideo({ camera, children }) {
  const video = useRef(null);
  const frame = useRef(null);
  const [state, setState] = useState("connecting"); // | video | pictures | refused
  const [shown, show] = useState(true);

  // A page in the background watches nothing.
  useEffect(() => {
    const changed = () => show(!document.hidden);
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);

  useEffect(() => (shown ? watch(camera.id, video.current, setState) : undefined), [camera.id, shown]);

  const full = () => (document.fullscreenElement ? document.exitFullscreen() : frame.current.requestFullscreen()).catch(() => null);
  return html`
    <div ref=${frame} class="live-video" data-live=${state} data-camera=${camera.id} onDblClick=${full}>
      ${state === "video" || state === "pictures" ? null : html`<${LatestPicture} camera=${camera} />`}
      <video ref=${video} class=${state === "video" ? "" : "hidden"} muted autoplay playsinline aria-label=${`${camera.name} ${t("live.video")}`}></video>
      ${state === "pictures" && shown ? html`<img src=${`/api/v1/cameras/${camera.id}/mjpeg?${Date.now()}`} alt=${camera.name} />` : null}
      <div class="live-foot">
        <span class=${`chip glass flat ${state === "video" || state === "pictures" ? "live" : ""}`}>
          ${state === "connecting" ? html`<span class="spinner small"></span>` : html`<i class=${`dot ${state === "refused" ? "stale" : "live"}`}></i>`}
          ${t(`live.${state}`)}
        </span>
        <span class="live-name">${camera.name}</span>
        ${children}
        <button class="chip glass" title=${t("live.full")} aria-label=${t("live.full")} onClick=${full}>⛶</button>
      </div>
    </div>`;
}
