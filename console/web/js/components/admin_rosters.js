// Who is on duty, area by area: now, tonight, on Sunday. Supervisors change who answers for an area (roster_editor).
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { maySupervise, notify, words } from "../duty.js";
import { html, useEffect, useState } from "../lib.js";
import { useApp } from "../state.js";
import { moment } from "../time.js";
import { t } from "../words.js";
import { gapWords, RosterEditor } from "./roster_editor.js";
import { Unanswered } from "./unanswered.js";

const AGAIN_MS = 60000;
const MOST = 200; // a county has thousands of grids: one searches
const WHEN = ["now", "tonight", "sunday"];

export function Rosters() {
  const [when, ask] = useState("now");
  const [moments, know] = useState(/** @type {any} */ ({}));
  const at = when === "now" ? null : moments[when];
  const changed = useApp((s) => s.rosters);
  const answer = useAnswer(at ? `/rosters?at=${encodeURIComponent(at)}` : "/rosters", { againMs: AGAIN_MS, news: changed, meanwhile: true });
  const { found, problem, load } = answer;
  const [wanted, want] = useState("");
  const [only, showOnly] = useState(false);
  const [open, edit] = useState(/** @type {string | null} */ (null));
  useEffect(() => {
    if (found) know(found.moments);
  }, [found]);

  const holes = (one) => !one.is_covered || one.gaps.length;
  const areas = (found?.areas ?? []).filter((one) => one.code === open || ((!only || holes(one)) && fits(one, wanted.trim())));
  const uncovered = (found?.areas ?? []).filter(holes).length;
  return html`
    <section class="panel" aria-label=${t("admin.rosters")} aria-busy=${!found && !problem}>
      <div class="stage-head"><h1>${t("admin.rosters")}</h1><span class="place">${t("admin.rosters.what")}</span></div>
      <${Unanswered} of=${answer} />
      ${(found?.lost ?? []).map((one) => html`<${Lost} key=${one.code} area=${one} load=${load} />`)}
      ${found && !found.areas.length ? html`<p class="none">${t("admin.rosters.none")}</p>` : null}
      ${found?.areas.length
        ? html`
            <div class="row new-user">
              <label>${t("admin.rosters.find")}<input value=${wanted} onInput=${(event) => want(event.target.value)} /></label>
              <button class=${`chip ${only ? "chosen" : ""}`} aria-pressed=${only} onClick=${() => showOnly(!only)}>${t("admin.rosters.uncovered", { n: uncovered })}</button>
              <span class="spring"></span>
              ${WHEN.map((one) => html`<button key=${one} class=${`chip ${one === when ? "chosen" : ""}`} aria-pressed=${one === when} data-when=${one} onClick=${() => ask(one)}>${t(`admin.rosters.when.${one}`)}${one !== "now" && moments[one] ? html` <small>${moment(moments[one])}</small>` : null}</button>`)}
            </div>
            <table class="rosters">
              <thead><tr><th>${t("admin.rosters.area")}</th><th>${t("admin.rosters.now")}</th><th>${t("admin.rosters.off")}</th></tr></thead>
              <tbody>${areas.slice(0, MOST).map((one) => html`<${Area} key=${one.code} area=${one} open=${open === one.code} edit=${edit} load=${load} />`)}</tbody>
            </table>
            ${areas.length > MOST ? html`<p class="none">${t("admin.rosters.more", { n: areas.length - MOST })}</p>` : null}
            ${areas.length ? null : html`<p class="none">${t("records.none")}</p>`}`
        : null}
    </section>`;
}

const fits = (area, text) => !text || [area.name, area.code, ...area.people.map((one) => one.name)].some((one) => one.includes(text));

function Area({ area, open, edit, load }) {
  const on = area.people.filter((one) => one.on_duty);
  const off = area.people.filter((one) => !one.on_duty);
  const close = () => {
    edit(null);
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(`[data-edit="${CSS.escape(area.code)}"]`))?.focus());
  };
  return html`
    <tr data-area=${area.code}>
      <td>
        <span class="depth" style=${{ width: `${area.depth * 1.2}rem` }}></span><span class="level">${t(`level.${area.level}`)}</span> ${area.name} <small>${area.code}</small>
        ${area.saved ? html` <span class="tag" title=${t("roster.saved.what")}>${t("roster.saved")}</span>` : null}
        ${maySupervise() ? html` <button class="button small" data-edit=${area.code} aria-expanded=${open} aria-label=${`${t("roster.edit")} ${area.name}`} onClick=${() => (open ? close() : edit(area.code))}>${t("roster.edit")}</button>` : null}
      </td>
      <td>
        ${on.length ? on.map((one, index) => html`<${Person} key=${index} person=${one} />`) : html`<b class="bad">${t(area.people.length ? "admin.rosters.nobody" : "admin.rosters.empty")}</b>`}
        ${area.gaps.length ? html`<small class="gaps">${gapWords(area.gaps)}</small>` : null}
      </td>
      <td>${off.map((one, index) => html`<${Person} key=${index} person=${one} />`)}</td>
    </tr>
    ${open ? html`<tr class="row-edit"><td colspan="3"><${RosterEditor} key=${area.code} area=${area} close=${close} changed=${load} /></td></tr>` : null}`;
}

/** An area that the grid file has no more: its people are kept, but no new fire lies there. */
function Lost({ area, load }) {
  async function giveBack() {
    if (!confirm(t("roster.lost.sure", { name: area.name }))) return;
    try {
      await api(`/rosters/${encodeURIComponent(area.code)}?seen=${area.version}`, { method: "DELETE" });
    } catch (problem) {
      notify(words(problem), "bad");
    }
    await load();
  }
  return html`
    <p class="caution" role="alert" data-lost=${area.code}>
      ${t("roster.lost", { name: area.name, code: area.code, n: area.people })}
      ${maySupervise() ? html` <button class="button small" onClick=${giveBack}>${t("roster.lost.remove")}</button>` : null}
    </p>`;
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
