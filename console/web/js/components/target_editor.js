// Adding and changing a receiver of alerts, trying it out, and the way back to what there was before. Addresses and
// secrets are entered here and never shown again: what is left empty stays as it is.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { notify, words } from "../duty.js";
import { own } from "../keys.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { Unanswered } from "./unanswered.js";
import { VersionList } from "./version_list.js";

const FORMATS = ["json", "cap", "geojson", "template"];
const STAGES = ["notify", "dispatch"];
const SWITCHES = ["enabled", "notices", "heartbeat"];
const FRESH = { id: "", name: "", enabled: true, format: "json", template: null, media_type: "application/json", tls: null, from_stage: "notify", timeout_s: 10, heartbeat: false, notices: false };
const NO_SECRETS = { url: "", secret: "", bearer: "", user: "", password: "", dropped: [] };
const TLS = ["authority", "certificate", "key"];

/** What is in the fields of somebody who looks at `target`. */
const draftOf = (target) => ({ ...FRESH, ...target, ...NO_SECRETS, user: target?.user ?? "", ...Object.fromEntries(TLS.map((name) => [name, target?.tls?.[name] ?? ""])), template: target?.template ?? "" });

export function TargetEditor({ known, close, changed }) {
  const path = `/targets/${encodeURIComponent(known?.id ?? "")}`;
  const [given, put] = useState(/** @type {any} */ (draftOf(known)));
  const [seen, see] = useState(/** @type {any} */ (known));
  const [why, reason] = useState("");
  const [tried, tell] = useState(/** @type {any} */ (null)); // | "busy" | what the receiver answered
  const [again, reread] = useState(0);
  const files = useAnswer("/targets/-/files");
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    /** @type {HTMLElement | null} */ (place.current?.querySelector("input"))?.focus();
  }, []);
  useLayoutEffect(() => own({ Escape: close }), []);

  function show(target) {
    see(target);
    put(draftOf(target));
    tell(null);
    reread((n) => n + 1);
  }

  /** @param {() => Promise<any>} work */
  async function act(work, done, name) {
    try {
      const answer = await work();
      notify(t(done, { name }));
      await changed();
      return answer ?? true;
    } catch (problem) {
      const faster = problem.status === 409 && problem.message.includes("look again");
      const owed = problem.status === 409 && problem.message.includes("messages wait");
      notify(faster ? t("receiver.conflict") : owed ? t("receiver.owed") : words(problem), "bad");
      if (faster) await api(path).then(show, () => close());
      return null;
    }
  }

  async function save(event) {
    event.preventDefault();
    const body = { ...fields(given, seen), why };
    const work = known
      ? () => api(path, { method: "PATCH", body: { ...body, seen: seen.version } })
      : () => api("/targets", { method: "POST", body: { ...body, id: given.id } });
    if (await act(work, "receiver.done", given.name)) close();
  }

  async function giveBack() {
    if (!confirm(t(seen.in_file ? "receiver.back.sure" : "receiver.remove.sure", { name: seen.name }))) return;
    const question = new URLSearchParams({ seen: String(seen.version), ...(why ? { why } : {}) });
    if (await act(() => api(`${path}?${question}`, { method: "DELETE" }), seen.in_file ? "receiver.back.done" : "receiver.remove.done", seen.name)) close();
  }

  async function revert(version) {
    const answer = await act(() => api(`${path}/revert`, { method: "POST", body: { version, seen: seen.version, why } }), "receiver.done", seen.name);
    if (answer) show(answer);
  }

  async function tryOut() {
    tell("busy");
    try {
      tell(await api(`${path}/test`, { method: "POST", patience_ms: 250000 }));
    } catch (problem) {
      tell({ accepted: false, answer: words(problem) });
    }
  }

  const field = (name, how = {}) => html`<label>${t(`receiver.${name}`)}<input name=${name} autocomplete="off" spellcheck=${false} maxlength="2000" ...${how} value=${given[name]} onInput=${(event) => put({ ...given, [name]: event.target.value })} /></label>`;
  const secret = (name, set) => field(name, { type: "password", autocomplete: "new-password", placeholder: set ? t("receiver.kept") : "", disabled: given.dropped.includes(name) });
  const drop = (name) => put({ ...given, [name]: "", dropped: given.dropped.includes(name) ? given.dropped.filter((one) => one !== name) : [...given.dropped, name] });
  const droppable = (name, set) => (set ? html`<label class="check"><input type="checkbox" name=${`drop-${name}`} checked=${given.dropped.includes(name)} onChange=${() => drop(name)} />${t(`receiver.drop.${name}`)}</label>` : null);
  const file = (name) => {
    const named = files.found?.[name] ?? [];
    const all = given[name] && !named.includes(given[name]) ? [given[name], ...named] : named; // the file may name it no more
    if (!all.length) return null;
    return html`<label>${t(`receiver.${name}`)}<select name=${name} value=${given[name]} required=${name === "template"} onChange=${(event) => put({ ...given, [name]: event.target.value })}><option value="">${t(`receiver.none.${name}`)}</option>${all.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>`;
  };
  const choice = (name, values, word) => html`<label>${t(`receiver.${name}`)}<select name=${name} value=${given[name]} onChange=${(event) => put({ ...given, [name]: event.target.value })}>${values.map((one) => html`<option key=${one} value=${one}>${t(`${word}.${one}`)}</option>`)}</select></label>`;
  const formats = FORMATS.filter((one) => one !== "template" || given.template || files.found?.template.length);
  const certificates = TLS.map(file).filter(Boolean);
  return html`
    <form class="row-editor" ref=${place} onSubmit=${save} aria-label=${known ? t("receiver.of", { name: known.name }) : t("receiver.add")} data-receiver=${known?.id ?? "new"}>
      <p class="none">${t(!known ? "receiver.is.new" : seen.saved ? (seen.in_file ? "receiver.is.saved" : "receiver.is.added") : "receiver.is.file")}</p>
      <div class="row">
        ${field("name", { required: true, maxlength: 100 })}
        ${known ? null : field("id", { required: true, maxlength: 63, pattern: "[a-z0-9][a-z0-9_\\-]*", title: t("add.id.hint"), placeholder: "county" })}
        <label class="wide">${t("receiver.url")}<input name="url" autocomplete="off" spellcheck=${false} minlength="8" maxlength="2000" required=${!known} value=${given.url} placeholder=${known ? seen.address : "https://dispatch.example.gov.cn/api/alerts"} onInput=${(event) => put({ ...given, url: event.target.value })} /></label>
      </div>
      <div class="row">
        ${choice("format", formats, "receiver.format")}
        ${given.format === "template" ? html`${file("template")}${field("media_type", { required: true, maxlength: 200 })}` : null}
        ${choice("from_stage", STAGES, "receiver.stage")}
        ${field("timeout_s", { type: "number", step: "any", min: 0.5, max: 120, required: true })}
        <fieldset><legend>${t("receiver.switches")}</legend>${SWITCHES.map((name) => html`<label key=${name} class="check"><input type="checkbox" name=${name} checked=${given[name]} onChange=${(event) => put({ ...given, [name]: event.target.checked })} />${t(`receiver.${name}`)}</label>`)}</fieldset>
      </div>
      <div class="row">
        ${secret("secret", seen?.signed)}${droppable("secret", seen?.signed)}${secret("bearer", seen?.bearer)}${droppable("bearer", seen?.bearer)}${field("user", { maxlength: 200 })}${secret("password", seen?.user)}
      </div>
      <p class="none">${t("receiver.secrets")}</p>
      ${certificates.length ? html`<div class="row">${certificates}</div>` : null}
      ${certificates.length || formats.includes("template") ? html`<p class="none">${t("receiver.files")}</p>` : null}
      ${files.problem ? html`<${Unanswered} of=${files} />` : null}
      ${given.enabled ? null : html`<p class="caution" role="status">${t("receiver.off.what")}</p>`}
      <div class="row">
        <label class="wide">${t("roster.why")}<input name="why" value=${why} maxlength="500" onInput=${(event) => reason(event.target.value)} /></label>
        <button class="button primary">${t("save")}</button>
        <button type="button" class="button ghost" onClick=${close}>${t("cancel")}<kbd>Esc</kbd></button>
        <span class="spring"></span>
        ${known ? html`<button type="button" class="button small" title=${t("receiver.test.what")} disabled=${tried === "busy"} onClick=${tryOut}>${t("receiver.test")}</button>` : null}
        ${seen?.saved ? html`<button type="button" class="button small" onClick=${giveBack}>${t(seen.in_file ? "receiver.back" : "receiver.remove")}</button>` : null}
      </div>
      ${tried && tried !== "busy" ? html`<p class=${`test-result ${tried.accepted ? "good" : "bad"}`} role="status">${t(tried.accepted ? "receiver.test.good" : "receiver.test.bad", { answer: tried.answer })}</p>` : null}
      ${known ? html`<${Versions} key=${again} path=${path} revert=${revert} />` : null}
    </form>`;
}

/** What is said of it that was not said before. */
function fields(given, seen) {
  /** @type {Record<string, any>} */
  const said = {};
  for (const name of ["name", "format", "from_stage", ...SWITCHES]) if (given[name] !== seen?.[name]) said[name] = given[name];
  if (Number(given.timeout_s) !== seen?.timeout_s) said.timeout_s = Number(given.timeout_s);
  for (const name of ["url", "secret", "bearer"]) if (given[name].trim()) said[name] = given[name].trim();
  for (const name of given.dropped) said[name] = null;
  const template = given.format === "template" ? given.template : "";
  if (template !== (seen?.template ?? "")) said.template = template || null;
  if (given.format === "template" && given.media_type.trim() !== seen?.media_type) said.media_type = given.media_type.trim();
  if (TLS.some((name) => given[name] !== (seen?.tls?.[name] ?? ""))) said.tls = TLS.some((name) => given[name]) ? Object.fromEntries(TLS.filter((name) => given[name]).map((name) => [name, given[name]])) : null;
  if (given.user !== (seen?.user ?? "") || given.password) said.basic = given.user ? { user: given.user, ...(given.password ? { password: given.password } : {}) } : null;
  return said;
}

function Versions({ path, revert }) {
  const answer = useAnswer(`${path}/versions`);
  const { found } = answer;
  if (!found) return html`<${Unanswered} of=${answer} />`;
  if (!found.length || !found[0].version) return null;
  const was = ({ target }) => (target ? `${target.name} · ${target.address} · ${t(`receiver.format.${target.format}`)}${target.enabled ? "" : ` · ${t("receiver.off")}`}` : t("receiver.is.files"));
  return html`<${VersionList} found=${found} did=${(one) => said(one.action)} was=${was} revert=${revert} mayRevert=${(one) => one.target} />`;
}

const said = (action) => (action.startsWith("reverted") ? t("versions.reverted", { n: action.split(" ").at(-1) }) : t(`receiver.action.${action.replace(" ", "_")}`));
