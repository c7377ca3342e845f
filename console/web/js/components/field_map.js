// A small still map: the ground around a fire, how far off the place may be, and from where it was seen. No
// library is loaded for it. And links into the phone's own maps, in the datum that each of them expects.
import { gcj02, tileOf } from "../base_map.js";
import { ellipseFeatures, rayFeatures } from "../geo.js";
import { html } from "../lib.js";
import { useApp } from "../state.js";
import { t } from "../words.js";
import { length } from "./facts.js";

const WIDTH = 360;
const HEIGHT = 240;
const TILE_PX = 512;
const LEAST_M = 700; // shown around the place at least
const EARTH_M = 40075016.686;
const BAR_PX = 100;

/** Chinese map apps take GCJ-02; others WGS 84. @returns {[string, string][]} name, address */
export function mapLinks({ lat_deg, lon_deg }, title, place) {
  const [lat, lon] = gcj02(lat_deg, lon_deg).map((one) => one.toFixed(6));
  const [name, where] = [encodeURIComponent(title), encodeURIComponent(place || title)];
  const plain = `${lat_deg.toFixed(6)},${lon_deg.toFixed(6)}`;
  return [
    ["amap", `https://uri.amap.com/marker?position=${lon},${lat}&name=${name}&coordinate=gaode&callnative=1`],
    ["baidu", `https://api.map.baidu.com/marker?location=${lat},${lon}&title=${name}&content=${where}&coord_type=gcj02&output=html&src=firewatch`],
    ["tencent", `https://apis.map.qq.com/uri/v1/marker?marker=coord:${lat},${lon};title:${name};addr:${where}&referer=firewatch`],
    ["other", `geo:${plain}?q=${plain}(${name})`],
  ];
}

export function FieldMap({ detail }) {
  const terrain = useApp((s) => s.deployment.terrain);
  const { lat_deg: lat, lon_deg: lon, ellipse } = detail.location;
  if (lat === null || !terrain) return null;
  const around = Math.max(LEAST_M, 1.25 * (ellipse?.semi_major_m ?? 0));
  const metres = (zoom) => (EARTH_M * Math.cos((lat * Math.PI) / 180)) / (TILE_PX * 2 ** zoom); // of a pixel
  let zoom = terrain.max_zoom;
  while (zoom > terrain.min_zoom && around / metres(zoom) > HEIGHT / 2) zoom -= 1;
  const pixel = (at) => tileOf(zoom, at[1], at[0]).map((one) => one * TILE_PX);
  const [x, y] = pixel([lon, lat]);
  const [left, top] = [x - WIDTH / 2, y - HEIGHT / 2];
  const path = (line) => line.map((at, index) => `${index ? "L" : "M"}${pixel(at).map((one, axis) => (one - [left, top][axis]).toFixed(1)).join(" ")}`).join("");
  const range = (from, size) => Array.from({ length: Math.floor((from + size) / TILE_PX) - Math.floor(from / TILE_PX) + 1 }, (_, step) => Math.floor(from / TILE_PX) + step);
  const bar = [50, 100, 200, 500, 1000, 2000, 5000, 10000].filter((one) => one / metres(zoom) <= BAR_PX).at(-1) ?? 50;
  const wide = bar / metres(zoom);
  return html`
    <svg class=${`field-map ${detail.label}`} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label=${t("field.map.alt")}>
      ${range(top, HEIGHT).flatMap((row) => range(left, WIDTH).map((column) => html`<image key=${`${column}/${row}`} href=${`/api/v1/response/terrain/${zoom}/${column}/${row}`} x=${column * TILE_PX - left} y=${row * TILE_PX - top} width=${TILE_PX} height=${TILE_PX} />`))}
      ${ellipseFeatures([detail], detail.incident_id).map((one, index) => html`<path key=${index} class="ellipse" d=${`${path(one.geometry.coordinates[0])}Z`} />`)}
      ${rayFeatures(detail).map((one, index) => html`<path key=${`ray-${index}`} class="ray" d=${path(one.geometry.coordinates)} />`)}
      <circle class="spot" cx=${WIDTH / 2} cy=${HEIGHT / 2} r="5" />
      <path class="bar" d=${`M10 ${HEIGHT - 12}v4h${wide.toFixed(1)}v-4`} /><text x=${14 + wide} y=${HEIGHT - 8}>${length(bar)}</text>
      <text x=${WIDTH - 20} y="20" text-anchor="middle">${t("field.map.north")}</text><path class="bar" d=${`M${WIDTH - 20} 26v14m-4 -9l4 -5l4 5`} />
    </svg>`;
}
