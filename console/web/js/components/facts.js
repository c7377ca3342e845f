import { notify } from "../duty.js";
import { html } from "../lib.js";
import { moment, span } from "../time.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

const POINTS = { zh: ["北", "东北", "东", "东南", "南", "西南", "西", "西北"], en: ["N", "NE", "E", "SE", "S", "SW", "W", "NW"] };

export function Facts({ summary, sighting }) {
  const where = summary.location;
  const own = sighting.location;
  const seen = (new Date(sighting.confirmed_at).getTime() - new Date(sighting.first_seen_at).getTime()) / 1000;
  return html`
    <dl class="facts">
      <div><dt>${t("fact.direction")}</dt><dd>${compass(own.bearing_deg)} ${own.bearing_deg.toFixed(1)}° <small>/ ${signed(own.elevation_deg)}°</small></dd></div>
      <div><dt>${t("fact.range")}</dt><dd>${length(own.range_m)} ${own.range_min_m && own.range_max_m ? html`<small>${length(own.range_min_m)}–${length(own.range_max_m)}</small>` : null}</dd></div>
      <div class="wide"><dt>${t("fact.position")}</dt><dd>${where.lat_deg === null ? t("position.none") : html`<${Position} where=${where} />`}</dd></div>
      ${summary.near_place ? html`<div class="wide"><dt>${t("fact.place")}</dt><dd>${near(summary.near_place)}</dd></div>` : null}
      <div><dt>${t("fact.ellipse")}</dt><dd>${where.ellipse ? `${length(where.ellipse.semi_major_m)} × ${length(where.ellipse.semi_minor_m)}` : "–"}</dd></div>
      <div><dt>${t("fact.seen")}</dt><dd>${moment(sighting.first_seen_at)} <small>+${span(seen)}</small></dd></div>
      <div><dt>${t("fact.confidence")}</dt><dd><meter class="bar" min="0" max="1" value=${sighting.confidence}></meter>${Math.round(sighting.confidence * 100)}%</dd></div>
      ${sighting.usual_score === null ? null : html`<${Usual} sighting=${sighting} />`}
    </dl>`;
}

/** What the camera usually shows here at this hour, and what people called it: the sighting has risen above it. */
function Usual({ sighting }) {
  const cause = sighting.usual_cause;
  const said = cause === null ? "" : t(cause === "other_smoke" ? "verdict.other_smoke" : `cause.${cause}`);
  return html`<div class="wide usual"><dt>${t("fact.usual")}</dt><dd>${Math.round(sighting.usual_score * 100)}% <small>${said}</small></dd></div>`;
}

function Position({ where }) {
  const text = `${where.lat_deg.toFixed(5)}, ${where.lon_deg.toFixed(5)}`;
  const copy = () => navigator.clipboard?.writeText(text).then(() => notify(t("copied")), () => null);
  return html`
    ${where.lat_deg.toFixed(5)}°N ${where.lon_deg.toFixed(5)}°E
    ${where.height_m === null ? null : html` <small>${Math.round(where.height_m)} m</small>`}
    <button class="icon-button" title=${t("copy")} aria-label=${t("copy")} onClick=${copy}><${Icon} name="copy" /></button>`;
}

/** "大岗顶东北 1.20 公里": what people call a place nearby, and the way from there. */
export function near(place) {
  const name = document.documentElement.lang === "en" ? place.name_en ?? place.name : place.name;
  if (place.distance_m < 100) return t("place.at", { name });
  return t("place.near", { name, direction: compass(place.bearing_deg), distance: length(place.distance_m) });
}

function compass(degrees) {
  const words = POINTS[document.documentElement.lang === "en" ? "en" : "zh"];
  return words[Math.round(degrees / 45) % 8];
}

const signed = (value) => `${value > 0 ? "+" : ""}${value.toFixed(1)}`;

export function length(metres) {
  if (metres === null || metres === undefined) return "–";
  if (metres >= 1000) return t("kilometres", { n: (metres / 1000).toFixed(metres < 10000 ? 2 : 1) });
  return t("metres", { n: Math.round(metres) });
}
