// When nothing waits for a decision: all cameras, or the one that was chosen.
import { html } from "../lib.js";
import { set, useApp } from "../state.js";
import { moment } from "../time.js";
import { healthWords, stateWord, t } from "../words.js";
import { Tile, alarmedCameras, dotOf } from "./cameras.js";
import { LiveVideo } from "./live_video.js";

export function Stage() {
  const id = useApp((s) => s.camera);
  const cameras = useApp((s) => s.cameras);
  const camera = cameras.find((one) => one.id === id);
  return camera ? html`<${OneCamera} camera=${camera} />` : html`<${Wall} cameras=${cameras} />`;
}

function Wall({ cameras }) {
  const incidents = useApp((s) => s.incidents);
  const alarmed = alarmedCameras(incidents);
  const columns = Math.ceil(Math.sqrt(Math.max(1, cameras.length)));
  return html`
    <section class="stage panel wall" aria-label=${t("cameras")}>
      <div class="stage-head"><h2>${alarmed.size ? t("cameras") : t("wall.title")}</h2><span class="place">${t("wall.text")}</span></div>
      <div class="wall-grid" style=${{ "--columns": columns }}>
        ${cameras.map((one) => html`<${Tile} key=${one.id} camera=${one} alarm=${alarmed.get(one.id)} large />`)}
      </div>
    </section>`;
}

function OneCamera({ camera }) {
  return html`
    <section class="stage panel" aria-label=${camera.name}>
      <div class="stage-head">
        <span class=${`tag state-${camera.state}`}><i class=${`dot ${dotOf(camera)}`}></i>${stateWord(camera)}</span>
        <h2>${camera.name}</h2>
        <span class="place">${healthWords(camera.reason)}</span>
        <span class="when">${camera.picture_at ? html`<strong>${t("picture.taken", { time: moment(camera.picture_at) })}</strong>` : null}</span>
        <button class="button small" onClick=${() => set({ camera: null })}>${t("close")}<kbd>Esc</kbd></button>
      </div>
      <div class="picture"><${LiveVideo} key=${camera.id} camera=${camera} /></div>
    </section>`;
}
