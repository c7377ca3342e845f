// Many cameras at once for the wall screen: pictures at a low rate, video where one points, alarms first.
import { queue, showCamera } from "../duty.js";
import { own } from "../keys.js";
import { html, memo, useEffect, useLayoutEffect, useState } from "../lib.js";
import { set, useApp } from "../state.js";
import { clock, now, useTick } from "../time.js";
import { t } from "../words.js";
import { Tile, alarmedCameras } from "./cameras.js";
import { LiveVideo } from "./live_video.js";

const SIZES = [4, 9, 16, 25, 36];
const TURN_MS = 20000;
const HOVER_MS = 500; // whoever only passes over a tile starts nothing

export function WallPage() {
  const cameras = useApp((s) => s.cameras);
  const incidents = useApp((s) => s.incidents);
  const kiosk = useApp((s) => s.kiosk);
  const enough = SIZES.find((size) => size >= cameras.length) ?? SIZES.at(-1);
  const [size, setSize] = useState(() => Number(localStorage.getItem("firewatch.wall")) || enough);
  const [page, setPage] = useState(0);
  const [turning, turn] = useState(true);
  const alarmed = alarmedCameras(incidents);
  const sorted = [...cameras].sort((a, b) => Number(alarmed.has(b.id)) - Number(alarmed.has(a.id)));
  const pages = Math.max(1, Math.ceil(sorted.length / size));
  const at = page % pages;

  useEffect(() => {
    if (!turning || pages < 2 || alarmed.size) return undefined;
    const timer = setInterval(() => setPage((n) => n + 1), TURN_MS);
    return () => clearInterval(timer);
  }, [turning, pages, alarmed.size]);
  useEffect(() => setPage(0), [alarmed.size > 0]); // alarmed cameras are on the first page
  useEffect(() => () => set({ kiosk: false }), []);
  useEffect(() => {
    const left = () => !document.fullscreenElement && set({ kiosk: false });
    document.addEventListener("fullscreenchange", left);
    return () => document.removeEventListener("fullscreenchange", left);
  }, []);

  const showKiosk = (on) => {
    set({ kiosk: on });
    if (on) document.documentElement.requestFullscreen?.().catch(() => null);
    else if (document.fullscreenElement) document.exitFullscreen().catch(() => null);
  };
  useLayoutEffect(() => own({ KeyF: () => showKiosk(!kiosk), Escape: () => showKiosk(false), ArrowRight: () => setPage(at + 1), ArrowLeft: () => setPage(at + pages - 1) }), [kiosk, at, pages]);

  const choose = (count) => {
    localStorage.setItem("firewatch.wall", String(count));
    setSize(count);
    setPage(0);
  };
  return html`
    <main class="page wall-page" data-page="wall">
      <header class="wall-head">
        ${kiosk ? html`<${Headline} />` : html`<h1>${t("page.wall")}</h1>`}
        <span class="spring"></span>
        ${kiosk
          ? null
          : html`
              <span class="modes" role="group" aria-label=${t("wall.size")}>${SIZES.map((count) => html`<button key=${count} class=${`chip ${size === count ? "chosen" : ""}`} aria-pressed=${size === count} onClick=${() => choose(count)}>${count}</button>`)}</span>
              ${pages > 1 ? html`<button class="chip" aria-pressed=${turning} onClick=${() => turn(!turning)}>${t(turning ? "wall.turning" : "wall.still")}</button>` : null}
              <button class="chip" onClick=${() => showKiosk(true)}>${t("wall.kiosk")}<kbd>F</kbd></button>`}
        ${pages > 1 ? html`<span class="wall-pages"><button class="chip" aria-label=${t("wall.before")} onClick=${() => setPage(at + pages - 1)}>◂</button>${at + 1} / ${pages}<button class="chip" aria-label=${t("wall.next")} onClick=${() => setPage(at + 1)}>▸</button></span>` : null}
      </header>
      ${cameras.length
        ? html`<div class="wall-tiles" style=${{ "--columns": Math.sqrt(size) }}>
            ${sorted.slice(at * size, (at + 1) * size).map((one) => html`<${WallTile} key=${one.id} camera=${one} alarm=${alarmed.get(one.id)} />`)}
          </div>`
        : html`<div class="panel empty"><strong>${t("cameras.empty")}</strong></div>`}
    </main>`;
}

/** What a wall without a keyboard must say: the time, how many fires wait, how many cameras see. */
function Headline() {
  useTick(1000);
  const name = useApp((s) => s.deployment?.name);
  const open = useApp((s) => queue(s.incidents, "suspected").length);
  const live = useApp((s) => s.cameras.filter((one) => one.state === "live").length);
  const all = useApp((s) => s.cameras.filter((one) => one.enabled).length);
  return html`<h1>${name}</h1><time class="wall-clock">${clock(now())}</time><span class=${open ? "chip alarm" : "chip good"}>${t("tab.suspected")} ${open}</span><span class=${`chip ${live < all ? "warn" : "good"}`}>${t("top.cameras", { live, all })}</span>`;
}

const WallTile = memo(({ camera, alarm }) => {
  const [pointed, point] = useState(false);
  const [live, setLive] = useState(false);
  useEffect(() => {
    if (!pointed) {
      setLive(false);
      return undefined;
    }
    const timer = setTimeout(() => setLive(true), HOVER_MS);
    return () => clearTimeout(timer);
  }, [pointed]);
  return html`
    <div class="wall-tile" data-wall=${camera.id} onMouseEnter=${() => point(true)} onMouseLeave=${() => point(false)} onFocusIn=${() => point(true)} onFocusOut=${() => point(false)}>
      <${Tile} camera=${camera} alarm=${alarm} large act=${showCamera} />
      ${live && camera.enabled ? html`<div class="wall-live" onClick=${() => showCamera(camera.id)}><${LiveVideo} camera=${camera} /></div>` : null}
    </div>`;
});
