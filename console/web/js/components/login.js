import { api } from "../api.js";
import { html, useEffect, useState } from "../lib.js";
import { signIn, signOut } from "../session.js";
import { get, useApp } from "../state.js";
import { t } from "../words.js";
import { Password } from "./dialogs.js";
import { Icon } from "./icon.js";
import { LanguageSwitch } from "./topbar.js";

const SAID = { "wrong-credentials": "login.wrong", "account-locked": "login.limited", "too-many-attempts": "login.limited", unreachable: "login.unreachable" };

/** Why the provider's log-in came to nothing, as the address says it (`console/routes/sign_on.py`). */
const CAME_BACK = { failed: "login.oidc.failed", "no-role": "login.oidc.no_role", unreachable: "login.oidc.unreachable" };

/** Said once: the address is clean afterwards. */
function cameBack() {
  const why = CAME_BACK[new URLSearchParams(location.search).get("login") ?? ""];
  if (why) history.replaceState(null, "", location.pathname + location.hash);
  return why ?? null;
}

export function Login() {
  const ended = useApp((s) => s.problem?.kind === "ended");
  const [problem, setProblem] = useState(() => {
    const why = cameBack();
    return why ? t(why) : null;
  });
  const [busy, setBusy] = useState(false);
  const [oidc, setOidc] = useState(null);
  useEffect(() => {
    api("/session/ways", { quiet: true }).then((ways) => setOidc(ways.oidc), () => {}); // the password is always a way
  }, []);

  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    setBusy(true);
    setProblem(null);
    try {
      await signIn(String(form.get("username")).trim(), form.get("password"));
    } catch (error) {
      setProblem(SAID[error.kind] ? t(SAID[error.kind]) : error.message);
      setBusy(false);
    }
  }

  return html`
    <div class="login">
      <${Hills} />
      <form class="login-card" onSubmit=${submit}>
        <div class="login-head"><${Icon} name="logo" /><h1>${t("product")}</h1></div>
        ${ended && !problem ? html`<p class="login-problem soft" role="status">${t("login.ended")}</p>` : null}
        <label>${t("login.name")}<input name="username" autocomplete="username" autocapitalize="none" required autofocus /></label>
        <label>${t("login.password")}<input name="password" type="password" autocomplete="current-password" required /></label>
        ${problem ? html`<p class="login-problem" role="alert">${problem}</p>` : null}
        <button class="button primary" disabled=${busy}>${t("login.submit")}</button>
        ${oidc ? html`<a class="button" data-oidc href="/api/v1/session/oidc">${t("login.oidc", { name: oidc.label })}</a>` : null}
        <div class="login-foot"><span>${t("login.note")}</span><${LanguageSwitch} /></div>
      </form>
    </div>`;
}

/** Somebody else knows this password: nothing is shown before it is changed. */
export function MustChange() {
  return html`
    <div class="login">
      <${Hills} />
      <div class="login-card">
        <div class="login-head"><${Icon} name="logo" /><h1>${t("password.change")}</h1></div>
        <p class="login-problem soft" role="status">${t("password.must")}</p>
        <${Password} close=${() => get().session?.must_change && signOut()} />
      </div>
    </div>`;
}

const Hills = () => html`
    <svg class="login-hills" viewBox="0 0 1600 500" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      <path class="far" d="M0 260 180 190 300 235 470 120 640 230 800 160 960 240 1130 110 1300 225 1450 170 1600 240V500H0z" />
      <path class="middle" d="M0 340 150 290 330 350 520 240 700 345 900 270 1080 350 1290 255 1440 330 1600 280V500H0z" />
      <path class="near" d="M0 430 220 370 420 430 640 350 860 435 1100 370 1330 440 1600 375V500H0z" />
    </svg>`;
