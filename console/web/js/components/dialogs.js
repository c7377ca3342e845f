import { notify, words } from "../duty.js";
import { html, useEffect, useRef, useState } from "../lib.js";
import { changePassword, signOut } from "../session.js";
import { set, useApp } from "../state.js";
import { t } from "../words.js";

const shut = () => set({ dialog: null });

export function Dialogs() {
  const name = useApp((s) => s.dialog);
  if (name === "help") return html`<${Dialog} title=${t("help")}><${Help} /></${Dialog}>`;
  if (name === "account") return html`<${Dialog} title=${t("account")}><${Account} /></${Dialog}>`;
  if (name === "password") return html`<${Dialog} title=${t("password.change")}><${Password} /></${Dialog}>`;
  return null;
}

function Dialog({ title, children }) {
  const element = useRef(null);
  useEffect(() => {
    element.current.showModal();
  }, []);
  const outside = (event) => event.target === element.current && shut();
  return html`
    <dialog ref=${element} class="dialog" onClose=${shut} onClick=${outside} aria-label=${title}>
      <div class="dialog-body"><h2>${title}</h2>${children}</div>
    </dialog>`;
}

const KEYS = [
  [["↑", "↓"], "key.next"],
  [["C"], "key.confirm"],
  [["X", "1–8"], "key.false"],
  [["B"], "key.burn"],
  [["S"], "key.smoke"],
  [["N"], "key.step"],
  [["A"], "key.take"],
  [["H"], "key.hand_over"],
  [["U"], "key.undo"],
  [["Z"], "key.zoom"],
  [["V"], "key.boxes"],
  [["R"], "key.clip"],
  [["D"], "key.compare"],
  [["L"], "key.now"],
  [["M"], "key.silence"],
  [["P"], "key.sound"],
  [["Esc"], "key.escape"],
  [["?"], "key.help"],
];

function Help() {
  return html`
    <dl class="keys">
      ${KEYS.map(([keys, what]) => html`<div key=${what}><dt>${keys.map((one) => html`<kbd key=${one}>${one}</kbd>`)}</dt><dd>${t(what)}</dd></div>`)}
    </dl>
    <button class="button" onClick=${shut}>${t("close")}</button>`;
}

function Account() {
  const session = useApp((s) => s.session);
  return html`
    <p class="account"><strong>${session.username}</strong> · ${t(`role.${session.role}`)}</p>
    ${session.must_change ? html`<p class="login-problem soft">${t("password.must")}</p>` : null}
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
