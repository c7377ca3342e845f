// Changing who answers for an area: people, how they are reached, and their shifts; with who would be on duty while
// one types, and the way back to what there was before.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { notify, words } from "../duty.js";
import { own } from "../keys.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { moment } from "../time.js";
import { t } from "../words.js";
import { TimeField } from "./time_fields.js";
import { Unanswered } from "./unanswered.js";
import { VersionList } from "./version_list.js";

const DAYS = [1, 2, 3, 4, 5, 6, 7];
const PREVIEW_MS = 400;
const NOBODY = { name: "", role: "", phone: "", channels: {}, duty: null };
const SHIFT = { days: DAYS, from: "08:00", to: "20:00" };
const WHEN = ["now", "tonight", "sunday"];

export function gapWords(gaps) {
  const names = t("admin.rosters.weekdays").split(" ");
  const told = gaps.slice(0, 3).map((one) => `${names[one.from_day - 1]} ${one.start}–${one.to_day === one.from_day ? "" : `${names[one.to_day - 1]} `}${one.end}`);
  return t("roster.gaps", { when: told.join("、"), more: gaps.length > 3 ? "…" : "" });
}

const channelsText = (channels) => Object.entries(channels).map(([gateway, address]) => `${gateway}=${address}`).join(", ");

function channelsOf(text) {
  const pairs = text.split(/[,，;；]/).map((one) => one.trim()).filter(Boolean).map((one) => one.split(/[=＝]/));
  return Object.fromEntries(pairs.map(([gateway, ...address]) => [gateway.trim(), address.join("=").trim()]));
}

export function RosterEditor({ area, close, changed }) {
  const path = `/rosters/${encodeURIComponent(area.code)}`;
  const [seen, see] = useState(/** @type {any} */ (null));
  const [people, setPeople] = useState(/** @type {any[]} */ ([]));
  const [unread, say] = useState(/** @type {any} */ (null)); // why `seen` is not there
  const [why, reason] = useState("");
  const [told, tell] = useState(/** @type {any} */ (null)); // what the centre says to the draft: a preview, or a problem
  const [again, reread] = useState(0);
  const place = useRef(/** @type {HTMLElement | null} */ (null));

  async function read() {
    try {
      const found = await api(path);
      see(found);
      setPeople(found.contacts);
      say(null);
      reread((n) => n + 1);
    } catch (problem) {
      say(problem);
    }
  }
  useEffect(() => {
    read().then(() => /** @type {HTMLElement | null} */ (place.current?.querySelector("input"))?.focus());
  }, [area.code]);
  useLayoutEffect(() => own({ Escape: close }), [area.code]);
  useEffect(() => {
    if (!seen) return undefined;
    let wanted = true;
    const timer = setTimeout(() => {
      api(`${path}/preview`, { method: "POST", body: { contacts: people } })
        .then((preview) => wanted && tell({ preview }))
        .catch((problem) => wanted && tell({ problem }));
    }, PREVIEW_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [JSON.stringify(people), !seen]);

  const put = (index, change) => setPeople(people.map((one, at) => (at === index ? { ...one, ...change } : one)));

  /** @param {() => Promise<any>} work */
  async function act(work, done) {
    try {
      await work();
      notify(t(done, { name: area.name }));
      await changed();
      return true;
    } catch (problem) {
      notify(problem.status === 409 ? t("roster.conflict") : words(problem), "bad");
      if (problem.status === 409) await read();
      return false;
    }
  }

  async function save(event) {
    event.preventDefault();
    if (await act(() => api(path, { method: "PUT", body: { contacts: people, seen: seen.version, why } }), "roster.done")) close();
  }

  async function giveBack() {
    if (!confirm(t("roster.back.sure", { name: area.name }))) return;
    const question = new URLSearchParams({ seen: String(seen.version), ...(why ? { why } : {}) });
    if (await act(() => api(`${path}?${question}`, { method: "DELETE" }), "roster.back.done")) close();
  }

  const revert = (version) => act(() => api(`${path}/revert`, { method: "POST", body: { version, why } }), "roster.done").then((good) => (good ? read() : null));
  if (!seen) return html`<${Unanswered} of=${{ problem: unread, load: read }} />`;
  return html`
    <form class="row-editor" ref=${place} onSubmit=${save} aria-label=${t("roster.of", { name: area.name })} data-roster=${area.code}>
      <p class="none">${t(seen.saved ? "roster.is.saved" : "roster.is.file")}</p>
      <ol>${people.map((one, index) => html`<${PersonForm} key=${`${again}-${index}`} person=${one} put=${(change) => put(index, change)} drop=${() => setPeople(people.filter((_, at) => at !== index))} />`)}</ol>
      <button type="button" class="button small" onClick=${() => setPeople([...people, NOBODY])}>${t("roster.person.add")}</button>
      <${Preview} told=${told} people=${people.length} />
      <div class="row">
        <label class="wide">${t("roster.why")}<input value=${why} maxlength="500" onInput=${(event) => reason(event.target.value)} /></label>
        <button class="button primary" disabled=${Boolean(told?.problem)}>${t("save")}</button>
        <button type="button" class="button ghost" onClick=${close}>${t("cancel")}<kbd>Esc</kbd></button>
        <span class="spring"></span>
        ${seen.saved ? html`<button type="button" class="button small" onClick=${giveBack}>${t("roster.back")}</button>` : null}
      </div>
      <${Versions} key=${again} path=${path} revert=${revert} />
    </form>`;
}

function PersonForm({ person, put, drop }) {
  const [channels, write] = useState(channelsText(person.channels));
  const { duty } = person;
  const names = t("admin.rosters.weekdays").split(" ");
  const days = duty?.days ?? DAYS;
  const field = (name, word, kind = "text") => html`<label>${t(word)}<input type=${kind} value=${person[name]} required maxlength="128" autocomplete="off" onInput=${(event) => put({ [name]: event.target.value })} /></label>`;
  const onDay = (day, on) => put({ duty: { ...duty, days: DAYS.filter((one) => (one === day ? on : days.includes(one))) } });
  return html`
    <li>
      <div class="row">
        ${field("name", "roster.name")}${field("role", "roster.role")}${field("phone", "roster.phone", "tel")}
        <label>${t("roster.channels")}<input value=${channels} placeholder="wecom=zhangsan" autocomplete="off" onInput=${(event) => {
          write(event.target.value);
          put({ channels: channelsOf(event.target.value) });
        }} /></label>
        <button type="button" class="button small" aria-label=${`${t("roster.person.drop")} ${person.name}`} onClick=${drop}>${t("roster.person.drop")}</button>
      </div>
      <div class="row shift">
        <label>${t("roster.shift")}<select value=${duty ? "shift" : "always"} onChange=${(event) => put({ duty: event.target.value === "shift" ? SHIFT : null })}>
          <option value="always">${t("admin.rosters.always")}</option><option value="shift">${t("roster.shift.weekly")}</option>
        </select></label>
        ${duty
          ? html`
              <fieldset><legend>${t("roster.days")}</legend>${DAYS.map((day) => html`<label key=${day} class="check"><input type="checkbox" checked=${days.includes(day)} onChange=${(event) => onDay(day, event.target.checked)} />${names[day - 1]}</label>`)}</fieldset>
              <${TimeField} label=${t("roster.from")} value=${duty.from} change=${(from) => put({ duty: { ...duty, days, from } })} />
              <${TimeField} label=${t("roster.to")} value=${duty.to} change=${(to) => put({ duty: { ...duty, days, to } })} />
              ${duty.to <= duty.from ? html`<small>${t("roster.next_day")}</small>` : null}`
          : null}
      </div>
    </li>`;
}

function Preview({ told, people }) {
  if (told?.problem) return html`<p class="caution" role="status">${t("roster.incomplete")} <small>${words(told.problem)}</small></p>`;
  const preview = told?.preview;
  if (!preview) return null;
  return html`
    <div class="roster-preview" role="status" data-preview=${preview.gaps.length}>
      <dl class="facts">
        ${WHEN.map((one) => html`<div key=${one}><dt>${t(`admin.rosters.when.${one}`)}${one === "now" ? "" : ` · ${moment(preview[one].at)}`}</dt><dd>${preview[one].people.length ? preview[one].people.join("、") : html`<b class="bad">${t(people ? "admin.rosters.nobody" : "admin.rosters.empty")}</b>`}</dd></div>`)}
      </dl>
      ${people ? (preview.gaps.length ? html`<p class="caution">${gapWords(preview.gaps)}</p>` : null) : html`<p class="caution">${t("roster.nobody_left")}</p>`}
    </div>`;
}

function Versions({ path, revert }) {
  const answer = useAnswer(`${path}/versions`);
  const { found } = answer;
  if (!found) return html`<${Unanswered} of=${answer} />`;
  if (!found.length || !found[0].version) return null;
  const did = (one) => t(`roster.action.${one.action.split(" ")[0]}`, { n: one.action.split(" ").at(-1) });
  const was = (one) => (one.contacts ? one.contacts.map((each) => `${each.name} ${each.phone}`).join("、") || t("admin.rosters.empty") : t("roster.is.files"));
  return html`<${VersionList} found=${found} did=${did} was=${was} revert=${revert} />`;
}
