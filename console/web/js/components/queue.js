import { lateMs, loadEnded, queue, select, showTab, tabOf } from "../duty.js";
import { html, useEffect, useRef } from "../lib.js";
import { useApp } from "../state.js";
import { ago, moment, span, useTick } from "../time.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

const TABS = ["suspected", "active", "ended"];

export function Queue() {
  const incidents = useApp((s) => s.incidents);
  const tab = useApp((s) => s.tab);
  const cursor = useApp((s) => s.endedCursor);
  const list = queue(incidents, tab);
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
      <div class="cards">
        ${list.length ? list.map((one) => html`<${Card} key=${one.incident_id} incident=${one} />`) : html`<${Empty} tab=${tab} loading=${tab === "ended" && cursor === undefined} />`}
        ${tab === "ended" && cursor ? html`<button class="button ghost" onClick=${loadEnded}>${t("more")}</button>` : null}
      </div>
    </section>`;
}

function Empty({ tab, loading }) {
  if (loading) return html`<div class="empty"><div class="spinner"></div></div>`;
  return html`
    <div class="empty">
      <${Icon} name=${tab === "suspected" ? "check" : "clock"} />
      <strong>${t(`queue.empty.${tab}`)}</strong>
      ${tab === "suspected" ? html`<p>${t("queue.empty.suspected.more")}</p>` : null}
    </div>`;
}

function Card({ incident }) {
  const chosen = useApp((s) => s.selected === incident.incident_id && !s.camera);
  const cameras = useApp((s) => s.cameras);
  const element = useRef(null);
  useTick(1000);
  useEffect(() => {
    if (chosen) element.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const late = lateMs(incident);
  const name = (id) => cameras.find((one) => one.id === id)?.name ?? id;
  const place = incident.grid_chain[0]?.name;
  return html`
    <button
      ref=${element}
      class=${`card ${incident.label} ${tabOf(incident)} ${chosen ? "chosen" : ""}`}
      aria-current=${chosen}
      data-incident=${incident.incident_id}
      data-status=${incident.status}
      onClick=${() => select(incident.incident_id)}
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
