// Permitted burns: who may burn where and when. A permit is a circle around the place chosen on the map; smoke in
// it is to be verified and calls nobody by itself.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { mayDecide, notify, words } from "../duty.js";
import { away } from "../geo.js";
import { html, useState } from "../lib.js";
import { addDays, dayStart, moment, today } from "../time.js";
import { t } from "../words.js";
import { DayField } from "./time_fields.js";
import { Unanswered } from "./unanswered.js";

const CORNERS = 24;
const RADII_M = [50, 100, 200, 500];
const HOURS = Array.from({ length: 25 }, (_, hour) => hour);
const HOUR_MS = 3600000;

const circle = (place, radius) =>
  Array.from({ length: CORNERS }, (_, corner) => away([place.lon_deg, place.lat_deg], (360 * corner) / CORNERS, radius));

export function Burns({ place }) {
  const answer = useAnswer("/burns");
  const { found: burns, load } = answer;

  async function withdraw(burn) {
    try {
      await api(`/burns/${burn.burn_id}`, { method: "DELETE" });
    } catch (error) {
      notify(words(error), "bad");
    }
    await load();
  }

  return html`
    <section class="panel burns" aria-label=${t("burns")}>
      <h3>${t("burns")}</h3>
      <${Unanswered} of=${answer} />
      ${burns && !burns.length ? html`<p class="none">${t("burns.none")}</p>` : null}
      <ol>
        ${(burns ?? []).map(
          (one) => html`
            <li key=${one.burn_id} data-burn=${one.burn_id}>
              <strong>${one.holder}</strong> ${one.phone ? html`<a href=${`tel:${one.phone}`}>${one.phone}</a>` : null}
              <small><time>${moment(one.starts_at)}</time> – <time>${moment(one.ends_at)}</time> · ${t("burns.by", { who: one.added_by })}</small>
              ${one.note ? html`<small>${one.note}</small>` : null}
              ${mayDecide() ? html`<button class="button small" onClick=${() => withdraw(one)}>${t("burns.withdraw")}</button>` : null}
            </li>`,
        )}
      </ol>
      ${mayDecide() ? (place ? html`<${NewBurn} place=${place} added=${load} />` : html`<p class="none">${t("burns.choose")}</p>`) : null}
    </section>`;
}

function NewBurn({ place, added }) {
  const [busy, setBusy] = useState(false);
  const [day, choose] = useState(today());

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    const given = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const midnight = dayStart(day).getTime();
    setBusy(true);
    try {
      await api("/burns", {
        method: "POST",
        body: {
          holder: given.holder.trim(),
          phone: given.phone.trim(),
          note: given.note.trim(),
          area: circle(place, Number(given.radius)),
          starts_at: new Date(midnight + Number(given.from) * HOUR_MS).toISOString(),
          ends_at: new Date(midnight + Number(given.to) * HOUR_MS).toISOString(),
        },
      });
      form.reset();
      choose(today());
      await added();
    } catch (error) {
      notify(words(error), "bad");
    }
    setBusy(false);
  }

  const hour = (name, first) => html`<select name=${name} aria-label=${t(`burns.${name}`)}>${HOURS.map((one) => html`<option key=${one} value=${one} selected=${one === first}>${String(one).padStart(2, "0")}:00</option>`)}</select>`;
  return html`
    <form class="stack" onSubmit=${submit}>
      <p class="none">${t("burns.around", { place: `${place.lat_deg.toFixed(5)}, ${place.lon_deg.toFixed(5)}` })}</p>
      <label>${t("burns.holder")}<input name="holder" required maxlength="128" /></label>
      <label>${t("burns.phone")}<input name="phone" maxlength="64" /></label>
      <label>${t("burns.note")}<input name="note" maxlength="500" /></label>
      <div class="row">
        <${DayField} label=${t("burns.day")} value=${day} min=${today()} max=${addDays(today(), 30)} change=${choose} />
        <label>${t("burns.radius")}<select name="radius">${RADII_M.map((one) => html`<option key=${one} value=${one} selected=${one === 100}>${one} m</option>`)}</select></label>
      </div>
      <div class="row">${hour("from", 8)} – ${hour("to", 18)}</div>
      <button class="button primary" disabled=${busy}>${t("burns.permit")}</button>
    </form>`;
}
