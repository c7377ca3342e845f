// The verdict: one key, or two for a false alarm and its cause. What was decided can be taken back for 10 s.
import { decide, mayDecide, tabOf } from "../duty.js";
import { CAUSES, keyName, own } from "../keys.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { useApp } from "../state.js";
import { t } from "../words.js";
import { Status } from "./queue.js";

const STEPS = { confirmed: "dispatch", dispatched: "arrive", on_scene: "control", controlled: "close" };

export function Decisions({ summary, detail }) {
  const [asking, ask] = useState(null); // null | cause | why
  const [busy, setBusy] = useState(false);
  const role = useApp((s) => s.session?.role);
  const open = tabOf(summary) !== "ended"; // known before the details have arrived: keys never wait
  const step = STEPS[summary.status];

  async function send(decision) {
    if (busy) return;
    setBusy(true);
    await decide(decision);
    setBusy(false);
    ask(null);
  }

  const dismiss = (verdict, cause, why = "") => send({ action: "dismiss", verdict, cause, why });
  const chooseCause = (cause) => (cause === "other" ? ask({ verdict: "false_alarm", cause }) : dismiss("false_alarm", cause));

  // Before the next event is handled: whoever types X 3 quickly means both.
  useLayoutEffect(() => {
    if (!mayDecide() || busy) return undefined;
    if (asking === "cause") {
      const keys = Object.fromEntries(CAUSES.map((cause, index) => [`Digit${index + 1}`, () => chooseCause(cause)]));
      return own({ ...keys, Escape: () => ask(null) });
    }
    if (asking) return own({ Escape: () => ask(null) });
    return own({
      ...(summary.status === "suspected" ? { KeyC: () => send({ action: "confirm" }) } : {}),
      ...(open ? { KeyX: () => ask("cause"), KeyB: () => dismiss("permitted_burn"), KeyS: () => dismiss("other_smoke") } : {}),
      ...(step ? { KeyN: () => send({ action: step }) } : {}),
    });
  }, [asking, busy, open, step, summary.status, summary.version]);

  if (!["operator", "supervisor", "admin"].includes(role)) return html`<div class="decisions note">${t("decide.read_only")}</div>`;
  if (asking === "cause") return html`<${Causes} choose=${chooseCause} back=${() => ask(null)} />`;
  if (asking) return html`<${Why} question=${asking} send=${send} back=${() => ask(null)} />`;
  if (!open) {
    const mayReopen = role !== "operator" && detail?.allowed_actions.includes("reopen");
    return html`
      <div class="decisions note">
        <${Status} incident=${summary} />
        ${mayReopen ? html`<button class="button" onClick=${() => ask({ reopen: true })}>${t("action.reopen")}</button>` : null}
      </div>`;
  }
  return html`
    <div class="decisions">
      ${summary.status === "suspected"
        ? html`<button class="button decide confirm" disabled=${busy} onClick=${() => send({ action: "confirm" })}>${t("decide.confirm")}<kbd>${keyName("KeyC")}</kbd></button>`
        : html`<button class="button decide step" disabled=${busy} onClick=${() => send({ action: step })}>${t(`action.${step}`)}<kbd>${keyName("KeyN")}</kbd></button>`}
      <button class="button decide" disabled=${busy} onClick=${() => ask("cause")}>${t("decide.false")}<kbd>${keyName("KeyX")}</kbd></button>
      <button class="button decide" disabled=${busy} onClick=${() => dismiss("permitted_burn")}>${t("decide.burn")}<kbd>${keyName("KeyB")}</kbd></button>
      <button class="button decide" disabled=${busy} onClick=${() => dismiss("other_smoke")}>${t("decide.smoke")}<kbd>${keyName("KeyS")}</kbd></button>
    </div>`;
}

function Causes({ choose, back }) {
  return html`
    <div class="decisions causes" role="group" aria-label=${t("decide.cause")}>
      <p><b>${t("decide.cause")}</b><small>${t("decide.cause.hint")}</small></p>
      ${CAUSES.map(
        (cause, index) => html`<button key=${cause} class="button decide" onClick=${() => choose(cause)}>${t(`cause.${cause}`)}<kbd>${index + 1}</kbd></button>`,
      )}
      <button class="button ghost" onClick=${back}>${t("decide.back")}<kbd>Esc</kbd></button>
    </div>`;
}

function Why({ question, send, back }) {
  const field = useRef(null);
  useEffect(() => field.current?.focus(), []);
  function submit(event) {
    event.preventDefault();
    const why = field.current.value.trim();
    if (!why) return;
    send(question.reopen ? { action: "reopen", why } : { action: "dismiss", ...question, why });
  }
  return html`
    <form class="decisions why" onSubmit=${submit}>
      <label>${t(question.reopen ? "decide.why.reopen" : "decide.why")}
        <input ref=${field} maxlength="500" required placeholder=${question.reopen ? "" : t("decide.why.placeholder")} />
      </label>
      <button class="button primary">${t("decide.submit")}<kbd>⏎</kbd></button>
      <button type="button" class="button ghost" onClick=${back}>${t("decide.back")}<kbd>Esc</kbd></button>
    </form>`;
}
