// The responders' page: signing in, the list of their own fires, and what stands around it.
import { lateMs, tabOf, words } from "../duty.js";
import { listed, myName, openIncident, sendAgain, setMyName, signIn, signOut, start } from "../field.js";
import { html, useEffect, useRef, useState } from "../lib.js";
import { set, useApp } from "../state.js";
import { ago, moment, now, span, useTick } from "../time.js";
import { t } from "../words.js";
import { near } from "./facts.js";
import { FieldIncident } from "./field_incident.js";
import { Icon } from "./icon.js";
import { Banner } from "./notices.js";
import { Phases } from "./phases.js";
import { Status } from "./queue.js";
import { LanguageSwitch } from "./topbar.js";

const WARN_DAYS = 14;
const DAY_MS = 86400000;

const say = (problem) => (problem.kind === "unreachable" ? t("login.unreachable") : words(problem));

export function Field() {
  return html`<${Phases} pages=${{ signed_out: SignIn, ready: Page }} again=${start} say=${say} />`;
}

function Page() {
  const selected = useApp((s) => s.selected);
  const known = useApp((s) => s.details.has(s.selected) || s.incidents.has(s.selected));
  return html`
    <div class="field">
      <${Top} />
      <${Banner} />
      <${Unsent} />
      ${selected ? html`<${FieldIncident} key=${selected} id=${selected} known=${known} />` : html`<${List} />`}
      <${FieldNotices} />
      <${Account} />
    </div>`;
}

function Top() {
  const session = useApp((s) => s.session);
  const selected = useApp((s) => s.selected);
  const up = useApp((s) => s.connection.up);
  return html`
    <header class="field-top">
      ${selected
        ? html`<button class="chip" onClick=${() => openIncident(null)}>‹ ${t("field.back")}</button>`
        : html`<div class="brand"><${Icon} name="logo" /><span>${session.name}</span></div>`}
      <span class="spring"></span>
      <span class=${`chip flat ${up ? "good" : "bad"}`} data-connection=${up ? "up" : "lost"}><i class="dot"></i>${t(up ? "connection.up" : "connection.down")}</span>
      <${LanguageSwitch} />
      <button class="chip" aria-label=${t("account")} onClick=${() => set({ dialog: "account" })}><${Icon} name="person" /></button>
    </header>`;
}

/** A report that found no line: it must not look as if it had arrived. */
function Unsent() {
  const unsent = useApp((s) => s.unsent);
  if (!unsent) return null;
  return html`
    <div class="field-unsent" role="alert">
      <span>${t("field.unsent", { what: t(`field.did.${unsent.what}`) })}</span>
      <button class="button small" onClick=${sendAgain}>${t("retry")}</button>
      <button class="button small" onClick=${() => set({ unsent: null })}>${t("field.unsent.drop")}</button>
    </div>`;
}

function List() {
  const incidents = useApp((s) => s.incidents);
  const session = useApp((s) => s.session);
  const all = listed(incidents);
  const open = all.filter((one) => tabOf(one) !== "ended");
  const ended = all.slice(open.length);
  const left = Math.floor((new Date(session.expires_at).getTime() - now().getTime()) / DAY_MS);
  const areas = Object.values(session.areas).join("、") || t("admin.token.everywhere");
  return html`
    <main class="field-list">
      <h1>${t("field.list")}<small>${areas}</small></h1>
      <${WhoAmI} />
      ${left < WARN_DAYS ? html`<p class="caution" role="status">${t("field.expires_soon", { time: moment(session.expires_at) })}</p>` : null}
      ${open.length
        ? open.map((one) => html`<${Card} key=${one.incident_id} incident=${one} />`)
        : html`<div class="empty panel"><${Icon} name="check" /><strong>${t("field.empty")}</strong><p>${t("field.empty.more")}</p></div>`}
      ${ended.length ? html`<h2>${t("field.ended")}</h2>${ended.map((one) => html`<${Card} key=${one.incident_id} incident=${one} />`)}` : null}
    </main>`;
}

/** Once: several people may share a token, and the history should name the one who acts. */
function WhoAmI() {
  const named = useApp((s) => s.named);
  const field = useRef(null);
  if (named || myName()) return null;
  const keep = (event) => {
    event.preventDefault();
    setMyName(field.current.value);
  };
  return html`
    <form class="panel field-who" onSubmit=${keep}>
      <label>${t("field.me")}<input ref=${field} maxlength="40" required autocomplete="name" /></label>
      <button class="button primary">${t("save")}</button>
      <small>${t("field.me.hint")}</small>
    </form>`;
}

function Card({ incident }) {
  useTick(1000);
  const late = lateMs(incident);
  const { accepted_by: accepted, stage } = incident.response;
  const open = tabOf(incident) !== "ended";
  return html`
    <button class=${`card ${incident.label} ${tabOf(incident)}`} data-incident=${incident.incident_id} data-status=${incident.status} onClick=${() => openIncident(incident.incident_id)}>
      <span class="thumb"><img src=${`/api/v1/response/incidents/${incident.incident_id}/picture?version=${incident.version}`} alt="" loading="lazy" /></span>
      <span class="card-text">
        <span class="card-head">
          <span class=${`label ${incident.label}`}><${Icon} name=${incident.label} />${t(`label.${incident.label}`)}</span>
          <span class="number">#${incident.number}</span>
          <time title=${moment(incident.confirmed_at)}>${ago(incident.confirmed_at)}</time>
        </span>
        <strong>${incident.grid_chain[0]?.name ?? t("responsible.none")}</strong>
        ${incident.near_place ? html`<span class="card-sub">${near(incident.near_place)}</span>` : null}
        <span class="card-foot">
          ${incident.exercise ? html`<span class="tag exercise">${t("exercise")}</span>` : null}
          ${late ? html`<span class="tag late" title=${t("late.title", { time: moment(incident.confirmed_at), span: span(late / 1000) })}>${t("late")}</span>` : null}
          <${Status} incident=${incident} />
          ${open ? html`<span class=${`tag ${accepted ? "" : "field-waits"}`}>${accepted ? t("response.accepted", { who: accepted }) : t(stage === "dispatch" ? "field.stage.dispatch" : "field.nobody")}</span>` : null}
        </span>
      </span>
    </button>`;
}

function FieldNotices() {
  const notices = useApp((s) => s.notices);
  return html`
    <div class="notices" aria-live="polite">
      ${notices.map((one) => html`<button key=${one.id} class=${`notice ${one.kind}`} onClick=${() => one.incidentId && openIncident(one.incidentId)}>${one.text}</button>`)}
    </div>`;
}

function Account() {
  const open = useApp((s) => s.dialog === "account");
  const session = useApp((s) => s.session);
  const field = useRef(null);
  if (!open) return null;
  const shut = () => set({ dialog: null });
  const keep = (event) => {
    event.preventDefault();
    setMyName(field.current.value);
    shut();
  };
  const leave = () => signOut().catch((problem) => problem.status !== 401 && set((s) => ({ notices: [...s.notices, { id: -1, text: words(problem), kind: "bad" }] })));
  return html`
    <${Sheet} title=${session.name} shut=${shut}>
      <p class="account">${Object.values(session.areas).join("、") || t("admin.token.everywhere")}<br /><small>${t("admin.token.until")} ${moment(session.expires_at)}</small></p>
      <form class="stack" onSubmit=${keep}>
        <label>${t("field.me")}<input ref=${field} maxlength="40" defaultValue=${myName()} autocomplete="name" /></label>
        <button class="button primary">${t("save")}</button>
      </form>
      <p class="none">${t("field.sign_out.hint")}</p>
      <button class="button" onClick=${leave}>${t("logout")}</button>
      <button class="button ghost" onClick=${shut}>${t("close")}</button>
    </${Sheet}>`;
}

/** A dialog at the lower edge, within reach of a thumb. */
export function Sheet({ title, shut, children }) {
  const element = useRef(null);
  useEffect(() => {
    element.current.showModal();
  }, []);
  return html`
    <dialog ref=${element} class="dialog sheet" onClose=${shut} onClick=${(event) => event.target === element.current && shut()} aria-label=${title}>
      <div class="dialog-body"><h2>${title}</h2>${children}</div>
    </dialog>`;
}

function SignIn() {
  const why = useApp((s) => s.problem?.kind);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    setBusy(true);
    setProblem(null);
    try {
      await signIn(String(form.get("token")));
    } catch (error) {
      setProblem(error.status === 401 ? t(`field.out.${error.kind}`) : words(error));
      setBusy(false);
    }
  }
  return html`
    <div class="login">
      <form class="login-card" onSubmit=${submit}>
        <div class="login-head"><${Icon} name="logo" /><h1>${t("field.title")}</h1></div>
        ${why && !problem ? html`<p class="login-problem ${why === "signed-out" ? "soft" : ""}" role="status" data-out=${why}>${t(`field.out.${why}`)}</p>` : null}
        <label>${t("field.token")}<input name="token" type="password" autocomplete="off" autocapitalize="none" spellcheck=${false} required maxlength="500" /></label>
        ${problem ? html`<p class="login-problem" role="alert">${problem}</p>` : null}
        <button class="button primary" disabled=${busy}>${t("field.sign_in")}</button>
        <p class="none">${t("field.token.hint")}</p>
        <div class="login-foot"><span>${t("login.note")}</span><${LanguageSwitch} /></div>
      </form>
    </div>`;
}
