// Shapes on the ground: view cones, rays, ellipses as GeoJSON. Flat-earth arithmetic: at 20 km it is right
// to a few metres, and what is drawn here decides nothing.

const METRES_PER_DEGREE = 111320;
const CONE_M = 6000;
const RAY_M = 15000;

/**
 * The point `metres` away in direction `azimuth` (degrees from north).
 * @param {number[]} from longitude, latitude
 * @param {number} azimuth
 * @param {number} metres
 */
export function away([lon, lat], azimuth, metres) {
  const angle = (azimuth * Math.PI) / 180;
  const east = metres * Math.sin(angle);
  const north = metres * Math.cos(angle);
  return [lon + east / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180)), lat + north / METRES_PER_DEGREE];
}

const feature = (type, coordinates, properties) => ({ type: "Feature", geometry: { type, coordinates }, properties });

export function cameraFeatures(cameras, alarmed, chosen) {
  return cameras.flatMap((camera) => {
    const at = [camera.lon_deg, camera.lat_deg];
    const { azimuth_deg: azimuth, hfov_deg: hfov } = camera.pose;
    const arc = Array.from({ length: 25 }, (_, step) => away(at, azimuth - hfov / 2 + (hfov * step) / 24, CONE_M));
    const properties = {
      id: camera.id,
      name: camera.name,
      alarm: alarmed.has(camera.id),
      blind: camera.state !== "live",
      chosen: chosen.includes(camera.id),
    };
    return [
      feature("Polygon", [[at, ...arc, at]], { ...properties, kind: "cone" }),
      feature("Point", at, { ...properties, kind: "camera" }),
    ];
  });
}

export function ellipseFeatures(incidents, selected) {
  return incidents.flatMap((one) => {
    const { lat_deg: lat, lon_deg: lon, ellipse } = one.location;
    if (lat === null || !ellipse) return [];
    const ring = Array.from({ length: 65 }, (_, step) => {
      const angle = (step / 64) * 2 * Math.PI;
      const along = ellipse.semi_major_m * Math.cos(angle);
      const across = ellipse.semi_minor_m * Math.sin(angle);
      return away(away([lon, lat], ellipse.azimuth_deg, along), ellipse.azimuth_deg + 90, across);
    });
    return [feature("Polygon", [ring], { label: one.label, chosen: one.incident_id === selected })];
  });
}

/** From each camera that saw the chosen incident, towards where it saw it. */
export function rayFeatures(detail) {
  return (detail?.sightings ?? []).map((one) => {
    const from = [one.camera_lon_deg, one.camera_lat_deg];
    const reach = one.location.range_m ?? RAY_M;
    return feature("LineString", [from, away(from, one.location.bearing_deg, reach)], { label: one.label });
  });
}

/** Where the chosen incident was said to be, one estimate after another. */
export function trackFeatures(detail) {
  const known = (detail?.estimates ?? []).filter((one) => one.location.lat_deg !== null);
  if (known.length < 2) return [];
  const way = known.map((one) => [one.location.lon_deg, one.location.lat_deg]);
  const { label } = detail.summary;
  return [
    feature("LineString", way, { label }),
    ...way.slice(0, -1).map((at, index) => feature("Point", at, { label, age: (way.length - 1 - index) / way.length })),
  ];
}

/** From each camera that has the place in its picture to that place. */
export function lookFeatures(place, cameras) {
  if (!place) return [];
  const at = [place.lon_deg, place.lat_deg];
  const lines = (place.cameras ?? []).flatMap((one) => {
    const camera = cameras.find((other) => other.id === one.camera_id);
    return camera && one.sees !== "outside" ? [feature("LineString", [[camera.lon_deg, camera.lat_deg], at], { sees: one.sees })] : [];
  });
  const points = place.points ?? [place]; // several, when landmarks are picked
  return [...lines, ...points.map((one) => feature("Point", [one.lon_deg, one.lat_deg], {}))];
}

export function incidentPoints(incidents) {
  return incidents
    .filter((one) => one.location.lat_deg !== null)
    .map((one) => ({
      id: one.incident_id,
      number: one.number,
      label: one.label,
      tab: one.status === "suspected" ? "suspected" : ["dismissed", "closed"].includes(one.status) ? "ended" : "active",
      position: [one.location.lon_deg, one.location.lat_deg],
    }));
}
