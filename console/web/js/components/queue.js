import { lateMs, queue, showIncident, showTab, tabOf } from "../duty.js";
import { html, memo, useCallback, useEffect, useState } from "../lib.js";
import { usePaged } from "../paged.js";
import { useApp, useCameraNames } from "../state.js";
import { ago, moment, span, useTold } from "../time.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";
import { Rows } from "./rows.js";
import { Unanswered } from "./unanswered.js";

const TABS = ["suspected", "active", "ended"];
const PASSING_MS = 300;

export function Queue() {
  const incidents = useApp((s) => s.incidents);
  const tab = useApp((s) => s.tab);
  const count = (name) => [...incidents.values()].filter((one) => tabOf(one) === name).length;
  return html`
    <section class="queue panel" aria-label=${t("queue")}>
      <div class="tabs" role="tablist">
        ${TABS.map(
          (name) => html`
            <button key=${name} role="tab" aria-selected=${tab === name} class=${`tab ${name}`} onClick=${() => showTab(name)}>
              ${t(`tab.${name}`)}${name === "ended" ? null : html`<b class=${count(name) ? "" : "none"}>${count(name)}</b>`}
            </button>`,
        )}
      </div>
      ${tab === "ended" ? html`<${Ended} />` : html`<${Open} key=${tab} tab=${tab} list=${queue(incidents, tab)} />`}
    </section>`;
}

function Open({ tab, list }) {
  const selected = useApp((s) => (s.camera ? null : s.selected));
  const names = useCameraNames();
  const row = (index) => card(list[index], index, selected, names);
  return html`
    <div class="cards">
      ${list.length
        ? html`<${Rows} class="cards-rows" count=${list.length} row=${row} chosen=${list.findIndex((one) => one.incident_id === selected)} />`
        : html`<${Empty} tab=${tab} />`}
    </div>`;
}

function Ended() {
  const ended = useApp((s) => s.ended);
  const selected = useApp((s) => (s.camera ? null : s.selected));
  usePaged(ended);
  const look = useCallback((first, last) => ended.look(first, last), [ended]);
  const names = useCameraNames();
  const row = (index) => {
    const one = ended.at(index);
    return one ? card(one, index, selected, names, true) : html`<span key=${index} data-row=${index} class="card waiting"></span>`;
  };
  return html`
    <div class="cards" aria-busy=${ended.busy}>
      <${Rows} class="cards-rows" count=${ended.length} row=${row} look=${look} chosen=${ended.indexOf((one) => one.incident_id === selected)} />
      ${ended.problem
        ? html`<${Unanswered} of=${{ found: ended.length || null, problem: ended.problem, load: () => ended.retry() }} />`
        : ended.ended
          ? ended.length ? null : html`<${Empty} tab="ended" />`
          : html`<p class="empty" role="status">${t("loading")}</p>`}
    </div>`;
}

function Empty({ tab }) {
  return html`
    <div class="empty">
      <${Icon} name=${tab === "suspected" ? "check" : "clock"} />
      <strong>${t(`queue.empty.${tab}`)}</strong>
      ${tab === "suspected" ? html`<p>${t("queue.empty.suspected.more")}</p>` : null}
    </div>`;
}

function card(incident, index, selected, names, passing = false) {
  const { incident_id: id, camera_ids: [camera] } = incident;
  return html`<${Card} key=${id} index=${index} incident=${incident} camera=${names.get(camera) ?? camera} chosen=${id === selected} passing=${passing} />`;
}

const Card = memo(({ incident, index, camera, chosen, passing }) => {
  const when = useTold(() => ago(incident.confirmed_at));
  const late = lateMs(incident);
  const place = incident.grid_chain[0]?.name;
  return html`
    <button
      data-row=${index}
      class=${`card ${incident.label} ${tabOf(incident)} ${chosen ? "chosen" : ""}`}
      aria-current=${chosen}
      data-incident=${incident.incident_id}
      data-status=${incident.status}
      onClick=${() => showIncident(incident.incident_id)}
    >
      <span class="thumb">
        <${Thumb} src=${`/api/v1/incidents/${incident.incident_id}/picture?version=${incident.version}`} passing=${passing} />
      </span>
      <span class="card-text">
        <span class="card-head">
          <span class=${`label ${incident.label}`}><${Icon} name=${incident.label} />${t(`label.${incident.label}`)}</span>
          <span class="number">#${incident.number}</span>
          ${incident.exercise ? html`<span class="tag exercise">${t("exercise")}</span>` : null}
          ${late ? html`<span class="tag late" title=${t("late.title", { time: moment(incident.confirmed_at), span: span(late / 1000) })}>${t("late")}</span>` : null}
          <span class="confidence" title=${t("fact.confidence")}>${Math.round(incident.confidence * 100)}%</span>
        </span>
        <strong>${place ?? camera}</strong>
        <span class="card-sub">${camera}${incident.camera_ids.length > 1 ? html` <b>+${incident.camera_ids.length - 1}</b>` : null}</span>
        <span class="card-foot">
          <time title=${moment(incident.confirmed_at)}>${when}</time>
          <${Status} incident=${incident} />
        </span>
      </span>
    </button>`;
});

/** The picture of a card; of one that may only be `passing` as one scrolls, once it has stayed a moment. */
function Thumb({ src, passing }) {
  const [stays, stay] = useState(!passing);
  const [missing, miss] = useState("");
  useEffect(() => {
    if (stays) return undefined;
    const timer = setTimeout(() => stay(true), PASSING_MS);
    return () => clearTimeout(timer);
  }, [stays]);
  if (missing === src) return html`<span class="no-picture"><${Icon} name="camera" /></span>`;
  return stays ? html`<img src=${src} alt="" decoding="async" onError=${() => miss(src)} />` : null;
}

export function Status({ incident }) {
  const words =
    incident.status === "dismissed"
      ? incident.cause
        ? `${t("verdict.false_alarm")} · ${t(`cause.${incident.cause}`)}`
        : t(incident.verdict ? `verdict.${incident.verdict}` : "status.dismissed")
      : t(`status.${incident.status}`);
  return html`<span class=${`tag status-${incident.status}`}>${words}</span>`;
}
