// Who is on duty now, area by area, and until when: as the deployment's grid file has it.
import { useAnswer } from "../answer.js";
import { words } from "../duty.js";
import { html, useState } from "../lib.js";
import { moment } from "../time.js";
import { t } from "../words.js";

const AGAIN_MS = 60000;
const MOST = 200; // a county has thousands of grids: one searches

export function Rosters() {
  const { found, problem, load } = useAnswer("/rosters", AGAIN_MS);
  const [wanted, want] = useState("");
  const [only, showOnly] = useState(false);

  const areas = (found?.areas ?? []).filter((one) => (!only || !one.is_covered) && fits(one, wanted.trim()));
  const uncovered = (found?.areas ?? []).filter((one) => !one.is_covered).length;
  return html`
    <section class="panel" aria-label=${t("admin.rosters")} aria-busy=${!found && !problem}>
      <div class="stage-head"><h1>${t("admin.rosters")}</h1><span class="place">${t("admin.rosters.what")}</span></div>
      ${problem ? html`<p class="none" role="alert">${words(problem)} <button class="button small" onClick=${load}>${t("retry")}</button></p>` : null}
      ${found && !found.areas.length ? html`<p class="none">${t("admin.rosters.none")}</p>` : null}
      ${found?.areas.length
        ? html`
            <div class="row new-user">
              <label>${t("admin.rosters.find")}<input value=${wanted} onInput=${(event) => want(event.target.value)} /></label>
              <button class=${`chip ${only ? "chosen" : ""}`} aria-pressed=${only} onClick=${() => showOnly(!only)}>${t("admin.rosters.uncovered", { n: uncovered })}</button>
            </div>
            <table class="rosters">
              <thead><tr><th>${t("admin.rosters.area")}</th><th>${t("admin.rosters.now")}</th><th>${t("admin.rosters.off")}</th></tr></thead>
              <tbody>${areas.slice(0, MOST).map((one) => html`<${Area} key=${one.code} area=${one} />`)}</tbody>
            </table>
            ${areas.length > MOST ? html`<p class="none">${t("admin.rosters.more", { n: areas.length - MOST })}</p>` : null}
            ${areas.length ? null : html`<p class="none">${t("records.none")}</p>`}`
        : null}
    </section>`;
}

const fits = (area, text) => !text || [area.name, area.code, ...area.people.map((one) => one.name)].some((one) => one.includes(text));

function Area({ area }) {
  const on = area.people.filter((one) => one.on_duty);
  const off = area.people.filter((one) => !one.on_duty);
  return html`
    <tr data-area=${area.code}>
      <td><span class="depth" style=${{ width: `${area.depth * 1.2}rem` }}></span><span class="level">${t(`level.${area.level}`)}</span> ${area.name} <small>${area.code}</small></td>
      <td>${on.length ? on.map((one) => html`<${Person} key=${one.phone} person=${one} />`) : html`<b class="bad">${t(area.people.length ? "admin.rosters.nobody" : "admin.rosters.empty")}</b>`}</td>
      <td>${off.map((one) => html`<${Person} key=${one.phone} person=${one} />`)}</td>
    </tr>`;
}

function Person({ person }) {
  return html`
    <div class="on-roster">
      ${person.name} <small>${person.role}</small> <a href=${`tel:${person.phone}`}>${person.phone}</a>
      <small> · ${shift(person)}${person.until ? html` · ${t("admin.rosters.until", { time: moment(person.until) })}` : null}${person.channels.length ? ` · ${person.channels.join(", ")}` : ""}</small>
    </div>`;
}

function shift({ days, start, end }) {
  if (!days) return t("admin.rosters.always");
  const names = t("admin.rosters.weekdays").split(" ");
  const run = days.length > 2 && days.every((day, index) => day === days[0] + index);
  const said = days.length === 7 ? t("admin.rosters.daily") : run ? `${names[days[0] - 1]}–${names[days.at(-1) - 1]}` : days.map((day) => names[day - 1]).join(" ");
  return `${said} ${start}–${end}`;
}
