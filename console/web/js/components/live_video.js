// A camera as it is now: video, or pictures where video does not go; its newest picture until either comes.
import { html, useEffect, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { watch } from "../whep.js";
import { LatestPicture } from "./cameras.js";
import { Icon } from "./icon.js";

export function LiveVideo({ camera }) {
  const video = useRef(null);
  const frame = useRef(null);
  const [state, setState] = useState("connecting"); // | video | pictures | refused
  const [shown, show] = useState(true);
  const [began, begin] = useState(false); // whether the first of the pictures is there

  // A page in the background watches nothing.
  useEffect(() => {
    const changed = () => show(!document.hidden);
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
  }, []);

  const [attempt, tryAgain] = useState(0);
  useEffect(() => (shown ? watch(camera.id, video.current, setState) : undefined), [camera.id, shown, attempt]);
  useEffect(() => begin(false), [state]);

  const full = () => (document.fullscreenElement ? document.exitFullscreen() : frame.current.requestFullscreen()).catch(() => null);
  return html`
    <div ref=${frame} class="live-video" data-live=${state} data-camera=${camera.id} onDblClick=${full}>
      ${state === "video" || (state === "pictures" && began) ? null : html`<${LatestPicture} camera=${camera} />`}
      <video ref=${video} class=${state === "video" ? "" : "hidden"} muted autoplay playsinline aria-label=${`${camera.name} ${t("live.video")}`}></video>
      ${state === "pictures" && shown ? html`<img src=${`/api/v1/cameras/${camera.id}/mjpeg`} alt="" onLoad=${() => begin(true)} />` : null}
      <div class="live-foot">
        <span class=${`chip glass flat ${state === "video" || state === "pictures" ? "live" : ""}`}>
          ${state === "connecting" ? html`<span class="spinner small"></span>` : html`<i class=${`dot ${state === "refused" ? "stale" : "live"}`}></i>`}
          ${t(state === "video" ? "live.video.on" : `live.${state}`)}
        </span>
        <span class="live-name">${camera.name}</span>
        ${state === "pictures" ? html`<button class="chip glass" onClick=${() => tryAgain(attempt + 1)}>${t("live.again")}</button>` : null}
        <button class="chip glass" title=${t("live.full")} aria-label=${t("live.full")} onClick=${full}><${Icon} name="full" /></button>
      </div>
    </div>`;
}
