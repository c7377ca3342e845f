// Accounts, tokens, receivers of alerts, rosters, models, configuration, audit. For administrators; supervisors
// have the rosters.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { notify, words } from "../duty.js";
import { html, useState } from "../lib.js";
import { useApp } from "../state.js";
import { addDays, dayStart, moment, now, today } from "../time.js";
import { t } from "../words.js";
import { Configuration } from "./admin_configuration.js";
import { Models } from "./admin_models.js";
import { Receivers } from "./admin_receivers.js";
import { Rosters } from "./admin_rosters.js";
import { Icon } from "./icon.js";
import { DayField } from "./time_fields.js";
import { Unanswered } from "./unanswered.js";

const ROLES = ["viewer", "operator", "supervisor", "admin"];

export function Admin() {
  const role = useApp((s) => s.session?.role);
  if (role === "supervisor") return html`<main class="page admin" data-page="admin"><${Rosters} /></main>`;
  if (role !== "admin") return html`<main class="page" data-page="admin"><div class="panel empty"><strong>${t("admin.only")}</strong></div></main>`;
  return html`<main class="page admin" data-page="admin"><${Accounts} /><${Tokens} /><${Receivers} /><${Rosters} /><${Models} /><${Configuration} /><${Audit} /></main>`;
}

function Accounts() {
  const me = useApp((s) => s.session?.username);
  const answer = useAnswer("/users");
  const { found: users, load } = answer;
  const [told, tell] = useState(null); // the password that is shown once

  async function act(path, options) {
    try {
      const answer = await api(path, options);
      tell(answer?.password ? { name: answer.user.username, password: answer.password } : null);
      await load();
      return true;
    } catch (error) {
      notify(words(error), "bad");
      return false;
    }
  }

  async function create(event) {
    event.preventDefault();
    const form = event.target;
    const made = Object.fromEntries(new FormData(form));
    if (await act("/users", { method: "POST", body: { username: String(made.username).trim(), role: made.role } })) form.reset();
  }

  const path = (user) => `/users/${encodeURIComponent(user.username)}`;
  return html`
    <section class="panel" aria-label=${t("admin.users")}>
      <div class="stage-head"><h1>${t("admin.users")}</h1></div>
      <${Unanswered} of=${answer} />
      ${told ? html`<p class="told" role="status">${t("admin.password", { name: told.name })} <code>${told.password}</code> <small>${t("admin.password.once")}</small></p>` : null}
      <table>
        <thead><tr><th>${t("login.name")}</th><th>${t("admin.role")}</th><th>${t("admin.last")}</th><th>${t("admin.state")}</th><th></th></tr></thead>
        <tbody>
          ${(users ?? []).map(
            (user) => html`
              <tr key=${user.username} data-user=${user.username}>
                <td>${user.username}</td>
                <td>${t(`role.${user.role}`)}</td>
                <td>${user.last_login_at ? moment(user.last_login_at) : "–"}</td>
                <td>${user.active ? (user.locked_until ? t("admin.locked") : user.must_change ? t("admin.first") : t("admin.active")) : t("admin.inactive")}</td>
                <td class="row right">
                  <button class="button small" onClick=${() => act(`${path(user)}/password`, { method: "POST" })}>${t("admin.reset")}</button>
                  ${user.username === me ? null : html`<button class="button small" onClick=${() => act(path(user), { method: "PATCH", body: { active: !user.active } })}>${t(user.active ? "admin.off" : "admin.on")}</button>`}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
      <form class="row new-user" onSubmit=${create}>
        <label>${t("login.name")}<input name="username" required maxlength="64" autocomplete="off" /></label>
        <label>${t("admin.role")}<select name="role">${ROLES.map((name) => html`<option key=${name} value=${name} selected=${name === "operator"}>${t(`role.${name}`)}</option>`)}</select></label>
        <button class="button primary">${t("admin.create")}</button>
      </form>
    </section>`;
}

/** Who decided what, as a file. */
function Audit() {
  const [days, setDays] = useState(() => ({ from: addDays(today(), -30), to: today() }));
  const question = new URLSearchParams({ since: dayStart(days.from).toISOString(), until: dayStart(addDays(days.to, 1)).toISOString() });
  return html`
    <section class="panel" aria-label=${t("admin.audit")}>
      <div class="stage-head"><h1>${t("admin.audit")}</h1><span class="place">${t("admin.audit.what")}</span></div>
      <div class="row new-user">
        <${DayField} label=${t("records.from")} value=${days.from} max=${days.to} change=${(from) => setDays({ ...days, from })} />
        <${DayField} label=${t("records.to")} value=${days.to} min=${days.from} change=${(to) => setDays({ ...days, to })} />
        <a class="button" href=${`/api/v1/records/history?${question}`} download>${t("admin.audit.incidents")} CSV</a>
        <a class="button" href=${`/api/v1/records/audit?${question}`} download>${t("admin.audit.administration")} CSV</a>
      </div>
    </section>`;
}

/** Tokens with which responders and their systems report, and workers on hill boxes; limited to areas or to
 * cameras, and for a time. */
function Tokens() {
  const answer = useAnswer("/tokens");
  const { found: tokens, load } = answer;
  const [told, tell] = useState(null); // the secret that is shown once
  const [role, setRole] = useState("responder");

  async function create(event) {
    event.preventDefault();
    const form = event.target;
    const made = Object.fromEntries(new FormData(form));
    const limits = String(made.limits).split(/[\s,，、]+/).filter(Boolean);
    const limited = role === "machine" ? { camera_ids: limits } : { area_codes: limits };
    try {
      const answer = await api("/tokens", { method: "POST", body: { name: String(made.name).trim(), role, ...limited, days: Number(made.days) } });
      tell({ name: answer.token.name, secret: answer.secret, link: answer.link });
      form.reset();
      setRole("responder");
      await load();
    } catch (error) {
      notify(words(error), "bad");
    }
  }

  const copy = (text) => navigator.clipboard?.writeText(text).then(() => notify(t("admin.token.copied")), () => null);

  async function revoke(id) {
    try {
      await api(`/tokens/${id}`, { method: "DELETE" });
      await load();
    } catch (error) {
      notify(words(error), "bad");
    }
  }

  const limitsOf = (one) => (one.role === "machine" ? one.camera_ids.join(", ") || t("admin.token.every_camera") : one.area_codes.join(", ") || t("admin.token.everywhere"));
  const over = (one) => one.revoked_at || new Date(one.expires_at) < now();
  return html`
    <section class="panel" aria-label=${t("admin.tokens")}>
      <div class="stage-head"><h1>${t("admin.tokens")}</h1><span class="place">${t("admin.tokens.what")}</span></div>
      <${Unanswered} of=${answer} />
      ${told ? html`<p class="told" role="status">${t("admin.token.secret", { name: told.name })} <code data-secret>${told.secret}</code> <small>${t("admin.token.once")}</small>${told.link ? html`<br />${t("admin.token.link")} <code data-link>${told.link}</code> <button class="icon-button" aria-label=${t("copy")} onClick=${() => copy(told.link)}><${Icon} name="copy" /></button>` : null}</p>` : null}
      <table>
        <thead><tr><th>${t("admin.token.name")}</th><th>${t("admin.role")}</th><th>${t("admin.token.limits")}</th><th>${t("admin.token.by")}</th><th>${t("admin.token.until")}</th><th>${t("admin.state")}</th><th></th></tr></thead>
        <tbody>
          ${(tokens ?? []).map(
            (one) => html`
              <tr key=${one.token_id} data-token=${one.token_id}>
                <td>${one.name}</td><td>${t(`token.${one.role}`)}</td><td>${limitsOf(one)}</td><td>${one.created_by}</td><td>${moment(one.expires_at)}</td>
                <td>${one.revoked_at ? t("admin.token.revoked") : over(one) ? t("admin.token.over") : t("admin.active")}</td>
                <td class="row right">${over(one) ? null : html`<button class="button small" onClick=${() => revoke(one.token_id)}>${t("admin.token.revoke")}</button>`}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${tokens && !tokens.length ? html`<p class="none">${t("admin.token.none")}</p>` : null}
      <form class="row new-user" onSubmit=${create}>
        <label>${t("admin.token.name")}<input name="name" required maxlength="64" autocomplete="off" /></label>
        <label>${t("admin.role")}<select name="role" onChange=${(event) => setRole(event.target.value)}>${["responder", "machine"].map((name) => html`<option key=${name} value=${name} selected=${name === role}>${t(`token.${name}`)}</option>`)}</select></label>
        <label>${t(role === "machine" ? "admin.token.cameras" : "admin.token.areas")}<input name="limits" placeholder=${t(role === "machine" ? "admin.token.every_camera" : "admin.token.everywhere")} autocomplete="off" /></label>
        <label class="short">${t("admin.token.days")}<input name="days" type="number" min="1" max="3660" defaultValue="365" required /></label>
        <button class="button primary">${t("admin.token.create")}</button>
      </form>
    </section>`;
}
