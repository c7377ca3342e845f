// What the map looks like; colours as in base.css.

const NOTHING = { type: "FeatureCollection", features: [] };
const SMOKE = "#ffb224";
const FIRE = "#ff5c3a";
const label = ["match", ["get", "label"], "fire", FIRE, SMOKE];
const FONT = ["Noto Sans SC"];

const SIZES = new Set(["text-size", "text-halo-width", "line-width", "circle-radius", "circle-stroke-width"]);

/** How much larger than on a desk the page is drawn: on a wall, letters grow with the screen (base.css). */
export function magnification() {
  return Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 16);
}

/** @param {any} terrain @param {number} scale of letters, lines and points */
export function layers(terrain, scale = 1) {
  const style = drawn(terrain);
  for (const layer of style.layers) {
    for (const values of [layer.layout, layer.paint]) {
      for (const name of Object.keys(values ?? {})) {
        if (SIZES.has(name)) values[name] = typeof values[name] === "number" ? values[name] * scale : ["*", scale, values[name]];
      }
    }
  }
  return style;
}

/** @returns {any} */
function drawn(terrain) {
  const geojson = () => ({ type: "geojson", data: NOTHING });
  return {
    version: 8,
    sources: {
      ...(terrain
        ? {
            terrain: {
              type: "raster",
              tiles: [`${location.origin}/api/v1/map/terrain/{z}/{x}/{y}`],
              tileSize: 512,
              minzoom: terrain.min_zoom,
              maxzoom: terrain.max_zoom,
              bounds: [terrain.bounds.west, terrain.bounds.south, terrain.bounds.east, terrain.bounds.north],
            },
          }
        : {}),
      viewsheds: geojson(),
      grids: geojson(),
      cameras: geojson(),
      ellipses: geojson(),
      rays: geojson(),
      track: geojson(),
      looks: geojson(),
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#0d1416" } },
      ...(terrain ? [{ id: "terrain", type: "raster", source: "terrain", paint: { "raster-fade-duration": 120 } }] : []),
      {
        id: "viewsheds",
        type: "fill",
        source: "viewsheds",
        paint: { "fill-color": ["match", ["get", "sees"], "ground", "#45d296", "#ffd166"], "fill-opacity": ["match", ["get", "sees"], "ground", 0.2, 0.13] },
      },
      {
        id: "grid-lines",
        type: "line",
        source: "grids",
        paint: { "line-color": "#b9d6c9", "line-opacity": ["interpolate", ["linear"], ["zoom"], 10, 0.12, 13, 0.4], "line-width": 1, "line-dasharray": [4, 3] },
      },
      {
        id: "grid-names",
        type: "symbol",
        source: "grids",
        minzoom: 12.4,
        layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 12 },
        paint: { "text-color": "#b9d6c9", "text-opacity": 0.6, "text-halo-color": "#0b1113", "text-halo-width": 1.2 },
      },
      {
        id: "cones",
        type: "fill",
        source: "cameras",
        filter: ["==", ["get", "kind"], "cone"],
        paint: { "fill-color": ["case", ["get", "alarm"], SMOKE, ["get", "blind"], "#8b949a", "#57b7ff"], "fill-opacity": ["case", ["get", "chosen"], 0.07, 0.03] },
      },
      {
        id: "cone-edges",
        type: "line",
        source: "cameras",
        filter: ["==", ["get", "kind"], "cone"],
        paint: { "line-color": ["case", ["get", "alarm"], SMOKE, ["get", "blind"], "#8b949a", "#57b7ff"], "line-opacity": ["case", ["get", "chosen"], 0.5, 0.18], "line-width": 1 },
      },
      {
        id: "ellipse-fill",
        type: "fill",
        source: "ellipses",
        paint: { "fill-color": label, "fill-opacity": ["case", ["get", "chosen"], 0.26, 0.12] },
      },
      {
        id: "ellipse-edge",
        type: "line",
        source: "ellipses",
        paint: { "line-color": label, "line-width": ["case", ["get", "chosen"], 1.8, 1], "line-opacity": 0.9 },
      },
      {
        id: "rays",
        type: "line",
        source: "rays",
        paint: { "line-color": label, "line-width": 2, "line-dasharray": [2, 1.5], "line-opacity": 0.95 },
      },
      {
        id: "track",
        type: "line",
        source: "track",
        filter: ["==", ["geometry-type"], "LineString"],
        paint: { "line-color": "#ffffff", "line-width": 1.8, "line-opacity": 0.85 },
      },
      {
        id: "track-points",
        type: "circle",
        source: "track",
        filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-radius": 4.5, "circle-color": label, "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.2, "circle-opacity": ["-", 1, ["*", 0.7, ["get", "age"]]] },
      },
      {
        id: "looks",
        type: "line",
        source: "looks",
        filter: ["==", ["geometry-type"], "LineString"],
        paint: {
          "line-color": ["match", ["get", "sees"], "ground", "#45d296", "plume", "#ffd166", "#8b949a"],
          "line-width": ["match", ["get", "sees"], "ground", 2.2, "plume", 1.8, 1],
          "line-opacity": ["match", ["get", "sees"], "hidden", 0.45, 0.9],
        },
      },
      {
        id: "looked-at",
        type: "circle",
        source: "looks",
        filter: ["==", ["geometry-type"], "Point"],
        paint: { "circle-radius": 6, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": "#ffffff", "circle-stroke-width": 2.5 },
      },
      {
        id: "camera-points",
        type: "circle",
        source: "cameras",
        filter: ["==", ["get", "kind"], "camera"],
        paint: {
          "circle-radius": ["case", ["get", "chosen"], 7, 5],
          "circle-color": ["case", ["get", "blind"], "#8b949a", "#57b7ff"],
          "circle-stroke-color": ["case", ["get", "alarm"], SMOKE, "#06202f"],
          "circle-stroke-width": 2,
        },
      },
      {
        id: "camera-names",
        type: "symbol",
        source: "cameras",
        filter: ["==", ["get", "kind"], "camera"],
        layout: {
          "text-field": ["get", "name"],
          "text-font": FONT,
          "text-size": 12,
          "text-variable-anchor": ["top", "bottom", "left", "right"],
          "text-radial-offset": 0.8,
          "text-optional": true,
        },
        paint: { "text-color": "#e6f1f5", "text-halo-color": "#0b1113", "text-halo-width": 1.6 },
      },
    ],
  };
}
