import { lateMs, queue, showIncident, showTab, tabOf, words } from "../duty.js";
import { html, useCallback } from "../lib.js";
import { usePaged } from "../paged.js";
import { useApp } from "../state.js";
import { ago, moment, span, useTick } from "../time.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";
import { Rows } from "./rows.js";

const TABS = ["suspected", "active", "ended"];

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
  const row = (index) => html`<${Card} key=${list[index].incident_id} index=${index} incident=${list[index]} />`;
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
  const row = (index) => {
    const one = ended.at(index);
    return one ? html`<${Card} key=${one.incident_id} index=${index} incident=${one} />` : html`<span key=${index} data-row=${index} class="card waiting"></span>`;
  };
  const again = () => {
    ended.retry();
    look(ended.length, ended.length);
  };
  return html`
    <div class="cards" aria-busy=${ended.busy}>
      <${Rows} class="cards-rows" count=${ended.length} row=${row} look=${look} chosen=${ended.indexOf((one) => one.incident_id === selected)} />
      ${ended.problem
        ? html`<p class="empty" role="alert">${words(ended.problem)} <button class="button small" onClick=${again}>${t("retry")}</button></p>`
        : ended.ended
          ? ended.length ? null : html`<${Empty} tab="ended" />`
          : html`<div class="empty"><div class="spinner small" role="status" aria-label=${t("loading")}></div></div>`}
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

function Card({ incident, index }) {
  const chosen = useApp((s) => s.selected === incident.incident_id && !s.camera);
  const cameras = useApp((s) => s.cameras);
  useTick(1000);
  const late = lateMs(incident);
  const name = (id) => cameras.find((one) => one.id === id)?.name ?? id;
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
        <img src=${`/api/v1/incidents/${incident.incident_id}/picture?version=${incident.version}`} alt="" loading="lazy" decoding="async" />
      </span>
      <span class="card-text">
        <span class="card-head">
          <span class=${`label ${incident.label}`}><${Icon} name=${incident.label} />${t(`label.${incident.label}`)}</span>
          <span class="number">#${incident.number}</span>
          <span class="confidence" title=${t("fact.confidence")}>${Math.round(incident.confidence * 100)}%</span>
        </span>
        <strong>${place ?? name(incident.camera_ids[0])}</strong>
        <span class="card-sub">${name(incident.camera_ids[0])}${incident.camera_ids.length > 1 ? html` <b>+${incident.camera_ids.length - 1}</b>` : null}</span>
        <span class="card-foot">
          <time title=${moment(incident.confirmed_at)}>${ago(incident.confirmed_at)}</time>
          ${incident.exercise ? html`<span class="tag exercise">${t("exercise")}</span>` : null}
          ${late ? html`<span class="tag late" title=${t("late.title", { time: moment(incident.confirmed_at), span: span(late / 1000) })}>${t("late")}</span>` : null}
          <${Status} incident=${incident} />
        </span>
      </span>
    </button>`;
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
