// Beside the picture: the map, who is responsible, who was told, what happened.
import { useAnswer } from "../answer.js";
import { html } from "../lib.js";
import { set, useApp, useCamera } from "../state.js";
import { clock } from "../time.js";
import { t } from "../words.js";
import { Chain } from "./chain.js";
import { length } from "./facts.js";
import { History } from "./history.js";
import { Icon } from "./icon.js";
import { LiveVideo } from "./live_video.js";
import { MapPanel } from "./map.js";
import { Unanswered } from "./unanswered.js";

export function Side() {
  const id = useApp((s) => (s.camera ? null : s.selected));
  const detail = useApp((s) => s.details.get(id));
  const chosen = useApp((s) => s.sighting);
  const sighting = detail?.sightings.find((one) => one.sighting_id === chosen) ?? detail?.sightings[0];
  const camera = useCamera(sighting?.camera_id);
  return html`
    <aside class="side">
      ${camera ? html`<section class="live panel" aria-label=${t("live.video")}><${LiveVideo} key=${camera.id} camera=${camera} /></section>` : null}
      <${MapPanel} />
      ${detail
        ? html`<div class="side-scroll panel"><${Responsible} detail=${detail} /><${SecondAngle} detail=${detail} /><${Deliveries} detail=${detail} /><section class="block grow"><h3>${t("history")}</h3><${History} rows=${detail.history} /></section></div>`
        : null}
    </aside>`;
}

function Responsible({ detail }) {
  const viewer = useApp((s) => s.session?.role === "viewer");
  return html`
    <section class="block">
      <h3>${t("responsible")}</h3>
      <${Chain} areas=${detail.on_call /* now: perhaps others than when it was seen */} />
      ${viewer ? html`<p class="none">${t("responsible.hidden")}</p>` : null}
    </section>`;
}

/** Other cameras that can look at the place: the nearest first, one click to see through them. */
function SecondAngle({ detail }) {
  const { lat_deg: lat, lon_deg: lon } = detail.summary.location;
  const answer = useAnswer(lat === null ? null : `/map/place?lat_deg=${lat}&lon_deg=${lon}`);
  if (answer.problem && !answer.found) return html`<section class="block"><h3>${t("angle")}</h3><${Unanswered} of=${answer} /></section>`;
  const seen = (answer.found?.cameras ?? []).filter((one) => ["ground", "plume"].includes(one.sees) && !detail.summary.camera_ids.includes(one.camera_id));
  if (!seen.length) return null;
  return html`
    <section class="block">
      <h3>${t("angle")}</h3>
      <ul class="angles">
        ${seen.slice(0, 6).map((one) => html`<${Angle} key=${one.camera_id} look=${one} />`)}
      </ul>
    </section>`;
}

function Angle({ look }) {
  const camera = useCamera(look.camera_id);
  if (!camera) return null;
  return html`<li><button class="button small" data-angle=${look.camera_id} onClick=${() => set({ camera: look.camera_id })}><i class=${`dot ${camera.state}`}></i>${camera.name}<small>${t(`sees.${look.sees}`)} · ${length(look.range_m)}</small></button></li>`;
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
