// Looking back: a span of days, its figures, and the incidents behind them.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { html, memo, useCallback, useMemo, useState } from "../lib.js";
import { Paged, usePaged } from "../paged.js";
import { useApp, useCameraNames } from "../state.js";
import { addDays, dayStart, moment, span, today, useTold } from "../time.js";
import { language, t } from "../words.js";
import { Bars, Columns, Legend } from "./charts.js";
import { Icon } from "./icon.js";
import { Status } from "./queue.js";
import { Rows } from "./rows.js";
import { DayField } from "./time_fields.js";
import { Unanswered } from "./unanswered.js";

const SPANS = [["today", 1], ["week", 7], ["month", 30], ["year", 365]];

export function Records() {
  const [days, setDays] = useState(() => ({ from: addDays(today(), -6), to: today() }));
  const [outcome, setOutcome] = useState("");
  const [camera, setCamera] = useState("");
  const [number, setNumber] = useState("");
  const range = useMemo(() => ({ since: dayStart(days.from).toISOString(), until: dayStart(addDays(days.to, 1)).toISOString() }), [days]);
  const figures = useAnswer(`/records/statistics?${new URLSearchParams(range)}`, { meanwhile: true });

  const question = new URLSearchParams({ ...range, ...(outcome && { outcome }), ...(camera && { camera_id: camera }), ...(number && { number }) }).toString();
  return html`
    <main class="page records" data-page="records">
      <${Filters} days=${days} setDays=${setDays} camera=${camera} setCamera=${setCamera} number=${number} setNumber=${setNumber} question=${question} />
      ${figures.found ? null : html`<div class="panel"><${Unanswered} of=${figures} /></div>`}
      ${figures.found ? html`<${Figures} figures=${figures.found} days=${days} outcome=${outcome} choose=${setOutcome} />` : null}
      <${List} key=${question} question=${question} />
    </main>`;
}

function Filters({ days, setDays, camera, setCamera, number, setNumber, question }) {
  const cameras = useCameraNames();
  const role = useApp((s) => s.session?.role);
  const preset = (count) => setDays({ from: addDays(today(), 1 - count), to: today() });
  const chosen = (count) => days.to === today() && days.from === addDays(today(), 1 - count);
  const report = new URLSearchParams({ first: days.from, last: days.to, language: language() });
  return html`
    <header class="panel filters">
      <h1>${t("page.records")}</h1>
      <div class="row">
        ${SPANS.map(([name, count]) => html`<button key=${name} class=${`chip ${chosen(count) ? "chosen" : ""}`} aria-pressed=${chosen(count)} onClick=${() => preset(count)}>${t(`records.${name}`)}</button>`)}
      </div>
      <${DayField} label=${t("records.from")} value=${days.from} max=${days.to} change=${(from) => setDays({ ...days, from })} />
      <${DayField} label=${t("records.to")} value=${days.to} min=${days.from} max=${today()} change=${(to) => setDays({ ...days, to })} />
      <label>${t("fact.camera")}
        <select value=${camera} onChange=${(event) => setCamera(event.target.value)}>
          <option value="">${t("records.all")}</option>
          ${[...cameras].map(([id, name]) => html`<option key=${id} value=${id}>${name}</option>`)}
        </select>
      </label>
      <label class="short">${t("records.number")}<input inputmode="numeric" pattern="[0-9]*" value=${number} onChange=${(event) => setNumber(event.target.value.replace(/\D/g, ""))} /></label>
      <div class="row right">
        ${role === "viewer"
          ? null
          : html`<a class="button small" href=${`/api/v1/records/export?form=csv&${question}`} download>CSV</a>
              <a class="button small" href=${`/api/v1/records/export?form=geojson&${question}`} download>GeoJSON</a>`}
        ${role === "viewer"
          ? null
          : html`<a class="button small" href=${`/api/v1/records/report?${report}`} target="_blank" rel="noopener">${t("records.report")}</a>
              <a class="button small" href=${`/api/v1/records/report?form=pdf&${report}`} download>PDF</a>`}
        <button class="button small" onClick=${() => print()}>${t("records.print")}</button>
      </div>
    </header>`;
}

function Figures({ figures, days, outcome, choose }) {
  const cameras = useCameraNames();
  const name = (id) => cameras.get(id) ?? id;
  const hours = Object.entries(figures.by_hour).map(([hour, tally]) => ({ key: hour, label: String(hour), tally }));
  const perDay = Object.entries(figures.by_day).map(([day, tally]) => ({ key: day, label: day.slice(5).replace("-", "/"), tally }));
  const none = { wildfire: 0, permitted_burn: 0, other_smoke: 0, open: 0 };
  const causes = Object.entries(figures.by_cause).map(([cause, n]) => ({ key: cause, label: t(`cause.${cause}`), tally: { ...none, total: n, false_alarm: n } }));
  const rows = (found, label) => Object.entries(found).map(([key, tally]) => ({ key, label: label(key), tally }));
  return html`
    <section class="figures" aria-label=${t("records.figures", { from: days.from, to: days.to })}>
      <${Legend} tally=${figures.all} chosen=${outcome} choose=${choose} />
      <dl class="delays panel">
        ${["seen_to_confirmed", "confirmed_to_told", "raised_to_judged", "raised_to_closed"].map(
          (key) => html`<div key=${key} title=${t("records.delay.title", { n: figures[key].count })}><dt>${t(`records.${key}`)}</dt><dd>${figures[key].count ? html`${span(figures[key].median_s)} <small>90% ≤ ${span(figures[key].p90_s)}</small>` : "–"}</dd></div>`,
        )}
        <div><dt>${t("records.false_rate")}</dt><dd>${figures.false_alarms_per_camera_day.toFixed(3)}</dd></div>
      </dl>
      <div class="charts panel">
        <${Columns} title=${t("records.by_day")} rows=${perDay} every=${Math.ceil(perDay.length / 10)} />
        <${Columns} title=${t("records.by_hour")} rows=${hours} every=${3} />
        <${Bars} title=${t("records.by_camera")} rows=${rows(figures.by_camera, name)} />
        <${Bars} title=${t("records.by_area")} rows=${rows(figures.by_area, (key) => (key === "-" ? t("responsible.none") : key))} />
        <${Bars} title=${t("records.by_cause")} rows=${causes} />
      </div>
    </section>`;
}

const PAGE_ROWS = 100;

/** The records that fit, however many: read as one scrolls, and only those in sight are drawn. */
function List({ question }) {
  const names = useCameraNames();
  const [records] = useState(
    () =>
      new Paged(async (cursor) => {
        const found = await api(`/records?limit=${PAGE_ROWS}&${question}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
        return { rows: found.incidents, next: found.next_cursor };
      }),
  );
  usePaged(records);
  const look = useCallback((first, last) => records.look(first, last), [records]);

  const row = (index) => {
    const one = records.at(index);
    if (!one) return html`<tr key=${index} data-row=${index} class="waiting"><td colspan="7">…</td></tr>`;
    return html`<${Record} key=${one.incident_id} index=${index} incident=${one} camera=${names.get(one.camera_ids[0]) ?? one.camera_ids[0]} />`;
  };
  const count = records.length;
  return html`
    <section class="panel record-list" aria-label=${t("records.list")} aria-busy=${records.busy}>
      <table aria-rowcount=${records.ended ? count + 1 : -1}>
        <thead><tr><th>#</th><th>${t("records.time")}</th><th>${t("records.what")}</th><th>${t("fact.camera")}</th><th>${t("level.grid")}</th><th>${t("fact.confidence")}</th><th>${t("records.outcome")}</th></tr></thead>
        <${Rows} tag="tbody" space="tr" count=${count} row=${row} look=${look} />
      </table>
      ${count || !records.ended ? null : html`<p class="empty">${t("records.none")}</p>`}
      ${records.problem
        ? html`<${Unanswered} of=${{ found: count || null, problem: records.problem, load: () => records.retry() }} />`
        : records.ended ? null : html`<p class="empty" role="status">${t("loading")}</p>`}
    </section>`;
}

const Record = memo(({ incident, index, camera }) => {
  const when = useTold(() => moment(incident.confirmed_at), 5000); // at midnight today's become yesterday's
  return html`
    <tr data-row=${index} data-incident=${incident.incident_id}>
      <td><a href=${`#/duty/${encodeURIComponent(incident.incident_id)}`}>${incident.number}</a></td>
      <td><time>${when}</time></td>
      <td><span class=${`label ${incident.label}`}><${Icon} name=${incident.label} />${t(`label.${incident.label}`)}</span></td>
      <td>${camera}${incident.camera_ids.length > 1 ? html` <b>+${incident.camera_ids.length - 1}</b>` : null}</td>
      <td>${incident.grid_chain[0]?.name ?? "–"}</td>
      <td>${Math.round(incident.confidence * 100)}%</td>
      <td><${Status} incident=${incident} /></td>
    </tr>`;
});
