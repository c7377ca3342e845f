// Beside the picture: the map, who is responsible, who was told, what happened.
import { api } from "../api.js";
import { html, useEffect, useState } from "../lib.js";
import { set, useApp } from "../state.js";
import { clock, moment } from "../time.js";
import { machineWords, t } from "../words.js";
import { length } from "./facts.js";
import { Icon } from "./icon.js";
import { LiveVideo } from "./live_video.js";
import { MapPanel } from "./map.js";

export function Side() {
  const id = useApp((s) => (s.camera ? null : s.selected));
  const detail = useApp((s) => s.details.get(id));
  const chosen = useApp((s) => s.sighting);
  const cameras = useApp((s) => s.cameras);
  const sighting = detail?.sightings.find((one) => one.sighting_id === chosen) ?? detail?.sightings[0];
  const camera = cameras.find((one) => one.id === sighting?.camera_id);
  return html`
    <aside class="side">
      ${camera ? html`<section class="live panel" aria-label=${t("live.video")}><${LiveVideo} key=${camera.id} camera=${camera} /></section>` : null}
      <${MapPanel} />
      ${detail
        ? html`<div class="side-scroll panel"><${Responsible} detail=${detail} /><${SecondAngle} detail=${detail} /><${Deliveries} detail=${detail} /><${History} detail=${detail} /></div>`
        : null}
    </aside>`;
}

function Responsible({ detail }) {
  const chain = detail.summary.grid_chain;
  const viewer = useApp((s) => s.session?.role === "viewer");
  return html`
    <section class="block">
      <h3>${t("responsible")}</h3>
      ${chain.length
        ? html`<ol class="chain">
            ${chain.map(
              (area) => html`
                <li key=${area.code}>
                  <span class="level">${t(`level.${area.level}`)}</span>
                  <span class="area">${area.name}</span>
                  <span class="contacts">
                    ${area.contacts.map(
                      (one) => html`<span class="contact" key=${one.phone}><span class="who">${one.name} <small>${one.role}</small></span><a href=${`tel:${one.phone}`}><${Icon} name="phone" />${one.phone}</a></span>`,
                    )}
                  </span>
                </li>`,
            )}
          </ol>`
        : html`<p class="none">${t("responsible.none")}</p>`}
      ${viewer ? html`<p class="none">${t("responsible.hidden")}</p>` : null}
    </section>`;
}

/** Other cameras that can look at the place: the nearest first, one click to see through them. */
function SecondAngle({ detail }) {
  const cameras = useApp((s) => s.cameras);
  const [looks, setLooks] = useState([]);
  const { lat_deg: lat, lon_deg: lon } = detail.summary.location;
  useEffect(() => {
    let wanted = true;
    setLooks([]);
    if (lat !== null) api(`/map/place?lat_deg=${lat}&lon_deg=${lon}`).then((place) => wanted && setLooks(place.cameras)).catch(() => null);
    return () => {
      wanted = false;
    };
  }, [lat, lon]);
  const seen = looks.filter((one) => ["ground", "plume"].includes(one.sees) && !detail.summary.camera_ids.includes(one.camera_id));
  if (!seen.length) return null;
  return html`
    <section class="block">
      <h3>${t("angle")}</h3>
      <ul class="angles">
        ${seen.slice(0, 6).map((one) => {
          const camera = cameras.find((other) => other.id === one.camera_id);
          if (!camera) return null;
          return html`<li key=${one.camera_id}><button class="button small" data-angle=${one.camera_id} onClick=${() => set({ camera: one.camera_id })}><i class=${`dot ${camera.state}`}></i>${camera.name}<small>${t(`sees.${one.sees}`)} · ${length(one.range_m)}</small></button></li>`;
        })}
      </ul>
    </section>`;
}

function Deliveries({ detail }) {
  const newest = new Map(); // what each receiver knows is what its newest message says
  for (const one of detail.deliveries) newest.set(one.target_id, one);
  return html`
    <section class="block">
      <h3>${t("deliveries")}</h3>
      ${newest.size
        ? html`<ul class="deliveries">
            ${[...newest.values()].map(
              (one) => html`
                <li key=${one.target_id} class=${one.state} data-delivery=${one.state} title=${one.last_error ?? ""}>
                  <${Icon} name=${one.state === "delivered" ? "check" : one.state === "dead" ? "cross" : "clock"} />
                  <span>${one.target_name}</span>
                  <small>${t("delivery.number", { n: one.sequence })}</small>
                  <b>${t(`delivery.${one.state}`)}</b>
                  <small class="right">${one.state === "delivered" ? clock(new Date(one.acknowledged_at)) : one.attempts ? t("delivery.attempts", { n: one.attempts }) : ""}</small>
                </li>`,
            )}
          </ul>`
        : html`<p class="none">${t("deliveries.none")}</p>`}
    </section>`;
}

function History({ detail }) {
  return html`
    <section class="block grow">
      <h3>${t("history")}</h3>
      <ol class="history">
        ${[...detail.history].reverse().map((row) => html`<${Row} key=${row.history_id} row=${row} />`)}
      </ol>
    </section>`;
}

function Row({ row }) {
  const machine = row.who === "machine";
  const { text, reason } = machine ? machineWords(row.why) : { text: row.why, reason: "" };
  const verdict = row.action === "dismiss" ? [t(`verdict.${row.verdict}`), row.cause && t(`cause.${row.cause}`)].filter(Boolean).join(" · ") : "";
  return html`
    <li class=${`${row.action} ${machine ? "by-machine" : ""}`} data-action=${row.action} title=${reason}>
      <time>${moment(row.at)}</time>
      <span class="what"><b>${verdict || t(`action.${row.action}`)}</b>${text ? html`<span>${text}</span>` : null}</span>
      <span class="who">${machine ? t("machine") : row.who}</span>
    </li>`;
}
