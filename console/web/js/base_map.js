// Base maps of the deployment under cameras and fires. Chinese web maps in GCJ-02 are shifted by some hundred
// metres: their tiles are cut anew so that each lies where it belongs.

const SHIFTED = "gcj02";
const STORED = "firewatch.basemap";
const TERRAIN = "terrain";

/** The map chosen on this workstation: an id, or "terrain"; the deployment's first one at the start. */
export function chosenMap(maps) {
  const stored = localStorage.getItem(STORED);
  if (stored === TERRAIN || maps.some((one) => one.id === stored)) return stored ?? TERRAIN;
  return maps[0]?.id ?? TERRAIN;
}

export function chooseMap(id) {
  localStorage.setItem(STORED, id);
}

/** @param {any} map one of the deployment's base maps */
export function rasterSource(map) {
  const addresses = map.tiles.map((one) => (one.startsWith("/") ? `${location.origin}${one}` : one));
  return {
    type: "raster",
    tiles: map.datum === SHIFTED ? [`${SHIFTED}://${map.id}/{z}/{x}/{y}`] : addresses,
    tileSize: map.tile_px,
    minzoom: map.min_zoom,
    maxzoom: map.max_zoom,
  };
}

/** Teach the library how to get tiles of maps in GCJ-02. */
export function addShifted(library, maps) {
  library.addProtocol(SHIFTED, async ({ url }, aborted) => {
    const [, id, z, x, y] = /^gcj02:\/\/([^/]+)\/(\d+)\/(\d+)\/(\d+)$/.exec(url) ?? [];
    const map = maps.find((one) => one.id === id);
    return { data: await shiftedTile(map, Number(z), Number(x), Number(y), aborted.signal) };
  });
}

/** The tile of WGS 84 ground, put together from those (four at most) that show it shifted. */
export async function shiftedTile(map, z, x, y, signal) {
  const { dx, dy } = shiftInTiles(z, x, y);
  const size = map.tile_px;
  const canvas = new OffscreenCanvas(size, size);
  const drawing = canvas.getContext("2d");
  const left = Math.floor(x + dx);
  const top = Math.floor(y + dy);
  const across = x + dx - left > 1e-6 ? [0, 1] : [0];
  const down = y + dy - top > 1e-6 ? [0, 1] : [0];
  await Promise.all(
    across.flatMap((i) =>
      down.map(async (j) => {
        const picture = await fetchTile(map, z, left + i, top + j, signal);
        if (picture) drawing.drawImage(picture, (left + i - x - dx) * size, (top + j - y - dy) * size, size, size);
      }),
    ),
  );
  return (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer();
}

async function fetchTile(map, z, x, y, signal) {
  const address = map.tiles[(x + y) % map.tiles.length];
  const answer = await fetch(address.replace("{z}", z).replace("{x}", x).replace("{y}", y), { signal });
  if (answer.status === 204 || answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${answer.status}`);
  return createImageBitmap(await answer.blob());
}

/** How far, in tiles, a tile's ground lies shifted in GCJ-02: the same all over it to a fraction of a pixel. */
export function shiftInTiles(z, x, y) {
  const [lat, lon] = latLonOf(z, x + 0.5, y + 0.5);
  const [shiftedLat, shiftedLon] = gcj02(lat, lon);
  const [column, row] = tileOf(z, shiftedLat, shiftedLon);
  return { dx: column - (x + 0.5), dy: row - (y + 0.5) };
}

const latLonOf = (z, x, y) => {
  const n = Math.PI * (1 - (2 * y) / 2 ** z);
  return [(Math.atan(Math.sinh(n)) * 180) / Math.PI, (x / 2 ** z) * 360 - 180];
};

/** Column and row of the tile of a place, with the part inside it. */
export const tileOf = (z, lat, lon) => {
  const sin = Math.sin((lat * Math.PI) / 180);
  return [((lon + 180) / 360) * 2 ** z, (0.5 - Math.atanh(sin) / (2 * Math.PI)) * 2 ** z];
};

const SEMI_MAJOR_M = 6378245;
const ECCENTRICITY2 = 0.006693421622965943;

/** As geometry/datums.py has it; a test holds the two together. @returns {[number, number]} latitude, longitude */
export function gcj02(lat, lon) {
  if (lat < 0.8293 || lat > 55.8271 || lon < 72.004 || lon > 137.8347) return [lat, lon];
  const x = lon - 105;
  const y = lat - 35;
  const sin = (degrees) => Math.sin(degrees * Math.PI);
  const fast = (20 * sin(6 * x) + 20 * sin(2 * x)) * (2 / 3);
  const north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x)) + fast + ((20 * sin(y) + 40 * sin(y / 3)) * 2) / 3 + ((160 * sin(y / 12) + 320 * sin(y / 30)) * 2) / 3;
  const east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x)) + fast + ((20 * sin(x) + 40 * sin(x / 3)) * 2) / 3 + ((150 * sin(x / 12) + 300 * sin(x / 30)) * 2) / 3;
  const radians = (lat * Math.PI) / 180;
  const magic = 1 - ECCENTRICITY2 * Math.sin(radians) ** 2;
  const meridian = (SEMI_MAJOR_M * (1 - ECCENTRICITY2)) / magic ** 1.5;
  const parallel = (SEMI_MAJOR_M / Math.sqrt(magic)) * Math.cos(radians);
  return [lat + ((north / meridian) * 180) / Math.PI, lon + ((east / parallel) * 180) / Math.PI];
}
