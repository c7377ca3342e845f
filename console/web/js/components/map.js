// The map: ground from our own terrain, cameras with what they see, incidents with how sure we are of the place.
import { useAnswer } from "../answer.js";
import { queue, select, showCamera, tabOf } from "../duty.js";
import { addShifted, chooseMap, chosenMap, rasterSource } from "../base_map.js";
import { cameraFeatures, ellipseFeatures, incidentPoints, lookFeatures, rayFeatures, trackFeatures } from "../geo.js";
import { html, useEffect, useRef, useState } from "../lib.js";
import { get, useApp } from "../state.js";
import { t } from "../words.js";
import { layers, magnification } from "./map_style.js";
import { Unanswered } from "./unanswered.js";

const REBUILD_MS = 2000;
const FAILED_MS = 5000;

const LIBRARY = "../../vendor/maplibre-gl-6.17.0/maplibre-gl.mjs";
let library = null;
let attempts = 0; // under an address of its own each: a browser may remember what could not be loaded
const loadLibrary = () =>
  (library ??= import(attempts++ ? `${LIBRARY}?${attempts}` : LIBRARY).then(
    (module) => {
      addShifted(module, get().deployment.base_maps);
      return module;
    },
    (problem) => {
      library = null;
      throw problem;
    },
  ));

export function hasWebGl() {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2"));
}

/**
 * The map of the duty page; on the map page it also shows `marks` (past incidents), tells `onPlace` where it was
 * clicked, draws the looks of `place`, and `viewsheds` (features of GeoJSON).
 */
export function MapPanel({ whole = false, marks, onIncident = select, onCamera = showCamera, onPlace, place: looked, viewsheds }) {
  const element = useRef(null);
  const view = useRef(null);
  const [state, setState] = useState(hasWebGl() ? "loading" : "no_webgl"); // | ready | lost | failed
  const [attempt, tryAgain] = useState(0);
  const grids = useAnswer("/map/grids");
  const [bare, leaveBare] = useState(false); // pieces of the ground could not be loaded
  const cameras = useApp((s) => s.cameras);
  const incidents = useApp((s) => s.incidents);
  const selected = useApp((s) => s.selected);
  const detail = useApp((s) => s.details.get(s.selected));
  const camera = useApp((s) => s.camera);
  const handlers = useRef({});
  handlers.current = { onIncident, onCamera, onPlace };

  useEffect(() => {
    if (!hasWebGl()) {
      setState("no_webgl");
      return undefined;
    }
    let gone = false;
    let made = null;
    let retry = 0;
    loadLibrary()
      .then((module) => {
        if (gone) return;
        made = view.current = new View(module, element.current, handlers, whole);
        made.map.once("load", () => setState("ready"));
        made.map.on("error", (event) => event.sourceId === "terrain" && leaveBare(true));
        made.map.on("webglcontextlost", () => {
          // The graphics driver was reset, as happens on a screen that runs for weeks: build the map anew.
          setState("lost");
          retry = setTimeout(() => tryAgain((n) => n + 1), REBUILD_MS);
        });
      })
      .catch(() => {
        if (gone) return;
        setState("failed");
        retry = setTimeout(() => tryAgain((n) => n + 1), FAILED_MS);
      });
    return () => {
      gone = true;
      clearTimeout(retry);
      made?.map.remove();
    };
  }, [attempt]);

  useEffect(() => {
    if (state === "ready") view.current.draw({ cameras, incidents, selected, detail, camera, marks, looked });
  }, [state, cameras, incidents, selected, detail, camera, marks, looked]);

  useEffect(() => {
    if (state === "ready" && grids.found) view.current.put("grids", grids.found.features);
  }, [state, grids.found]);
  const layGround = () => {
    leaveBare(false);
    view.current.map.refreshTiles("terrain");
  };
  useEffect(() => {
    if (!bare || state !== "ready") return undefined;
    const timer = setTimeout(layGround, FAILED_MS);
    return () => clearTimeout(timer);
  }, [bare, state]);

  useEffect(() => {
    if (state !== "ready") return;
    view.current.put("viewsheds", viewsheds ?? []);
    element.current.dataset.viewsheds = String(viewsheds?.length ?? 0);
  }, [state, viewsheds]);

  const maps = get().deployment?.base_maps ?? [];
  const [base, setBase] = useState(() => chosenMap(maps));
  const shown = maps.find((one) => one.id === base);
  useEffect(() => {
    if (state === "ready") view.current.showBase(shown);
  }, [state, base]);
  const choose = (event) => {
    chooseMap(event.target.value);
    setBase(event.target.value);
  };

  const place = detail?.summary.location;
  useEffect(() => {
    if (state !== "ready" || whole) return;
    if (detail) view.current.showIncident(detail);
    else if (!selected) view.current.showAll();
  }, [state, selected, place?.lat_deg]);

  return html`
    <section class="map panel" aria-label=${t("map")} data-map=${state}>
      <div ref=${element} class="map-canvas"></div>
      ${state === "lost" || state === "loading" ? html`<div class="map-message" role="status" aria-label=${t("loading")}><div class="spinner"></div></div>` : null}
      ${state === "failed" ? html`<div class="map-message"><${Unanswered} of=${{ problem: { status: 0, kind: "unreachable" }, load: () => tryAgain(attempt + 1) }} /></div>` : null}
      ${state === "no_webgl" ? html`<div class="map-message" role="status">${t("map.no_webgl")}</div>` : null}
      ${state === "ready"
        ? html`<div class="map-buttons">
            ${get().deployment.terrain ? null : html`<span class="chip glass flat">${t("map.no_terrain")}</span>`}
            ${detail ? html`<button class="chip glass" onClick=${() => view.current.showIncident(detail)}>${t("map.incident")}</button>` : null}
            <button class="chip glass" onClick=${() => view.current.showAll()}>${t("map.all")}</button>
            ${grids.problem ? html`<button class="chip glass warn" role="alert" title=${t("unanswered.again")} onClick=${grids.load}>${t("map.no_grids")}</button>` : null}
            ${bare ? html`<button class="chip glass warn" role="alert" title=${t("unanswered.again")} onClick=${layGround}>${t("map.bare")}</button>` : null}
            ${maps.length
              ? html`<select class="chip glass" aria-label=${t("map.base")} value=${base} onChange=${choose}>
                  ${maps.map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}
                  <option value="terrain">${t("map.base.terrain")}</option>
                </select>`
              : null}
          </div>
          ${shown && (shown.approval_number || shown.attribution)
            ? html`<p class="map-credit">${[shown.approval_number && t("map.approval", { number: shown.approval_number }), shown.attribution].filter(Boolean).join(" · ")}</p>`
            : null}`
        : null}
    </section>`;
}

class View {
  constructor(module, element, handlers, whole) {
    this.module = module;
    this.handlers = handlers;
    this.markers = new Map();
    this.shown = new Map(); // source -> its features as text
    const { terrain, name } = get().deployment;
    this.bounds = terrain ? [terrain.bounds.west, terrain.bounds.south, terrain.bounds.east, terrain.bounds.north] : cameraBounds(get().cameras);
    this.map = new module.Map({
      container: element,
      style: layers(terrain, magnification()),
      bounds: cameraBounds(get().cameras) ?? this.bounds,
      fitBoundsOptions: { padding: 40 },
      maxZoom: 17,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      localIdeographFontFamily: '"Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif',
      locale: { "Map.Title": name },
    });
    this.map.touchZoomRotate.disableRotation();
    if (!whole) this.map.keyboard.disable(); // the arrow keys belong to the queue
    this.map.addControl(new module.NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new module.ScaleControl({ maxWidth: 110 * magnification() }), "bottom-left");
    this.map.on("click", (event) => {
      const [camera] = this.map.queryRenderedFeatures(event.point, { layers: ["camera-points"] });
      if (camera) handlers.current.onCamera(camera.properties.id);
      else handlers.current.onPlace?.({ lat_deg: event.lngLat.lat, lon_deg: event.lngLat.lng });
    });
    for (const [name, cursor] of [["mouseenter", "pointer"], ["mouseleave", ""]]) {
      this.map.on(name, "camera-points", () => (this.map.getCanvas().style.cursor = cursor));
    }
    this.sizes = new ResizeObserver(() => this.map.resize());
    this.sizes.observe(element);
    this.map.once("remove", () => this.sizes.disconnect());
  }

  /** Cameras tell of new pictures every few seconds; the map is drawn again when what it shows has changed. */
  put(name, features) {
    const text = JSON.stringify(features);
    if (this.shown.get(name) === text) return;
    this.shown.set(name, text);
    this.map.getSource(name)?.setData({ type: "FeatureCollection", features });
  }

  /** The base map above the terrain's picture and below all else; undefined: the terrain alone. */
  showBase(map) {
    if (this.map.getLayer("base")) this.map.removeLayer("base");
    if (this.map.getSource("base")) this.map.removeSource("base");
    if (!map) return;
    this.map.addSource("base", rasterSource(map));
    this.map.addLayer({ id: "base", type: "raster", source: "base", paint: { "raster-brightness-max": 0.8, "raster-saturation": -0.15, "raster-fade-duration": 120 } }, "viewsheds");
  }

  draw({ cameras, incidents, selected, detail, camera, marks, looked }) {
    const known = [...incidents.values()].filter((one) => tabOf(one) !== "ended" || one.incident_id === selected);
    const open = marks ?? known;
    const alarmed = new Set(queue(incidents, "suspected").flatMap((one) => one.camera_ids));
    const put = this.put.bind(this);
    put("cameras", cameraFeatures(cameras, alarmed, camera ? [camera] : (detail?.summary.camera_ids ?? [])));
    put("ellipses", ellipseFeatures(open, selected));
    put("rays", rayFeatures(detail));
    put("track", trackFeatures(detail));
    this.map.getContainer().dataset.track = String(detail?.estimates.length ?? 0);
    put("looks", lookFeatures(looked, cameras));
    this.drawMarkers(incidentPoints(open), selected);
  }

  drawMarkers(points, selected) {
    for (const [id, marker] of this.markers) {
      if (!points.some((one) => one.id === id)) {
        marker.remove();
        this.markers.delete(id);
      }
    }
    for (const { id, number, label, tab, position } of points) {
      let marker = this.markers.get(id);
      if (!marker) {
        const element = document.createElement("button");
        element.addEventListener("click", (event) => {
          event.stopPropagation();
          this.handlers.current.onIncident(id);
        });
        element.dataset.incident = id;
        element.textContent = number;
        marker = new this.module.Marker({ element }).setLngLat(position).addTo(this.map);
        this.markers.set(id, marker);
      }
      marker.setLngLat(position);
      const element = marker.getElement();
      for (const one of ["smoke", "fire", "suspected", "active", "ended", "chosen", "incident-marker"]) element.classList.remove(one);
      element.classList.add("incident-marker", label, tab, ...(id === selected ? ["chosen"] : []));
      element.setAttribute("aria-label", t("incident.number", { n: number }));
    }
  }

  /** The fire with the cameras that see it. */
  showIncident(detail) {
    const where = detail?.summary.location;
    if (where?.lat_deg == null) {
      this.showAll();
      return;
    }
    const bounds = new this.module.LngLatBounds([where.lon_deg, where.lat_deg], [where.lon_deg, where.lat_deg]);
    for (const one of detail.sightings) bounds.extend([one.camera_lon_deg, one.camera_lat_deg]);
    this.map.fitBounds(bounds, { padding: 45, maxZoom: 14.5, duration: 600 });
  }

  showAll() {
    const bounds = cameraBounds(get().cameras) ?? this.bounds;
    if (bounds) this.map.fitBounds(bounds, { padding: 30, duration: 600 });
  }
}

function cameraBounds(cameras) {
  if (!cameras.length) return null;
  const lons = cameras.map((one) => one.lon_deg);
  const lats = cameras.map((one) => one.lat_deg);
  return [Math.min(...lons) - 0.02, Math.min(...lats) - 0.02, Math.max(...lons) + 0.02, Math.max(...lats) + 0.02];
}
