// Who has it in hand, what is waited for, and what happens by itself when nobody acts.
import { mayDecide, takeStep } from "../duty.js";
import { keyName, own } from "../keys.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../lib.js";
import { set, useApp } from "../state.js";
import { clock, now, span, useTick } from "../time.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

export function Response({ summary, detail }) {
  const [asking, ask] = useState(false);
  const me = useApp((s) => s.session?.username);
  const { acknowledged_by: who, acknowledged_at: at, assigned_to: to, accepted_by: accepted, called, repeats } = summary.response;
  const open = !["dismissed", "closed"].includes(summary.status);
  const take = () => takeStep({ step: "acknowledge" });

  useLayoutEffect(() => {
    if (!mayDecide() || !open || asking) return undefined;
    return own({ ...(who ? {} : { KeyA: take }), KeyH: () => ask(true) });
  }, [open, who, asking]);

  if (!open) return null;
  return html`
    <div class="response" data-response=${summary.status}>
      ${detail?.clock ? html`<${Countdown} clock=${detail.clock} called=${called} />` : null}
      <span class="response-who"><${Icon} name="person" />${who ? html`<b>${who}</b> ${t("response.took", { time: clock(new Date(at)) })}` : t("response.nobody")}</span>
      ${to ? html`<span class="response-who">→ <b>${to}</b></span>` : null}
      ${accepted ? html`<span class="response-who good"><${Icon} name="check" />${t("response.accepted", { who: accepted })}</span>` : called ? html`<span class="response-who warn"><${Icon} name="phone" />${t("response.called", { level: t(`level.${called}`) })}</span>` : null}
      ${repeats ? html`<small>${t("response.repeats", { n: repeats })}</small>` : null}
      <span class="spring"></span>
      ${mayDecide()
        ? asking
          ? html`<${HandOver} me=${me} close=${() => ask(false)} />`
          : html`
              ${who ? null : html`<button class="button small primary" onClick=${take}>${t("response.take")}<kbd>${keyName("KeyA")}</kbd></button>`}
              <button class="button small" onClick=${() => ask(true)}>${t("response.hand_over")}<kbd>${keyName("KeyH")}</kbd></button>
              <${More} several=${(detail?.sightings.length ?? 0) > 1} />`
        : null}
    </div>`;
}

/** What is done seldom. */
function More({ several }) {
  const open = (dialog) => (event) => {
    event.currentTarget.closest("details").open = false;
    set({ dialog });
  };
  return html`
    <details class="more">
      <summary class="button small" aria-label=${t("decide.more")}>⋯</summary>
      <div class="menu">
        <button class="button" onClick=${open("merge")}>${t("merge")}</button>
        <button class="button" disabled=${!several} onClick=${open("split")}>${t("split")}</button>
      </div>
    </details>`;
}

export function Countdown({ clock: running, called }) {
  useTick(500);
  const left = (new Date(running.due_at).getTime() - now().getTime()) / 1000;
  const share = Math.max(0, Math.min(1, left / Math.max(1, (new Date(running.due_at).getTime() - new Date(running.set_at).getTime()) / 1000)));
  const text = t(`clock.${running.kind}`, { level: called ? t(`level.${called}`) : "" });
  return html`
    <span class=${`countdown ${left < 15 ? "urgent" : ""}`} data-clock=${running.kind} title=${t(`clock.${running.kind}.then`)} role="timer">
      <${Icon} name="clock" /><b>${text}</b> ${left > 0 ? minutes(left) : t("clock.over")}
      <small>${t(`clock.${running.kind}.then`)}</small>
      <i style=${{ width: `${share * 100}%` }}></i>
    </span>`;
}

function minutes(seconds) {
  if (seconds >= 3600) return span(seconds);
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function HandOver({ close }) {
  const field = useRef(null);
  useEffect(() => field.current?.focus(), []);
  useLayoutEffect(() => own({ Escape: close }), []);
  async function submit(event) {
    event.preventDefault();
    const to = field.current.value.trim();
    if (to && (await takeStep({ step: "assign", to }))) close();
  }
  return html`
    <form class="hand-over" onSubmit=${submit}>
      <input ref=${field} maxlength="128" required aria-label=${t("response.hand_over.to")} placeholder=${t("response.hand_over.to")} />
      <button class="button small primary">${t("response.hand_over")}<kbd>⏎</kbd></button>
      <button type="button" class="button small ghost" onClick=${close}>${t("cancel")}<kbd>Esc</kbd></button>
    </form>`;
}
