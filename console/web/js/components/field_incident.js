// One fire as those who go there need it: what was seen, where, who is called, what to report next.
import { mayPass } from "../api.js";
import { lateMs, notify, tabOf } from "../duty.js";
import { mine, openIncident, refresh, report } from "../field.js";
import { html, useRef, useState } from "../lib.js";
import { useApp } from "../state.js";
import { ago, clock, moment, span, useTick } from "../time.js";
import { machineWords, t } from "../words.js";
import { Chain } from "./chain.js";
import { length, near } from "./facts.js";
import { Sheet } from "./field.js";
import { FieldMap, mapLinks } from "./field_map.js";
import { History } from "./history.js";
import { Icon } from "./icon.js";
import { Status } from "./queue.js";
import { Countdown } from "./response.js";
import { Unanswered } from "./unanswered.js";

/** What a responder cannot take back is asked once more. */
const FINAL = ["accepted", "under_control", "closed"];
const FINDINGS = ["fire", "smoke", "burn", "nothing"];

export function FieldIncident({ id, known }) {
  const detail = useApp((s) => s.details.get(id));
  const problem = useApp((s) => s.unread.get(id));
  if (!detail) {
    return html`<main class="field-incident">${known || (problem && mayPass(problem)) ? html`<${Unanswered} of=${{ problem, load: () => refresh(id) }} />` : html`<div class="empty"><${Looking} /></div>`}</main>`;
  }
  const ended = tabOf(detail) === "ended";
  return html`
    <main class="field-incident" data-incident=${id} data-status=${detail.status}>
      ${detail.exercise ? html`<p class="exercise-banner" role="status">${t("exercise.banner")}</p>` : null}
      ${problem ? html`<${Unanswered} of=${{ found: detail, problem, load: () => refresh(id) }} />` : null}
      <${Head} detail=${detail} />
      ${ended ? html`<${Over} detail=${detail} />` : null}
      <${Picture} detail=${detail} />
      ${ended ? null : html`<${Who} detail=${detail} />`}
      <${Where} detail=${detail} />
      <section class="block panel"><h2>${t("field.people")}</h2><${Chain} areas=${detail.grid_chain} called=${detail.response.called} /></section>
      <section class="block panel"><h2>${t("history")}</h2><${History} rows=${detail.history} /></section>
      ${detail.reports.length ? html`<${Reports} detail=${detail} />` : null}
    </main>`;
}

/** An address that names an incident nobody here may see leads back, and says so. */
const Looking = () => html`<strong>${t("incident.unknown")}</strong><button class="button" onClick=${() => openIncident(null)}>${t("field.back")}</button>`;

function Head({ detail }) {
  useTick(1000);
  const late = lateMs(detail);
  return html`
    <div class="field-head">
      <span class=${`label big ${detail.label}`}><${Icon} name=${detail.label} />${t(`label.${detail.label}`)}</span>
      <h1>${t("incident.number", { n: detail.number })}</h1>
      <${Status} incident=${detail} />
      <span class="when"><strong>${ago(detail.confirmed_at)}</strong> <time datetime=${detail.confirmed_at}>${moment(detail.confirmed_at)}</time></span>
      ${late ? html`<span class="tag late">${t("late")} · ${t("late.title", { time: moment(detail.confirmed_at), span: span(late / 1000) })}</span>` : null}
    </div>`;
}

/** Nobody should be on the way to what is over. */
function Over({ detail }) {
  const into = detail.response.merged_into;
  const other = useApp((s) => s.incidents.get(into));
  return html`
    <p class="field-over" role="status">
      ${into ? t("field.merged") : t(`field.over.${detail.status}`)}
      ${other ? html` <button class="button small" onClick=${() => openIncident(into)}>${t("incident.number", { n: other.number })}</button>` : null}
    </p>`;
}

/** The picture of one camera, or its clip. */
function Picture({ detail }) {
  const [chosen, choose] = useState(/** @type {string | null} */ (null));
  const [clip, showClip] = useState(false);
  const [broken, setBroken] = useState(/** @type {string | null} */ (null));
  const seen = detail.sightings.find((one) => one.sighting_id === chosen) ?? detail.sightings[0];
  const own = (kind) => detail.evidence.filter((one) => one.sighting_id === seen?.sighting_id && one.kind === kind);
  const picture = own("annotated")[0] ?? own("snapshot")[0];
  const film = own("clip").at(-1);
  const shown = clip && film ? film : picture;
  return html`
    <section class="panel field-picture" aria-label=${t("picture.mode")}>
      ${shown && broken !== shown.url
        ? shown === film
          ? html`<video key=${film.url} src=${film.url} controls autoplay muted loop playsinline onError=${() => setBroken(film.url)} aria-label=${t("picture.clip")}></video>`
          : html`<a href=${shown.url} target="_blank" rel="noopener" aria-label=${t("field.picture.large")}><img src=${shown.url} alt=${seen.camera_name} onError=${() => setBroken(shown.url)} /></a>`
        : html`<div class="empty"><strong>${t("picture.missing")}</strong></div>`}
      <div class="field-picture-foot">
        ${detail.sightings.length > 1
          ? detail.sightings.map((one) => html`<button key=${one.sighting_id} class=${`chip ${one === seen ? "on" : ""}`} aria-pressed=${one === seen} onClick=${() => choose(one.sighting_id)}><${Icon} name="camera" />${one.camera_name}</button>`)
          : html`<span class="chip flat"><${Icon} name="camera" />${seen?.camera_name ?? ""}</span>`}
        ${film ? html`<button class=${`chip ${clip ? "on" : ""}`} aria-pressed=${clip} onClick=${() => showClip(!clip)}>${t("picture.clip")}</button>` : null}
        ${seen ? html`<small>${t("picture.taken", { time: moment(seen.confirmed_at) })}</small>` : null}
      </div>
    </section>`;
}

/** Who goes already, and who is called next if nobody does. */
function Who({ detail }) {
  const { accepted_by: accepted, accepted_at: at, called, stage, permitted_burn_id: burn } = detail.response;
  return html`
    <section class=${`field-state panel ${accepted ? "good" : "warn"}`} data-accepted=${accepted ?? ""}>
      <strong>${accepted ? (mine(accepted) ? t("field.accepted.me") : t("response.accepted", { who: accepted })) : t(stage === "dispatch" ? "field.stage.dispatch" : "field.nobody")}</strong>
      ${accepted ? html` <small>${clock(new Date(at))}</small>` : null}
      ${detail.clock ? html`<${Countdown} clock=${detail.clock} called=${called} />` : null}
      ${burn ? html`<p>${t("field.burn")}</p>` : null}
    </section>`;
}

function Where({ detail }) {
  const where = detail.location;
  const point = where.lat_deg !== null;
  const text = point ? `${where.lat_deg.toFixed(5)}, ${where.lon_deg.toFixed(5)}` : "";
  const copy = () => navigator.clipboard?.writeText(text).then(() => notify(t("copied")), () => null);
  const names = detail.grid_chain.map((one) => one.name);
  return html`
    <section class="block panel field-where">
      <h2>${t("field.where")}</h2>
      <p class="field-place"><strong>${names[0] ?? t("responsible.none")}</strong> <small>${names.slice(1).join(" · ")}</small></p>
      ${detail.near_place ? html`<p>${near(detail.near_place)}</p>` : null}
      ${where.caution ? html`<p class="caution"><b>${t("caution")}</b> ${machineWords(where.caution).text}</p>` : null}
      <${FieldMap} detail=${detail} />
      <dl class="field-facts">
        <div><dt>${t("fact.position")} <small>WGS 84</small></dt><dd>${point ? html`${text} <button class="icon-button" aria-label=${t("copy")} onClick=${copy}><${Icon} name="copy" /></button>` : t("position.none")}</dd></div>
        ${where.ellipse ? html`<div><dt>${t("field.error")}</dt><dd>${t("field.error.is", { n: length(where.ellipse.semi_major_m), m: length(where.ellipse.semi_minor_m) })}</dd></div>` : null}
        ${detail.sightings[0] ? html`<div><dt>${t("field.from")}</dt><dd>${t("field.from.is", { camera: detail.sightings[0].camera_name, bearing: Math.round(detail.sightings[0].location.bearing_deg), range: length(detail.sightings[0].location.range_m) })}</dd></div>` : null}
      </dl>
      ${point
        ? html`<p class="field-links">${mapLinks(where, t("incident.number", { n: detail.number }), names[0] ?? "").map(([name, href]) => html`<a key=${name} class="button" href=${href} target="_blank" rel="noopener noreferrer" data-map-link=${name}>${t(`field.map.${name}`)}</a>`)}</p>
            <small>${t("field.map.hint")}</small>`
        : null}
    </section>`;
}

/** The next step large, what was found beside it; both where a thumb is. */
function Reports({ detail }) {
  const [asking, ask] = useState(/** @type {string | null} */ (null));
  const [busy, setBusy] = useState(false);
  const id = detail.incident_id;
  const shut = () => ask(null);
  async function send(what, why = "") {
    shut();
    setBusy(true);
    await report(id, what, why);
    setBusy(false);
  }
  const steps = detail.reports.filter((one) => one !== "found");
  const tap = (what) => (FINAL.includes(what) || what === "found" ? ask(what) : send(what));
  return html`
    <div class="field-reports">
      ${steps.map((what, index) => html`<button key=${what} class=${`button decide ${index ? "" : "step"}`} data-report=${what} disabled=${busy} onClick=${() => tap(what)}>${t(`field.do.${what}`)}</button>`)}
      <button class="button decide" data-report="found" disabled=${busy} onClick=${() => tap("found")}>${t("field.do.found")}</button>
    </div>
    ${asking === "found" ? html`<${Found} send=${(why) => send("found", why)} shut=${shut} />` : null}
    ${asking && asking !== "found"
      ? html`<${Sheet} title=${t(`field.sure.${asking}`)} shut=${shut}>
          <p>${t(`field.sure.${asking}.what`)}</p>
          <button class="button primary decide" data-sure=${asking} onClick=${() => send(asking)}>${t(`field.do.${asking}`)}</button>
          <button class="button" onClick=${shut}>${t("cancel")}</button>
        </${Sheet}>`
      : null}`;
}

function Found({ send, shut }) {
  const field = useRef(null);
  const [chosen, choose] = useState(/** @type {string | null} */ (null));
  function submit(event) {
    event.preventDefault();
    const said = [chosen && t(`field.found.${chosen}`), field.current.value.trim()].filter(Boolean);
    if (said.length) send(said.join(" · "));
  }
  return html`
    <${Sheet} title=${t("field.do.found")} shut=${shut}>
      <form class="stack" onSubmit=${submit}>
        <div class="field-findings" role="group" aria-label=${t("field.do.found")}>
          ${FINDINGS.map((one) => html`<button key=${one} type="button" class=${`button ${one === chosen ? "on" : ""}`} aria-pressed=${one === chosen} data-found=${one} onClick=${() => choose(one === chosen ? null : one)}>${t(`field.found.${one}`)}</button>`)}
        </div>
        <label>${t("field.found.words")}<input ref=${field} maxlength="500" required=${chosen === null} /></label>
        <p class="none">${t("field.found.hint")}</p>
        <button class="button primary decide">${t("field.found.send")}</button>
        <button type="button" class="button" onClick=${shut}>${t("cancel")}</button>
      </form>
    </${Sheet}>`;
}
