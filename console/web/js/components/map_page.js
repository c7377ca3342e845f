// The whole district: every camera and what it looks at, past and present incidents, and any place one clicks.
import { useAnswer } from "../answer.js";
import { goTo, notify, showCamera, showIncident } from "../duty.js";
import { html, useEffect, useMemo, useState } from "../lib.js";
import { openPage } from "../router.js";
import { get, useApp } from "../state.js";
import { addDays, dayStart, moment, today } from "../time.js";
import { t } from "../words.js";
import { Burns } from "./burns.js";
import { Chain } from "./chain.js";
import { length } from "./facts.js";
import { Icon } from "./icon.js";
import { MapPanel } from "./map.js";
import { Status } from "./queue.js";
import { DayField } from "./time_fields.js";
import { Unanswered } from "./unanswered.js";

/** @type {[string, number][]} */
const SPANS = [["records.today", 1], ["records.week", 7], ["records.month", 30], ["records.year", 365]];
const SHOWN = {
  open: ["suspected", "confirmed", "dispatched", "on_scene", "controlled"],
  fires: ["suspected", "confirmed", "dispatched", "on_scene", "controlled", "closed"],
  all: [],
};
const WORLD = { south_deg: -90, west_deg: -180, north_deg: 90, east_deg: 180 };
const AGAIN_MS = 15000;
const DAY_MS = 86400000;

export function MapPage() {
  const [days, setDays] = useState(() => ({ from: addDays(today(), -6), to: today() }));
  const [shown, setShown] = useState("fires");
  const [at, setPlace] = useState(/** @type {any} */ (null)); // where the map was clicked
  const incidents = useApp((s) => s.incidents);
  const [sights, showSights] = useState(false);
  const viewsheds = useViewsheds(sights);

  const question = useMemo(() => {
    const until = dayStart(addDays(days.to, 1));
    const span = { days: (until.getTime() - dayStart(days.from).getTime()) / DAY_MS, until: until.toISOString() };
    const asked = new URLSearchParams(Object.entries({ ...WORLD, ...span }).map(([name, value]) => [name, String(value)]));
    for (const status of SHOWN[shown]) asked.append("status", status);
    return asked.toString();
  }, [days, shown]);
  const answer = useAnswer(`/map/incidents?${question}`, { againMs: AGAIN_MS, news: incidents, meanwhile: true });
  const marks = answer.found;

  const drawn = useMemo(() => (marks ?? []).map((one) => ({ ...one, location: { lat_deg: one.lat_deg, lon_deg: one.lon_deg, ellipse: one.ellipse } })), [marks]);

  const looked = useAnswer(at && `/map/place?lat_deg=${at.lat_deg}&lon_deg=${at.lon_deg}`);
  const place = looked.found ?? at;

  return html`
    <main class="page map-page" data-page="map">
      <${MapPanel} whole marks=${marks ? drawn : undefined} onIncident=${open} onPlace=${setPlace} place=${place} viewsheds=${viewsheds.features} />
      <aside class="map-side">
        <section class="panel map-filter" aria-label=${t("map.filter")}>
          <div class="row">${SPANS.map(([name, count]) => html`<button key=${name} class=${`chip ${recent(days, count) ? "chosen" : ""}`} aria-pressed=${recent(days, count)} onClick=${() => setDays({ from: addDays(today(), 1 - count), to: today() })}>${t(name)}</button>`)}</div>
          <div class="row dates">
            <${DayField} label=${t("records.from")} value=${days.from} max=${days.to} change=${(from) => setDays({ ...days, from })} />
            <${DayField} label=${t("records.to")} value=${days.to} min=${days.from} max=${today()} change=${(to) => setDays({ ...days, to })} />
          </div>
          <div class="row">${Object.keys(SHOWN).map((name) => html`<button key=${name} class=${`chip ${shown === name ? "chosen" : ""}`} aria-pressed=${shown === name} onClick=${() => setShown(name)}>${t(`map.show.${name}`)}</button>`)}</div>
          <div class="row"><button class=${`chip ${sights ? "chosen" : ""}`} aria-pressed=${sights} data-viewsheds=${viewsheds.done} onClick=${() => showSights(!sights)}>${t("map.viewsheds")}${viewsheds.done < viewsheds.of ? ` ${viewsheds.done}/${viewsheds.of}` : ""}</button></div>
          ${viewsheds.failed ? html`<${Unanswered} of=${viewsheds.failed} />` : null}
          ${sights ? html`<p class="sight-key"><i class="ground"></i>${t("sees.ground")} <i class="plume"></i>${t("map.viewsheds.plume")}</p>` : null}
        </section>
        ${place ? html`<${Place} place=${place} answer=${looked} close=${() => setPlace(null)} />` : html`<p class="panel none">${t("map.click")}</p>`}
        <${Burns} place=${place} />
        <section class="panel map-list" aria-label=${t("records.list")}>
          <h3>${marks ? t("map.found", { n: drawn.length }) : t("records.list")}</h3>
          <${Unanswered} of=${answer} />
          <ol>
            ${drawn.slice(0, 200).map(
              (one) => html`<li key=${one.incident_id}><button data-mark=${one.incident_id} onClick=${() => open(one.incident_id)}><span class=${`label ${one.label}`}><${Icon} name=${one.label} />#${one.number}</span><time>${moment(one.confirmed_at)}</time><${Status} incident=${one} /></button></li>`,
            )}
          </ol>
          ${marks && !marks.length ? html`<p class="none">${t("records.none")}</p>` : null}
        </section>
      </aside>
    </main>`;
}

const recent = (days, count) => days.to === today() && days.from === addDays(today(), 1 - count);

/** What every camera sees, asked for one after another: the centre works each out once, in a second or two. */
function useViewsheds(wanted) {
  const watched = useApp((s) => s.cameras.filter((one) => one.enabled).map((one) => one.id).join(" ")).split(" ").filter(Boolean);
  const [known, learn] = useState(/** @type {Map<string, any[]>} */ (new Map()));
  const [late, putOff] = useState(/** @type {string[]} */ ([])); // asked for once more after all the others
  const missing = wanted ? watched.filter((id) => !known.has(id)) : [];
  const next = missing.find((id) => !late.includes(id)) ?? missing[0];
  const answer = useAnswer(next ? `/map/viewsheds/${next}` : null);
  useEffect(() => {
    if (answer.found) learn((before) => new Map(before).set(next, answer.found.features));
    else if (answer.problem && !late.includes(next)) putOff([...late, next]);
  }, [answer.found, answer.problem]);
  const features = useMemo(() => (wanted ? [...known.values()].flat() : []), [wanted, known]);
  return { features, done: wanted ? watched.filter((id) => known.has(id)).length : 0, of: wanted ? watched.length : 0, failed: answer.problem ? answer : null };
}

function open(id) {
  if (get().incidents.has(id)) goTo(id);
  else {
    openPage("duty");
    showIncident(id);
  }
}

function Place({ place, answer, close }) {
  const cameras = useApp((s) => s.cameras);
  const text = `${place.lat_deg.toFixed(5)}, ${place.lon_deg.toFixed(5)}`;
  const copy = () => navigator.clipboard?.writeText(text).then(() => notify(t("copied")), () => null);
  const looks = (place.cameras ?? []).filter((one) => one.sees !== "outside");
  return html`
    <section class="panel place-card" data-place=${text} aria-label=${t("map.place")}>
      <div class="stage-head"><h2>${text}</h2><button class="icon-button" title=${t("copy")} aria-label=${t("copy")} onClick=${copy}><${Icon} name="copy" /></button><span class="spring"></span><button class="icon-button" aria-label=${t("close")} onClick=${close}><${Icon} name="cross" /></button></div>
      <div class="block">${place.cameras ? (place.height_m === null ? t("map.no_height") : t("map.height", { n: Math.round(place.height_m) })) : html`<${Unanswered} of=${answer} />`}</div>
      ${place.grid_chain
        ? html`<div class="block"><h3>${t("responsible")}</h3><${Chain} areas=${place.grid_chain} /></div>`
        : null}
      ${place.cameras
        ? html`<div class="block"><h3>${t("map.cameras")}</h3>
            ${looks.length
              ? html`<ul class="looks">${looks.map((one) => {
                  const camera = cameras.find((other) => other.id === one.camera_id);
                  return html`<li key=${one.camera_id} class=${one.sees}><button onClick=${() => showCamera(one.camera_id)}><i class=${`dot ${camera?.state}`}></i><span>${camera?.name ?? one.camera_id}</span><small>${length(one.range_m)} · ${one.bearing_deg.toFixed(0)}°</small><b>${t(`sees.${one.sees}`)}</b></button></li>`;
                })}</ul>`
              : null}
            ${looks.some((one) => one.sees !== "hidden") ? null : html`<p class="none">${t("map.unseen")}</p>`}
          </div>`
        : null}
    </section>`;
}
