// When nothing waits for a decision: all cameras, or the one that was chosen.
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { set, useApp, useCamera } from "../state.js";
import { moment } from "../time.js";
import { healthWords, stateWord, t } from "../words.js";
import { Tile, alarmedCameras, dotOf } from "./cameras.js";
import { LiveVideo } from "./live_video.js";

const ASPECT = 16 / 9;
const SMALLEST_REM = 7; // a tile narrower than this shows neither smoke nor a name

export function Stage() {
  const camera = useCamera(useApp((s) => s.camera));
  return camera ? html`<${OneCamera} camera=${camera} />` : html`<${Wall} />`;
}

function Wall() {
  const cameras = useApp((s) => s.cameras);
  const incidents = useApp((s) => s.incidents);
  const alarmed = alarmedCameras(incidents);
  const [grid, columns] = useColumns(cameras.length);
  return html`
    <section class="stage panel wall" aria-label=${t("cameras")}>
      <div class="stage-head"><h2>${alarmed.size ? t("cameras") : t("wall.title")}</h2><span class="place">${t("wall.text")}</span></div>
      <div ref=${grid} class="wall-grid" style=${{ "--columns": columns }}>
        ${cameras.length ? null : html`<div class="empty"><strong>${t("cameras.empty")}</strong></div>`}
        ${cameras.map((one) => html`<${Tile} key=${one.id} camera=${one} alarm=${alarmed.get(one.id)} large />`)}
      </div>
    </section>`;
}

/** How many columns show all `count` tiles at once as large as may be; the grid scrolls before they get too small. */
function useColumns(count) {
  const grid = useRef(/** @type {any} */ (null));
  const [columns, show] = useState(1);
  useLayoutEffect(() => {
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = grid.current;
      const most = Math.max(1, Math.floor(width / (SMALLEST_REM * parseFloat(getComputedStyle(document.documentElement).fontSize))));
      const widths = Array.from({ length: Math.min(most, Math.max(1, count)) }, (_, index) => {
        const across = index + 1;
        return Math.min(width / across, (height / Math.ceil(count / across)) * ASPECT);
      });
      const largest = widths.indexOf(Math.max(...widths)) + 1;
      show(largest);
    };
    const sizes = new ResizeObserver(measure);
    sizes.observe(grid.current);
    measure();
    return () => sizes.disconnect();
  }, [count]);
  return [grid, columns];
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
