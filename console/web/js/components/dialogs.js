import { notify, words } from "../duty.js";
import { keyName, KEYS, remap, remapped, resetKeys } from "../keys.js";
import { notificationState, switchNotification } from "../notification.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { changePassword, signOut } from "../session.js";
import { set, useApp } from "../state.js";
import { t } from "../words.js";
import { Merge, Split } from "./regroup.js";
import { Replay } from "./replay.js";

const shut = () => set({ dialog: null });

export function Dialogs() {
  const name = useApp((s) => s.dialog);
  if (name === "help") return html`<${Dialog} title=${t("help")}><${Help} /></${Dialog}>`;
  if (name === "account") return html`<${Dialog} title=${t("account")}><${Account} /></${Dialog}>`;
  if (name === "password") return html`<${Dialog} title=${t("password.change")}><${Password} /></${Dialog}>`;
  if (name === "replay") return html`<${Dialog} title=${t("replay")} wide=${true}><${Replay} /></${Dialog}>`;
  if (name === "merge") return html`<${Dialog} title=${t("merge")}><${Merge} /></${Dialog}>`;
  if (name === "split") return html`<${Dialog} title=${t("split")}><${Split} /></${Dialog}>`;
  return null;
}

function Dialog({ title, wide = false, children }) {
  const element = useRef(null);
  useEffect(() => {
    element.current.showModal();
  }, []);
  const outside = (event) => event.target === element.current && shut();
  return html`
    <dialog ref=${element} class=${`dialog ${wide ? "wide" : ""}`} onClose=${shut} onClick=${outside} aria-label=${title}>
      <div class="dialog-body"><h2>${title}</h2>${children}</div>
    </dialog>`;
}

function Help() {
  const [asking, ask] = useState(null); // the key that is being replaced
  const [, redraw] = useState(0);
  useLayoutEffect(() => {
    if (!asking) return undefined;
    const replace = (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.code !== "Escape") remap(asking, event.code);
      ask(null);
    };
    addEventListener("keydown", replace, { capture: true });
    return () => removeEventListener("keydown", replace, { capture: true });
  }, [asking]);
  const reset = () => {
    resetKeys();
    redraw((n) => n + 1);
  };
  return html`
    <dl class="keys">
      ${KEYS.map(
        ([codes, what, fixed]) => html`
          <div key=${what}>
            <dt>${codes.map((code) =>
              fixed
                ? html`<kbd key=${code}>${code}</kbd>`
                : html`<button key=${code} class=${`key ${asking === code ? "asking" : ""}`} title=${t("key.change")} onClick=${() => ask(code)}><kbd>${asking === code ? "…" : keyName(code)}</kbd></button>`,
            )}${what === "key.false" ? html`<kbd>1–8</kbd>` : null}</dt>
            <dd>${t(what)}</dd>
          </div>`,
      )}
    </dl>
    <p class="none">${t(asking ? "key.press" : "key.change.hint")}</p>
    <div class="row">
      ${remapped() ? html`<button class="button" onClick=${reset}>${t("key.reset")}</button>` : null}
      <button class="button" onClick=${shut}>${t("close")}</button>
    </div>`;
}

function Account() {
  const session = useApp((s) => s.session);
  const [desktop, tell] = useState(notificationState());
  const usable = desktop === "on" || desktop === "off";
  return html`
    <p class="account"><strong>${session.username}</strong> · ${t(`role.${session.role}`)}</p>
    ${session.must_change ? html`<p class="login-problem soft">${t("password.must")}</p>` : null}
    <label class="check">
      <input type="checkbox" checked=${desktop === "on"} disabled=${!usable} onChange=${async () => tell(await switchNotification())} />
      ${t("notification")}${usable ? null : html` <small>${t(`notification.${desktop}`)}</small>`}
    </label>
    <div class="row">
      <button class="button" onClick=${() => set({ dialog: "password" })}>${t("password.change")}</button>
      <button class="button" onClick=${signOut}>${t("logout")}</button>
      <button class="button ghost" onClick=${shut}>${t("close")}</button>
    </div>`;
}

export function Password({ close = shut }) {
  const [problem, setProblem] = useState(null);
  async function submit(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    if (form.get("new") !== form.get("again")) {
      setProblem(t("password.differ"));
      return;
    }
    try {
      await changePassword(form.get("old"), form.get("new"));
      notify(t("password.done"));
      close();
    } catch (error) {
      setProblem(words(error));
    }
  }
  return html`
    <form class="stack" onSubmit=${submit}>
      <label>${t("password.old")}<input name="old" type="password" autocomplete="current-password" required /></label>
      <label>${t("password.new")}<input name="new" type="password" autocomplete="new-password" minlength="10" required /></label>
      <label>${t("password.again")}<input name="again" type="password" autocomplete="new-password" minlength="10" required /></label>
      ${problem ? html`<p class="login-problem" role="alert">${problem}</p>` : null}
      <div class="row"><button class="button primary">${t("save")}</button><button type="button" class="button ghost" onClick=${close}>${t("cancel")}</button></div>
    </form>`;
}
