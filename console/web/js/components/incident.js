// The chosen incident, large: what the camera saw, where, how sure, and the decision.
import { lateMs, refresh } from "../duty.js";
import { html } from "../lib.js";
import { set, useApp } from "../state.js";
import { ago, moment, span, useTick } from "../time.js";
import { machineWords, t } from "../words.js";
import { Decisions } from "./decisions.js";
import { Facts } from "./facts.js";
import { Icon } from "./icon.js";
import { Picture } from "./picture.js";
import { Status } from "./queue.js";
import { Response } from "./response.js";
import { Unanswered } from "./unanswered.js";

export function Incident({ id }) {
  const summary = useApp((s) => s.incidents.get(id));
  const detail = useApp((s) => s.details.get(id));
  const chosen = useApp((s) => s.sighting);
  const sightings = detail?.sightings ?? [];
  const sighting = sightings.find((one) => one.sighting_id === chosen) ?? sightings[0];
  const problem = useApp((s) => s.unread.get(id));
  const unread = html`<${Unanswered} of=${{ found: detail, problem, load: () => refresh(id) }} />`;
  if (!summary) return html`<section class="stage panel">${unread}</section>`;
  return html`
    <section class=${`stage panel ${summary.label}`} aria-label=${t("incident.number", { n: summary.number })}>
      <${Head} summary=${summary} />
      ${problem && detail ? unread : null}
      ${detail ? html`<${Picture} detail=${detail} sighting=${sighting} sightings=${sightings} choose=${(sighting) => set({ sighting })} />` : html`<div class="picture"><div class="empty">${unread}</div></div>`}
      ${sighting ? html`<${Facts} summary=${summary} sighting=${sighting} />` : html`<div class="facts"></div>`}
      <${Response} key=${`response-${id}`} summary=${summary} detail=${detail} />
      <${Decisions} summary=${summary} detail=${detail} />
    </section>`;
}

function Head({ summary }) {
  useTick(1000);
  const late = lateMs(summary);
  const place = summary.grid_chain.map((one) => one.name).slice(0, 3).reverse().join(" · ");
  return html`
    ${summary.exercise ? html`<p class="exercise-banner" role="status">${t("exercise.banner")}</p>` : null}
    <div class="stage-head">
      <span class=${`label big ${summary.label}`}><${Icon} name=${summary.label} />${t(`label.${summary.label}`)}</span>
      <h2>${t("incident.number", { n: summary.number })}</h2>
      <span class="place">${place}</span>
      <${Status} incident=${summary} />
      ${late ? html`<span class="tag late">${t("late")} · ${t("late.title", { time: moment(summary.confirmed_at), span: span(late / 1000) })}</span>` : null}
      <button class="chip" onClick=${() => set({ dialog: "replay" })}>${t("replay")}</button>
      <span class="when"><strong>${ago(summary.confirmed_at)}</strong><time datetime=${summary.confirmed_at}>${moment(summary.confirmed_at)}</time></span>
    </div>
    ${summary.location.caution ? html`<p class="caution"><b>${t("caution")}</b> ${machineWords(summary.location.caution).text}</p>` : null}`;
}
