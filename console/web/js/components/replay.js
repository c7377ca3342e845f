// A past incident as it was seen: what the cameras showed, what became known, and what was done, on one clock.
import { html, useEffect, useState } from "../lib.js";
import { useApp } from "../state.js";
import { moment } from "../time.js";
import { machineWords, t } from "../words.js";

const SPEEDS = [1, 10, 60];
const STEP_MS = 200;
const LEAD_MS = 20000; // a little of the quiet before

const ms = (text) => new Date(text).getTime();

/** Everything that happened, oldest first: `{ at, kind, text, who }`, times in ms. */
export function story(detail) {
  const seen = detail.sightings.flatMap((one) => [
    { at: ms(one.first_seen_at), kind: "seen", text: t("replay.first_seen", { camera: one.camera_name }), who: "" },
    { at: ms(one.confirmed_at), kind: "confirmed", text: t("replay.confirmed", { camera: one.camera_name, n: Math.round(one.confidence * 100) }), who: "" },
  ]);
  const told = detail.deliveries
    .filter((one) => one.acknowledged_at)
    .map((one) => ({ at: ms(one.acknowledged_at), kind: "received", text: t("replay.told", { target: one.target_name, n: one.sequence }), who: "" }));
  const done = detail.history.map((one) => {
    const machine = one.who === "machine";
    const why = machine ? machineWords(one.why).text : one.why;
    return { at: ms(one.at), kind: one.action, text: [t(`action.${one.action}`), why].filter(Boolean).join(" · "), who: machine ? t("machine") : one.who, status: one.status_after };
  });
  return [...seen, ...told, ...done].sort((a, b) => a.at - b.at);
}

/** The picture that was the newest at a moment, of those that are kept. */
export function pictureAt(evidence, at) {
  const pictures = evidence.filter((one) => one.media_type === "image/jpeg" && one.kind !== "thumbnail").sort((a, b) => ms(a.captured_at) - ms(b.captured_at));
  return pictures.filter((one) => ms(one.captured_at) <= at).at(-1);
}

export function Replay() {
  const id = useApp((s) => s.selected);
  const detail = useApp((s) => s.details.get(id));
  if (!detail) return html`<div class="empty"><div class="spinner"></div></div>`;
  return html`<${Player} key=${id} detail=${detail} />`;
}

function Player({ detail }) {
  const events = story(detail);
  const begins = events[0].at - LEAD_MS;
  const ends = events.at(-1).at;
  const [at, setAt] = useState(begins);
  const [speed, setSpeed] = useState(10);
  const [running, run] = useState(true);

  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => setAt((before) => Math.min(ends, before + STEP_MS * speed)), STEP_MS);
    return () => clearInterval(timer);
  }, [running, speed, ends]);
  useEffect(() => {
    if (at >= ends) run(false);
  }, [at, ends]);

  const known = events.filter((one) => one.at <= at);
  const status = known.filter((one) => one.status).at(-1)?.status;
  const picture = pictureAt(detail.evidence, at);
  const again = () => {
    if (at >= ends) setAt(begins);
    run(!running);
  };
  return html`
    <div class="replay" data-replay=${running ? "running" : "standing"}>
      <div class="replay-picture">${picture ? html`<img src=${picture.url} alt=${t("picture.taken", { time: moment(picture.captured_at) })} />` : html`<div class="empty">${t("replay.no_picture")}</div>`}</div>
      <div class="replay-side">
        <p><strong>${moment(new Date(at).toISOString())}</strong> ${status ? html`<span class=${`tag status-${status}`}>${t(`status.${status}`)}</span>` : html`<span class="tag">${t("replay.quiet")}</span>`}</p>
        <ol class="history" aria-live="off">
          ${[...known].reverse().map((one, index) => html`<li key=${`${one.at}-${known.length - index}`} class=${one.kind}><time>${moment(new Date(one.at).toISOString())}</time><span class="what">${one.text}</span><span class="who">${one.who}</span></li>`)}
        </ol>
      </div>
      <div class="replay-bar">
        <button class="button small" onClick=${again}>${t(running ? "replay.pause" : "replay.play")}</button>
        <input type="range" min=${begins} max=${ends} step="1000" value=${at} aria-label=${t("replay.time")} onInput=${(event) => setAt(Number(event.target.value))} />
        ${SPEEDS.map((one) => html`<button key=${one} class=${`chip ${speed === one ? "chosen" : ""}`} aria-pressed=${speed === one} onClick=${() => setSpeed(one)}>${one}×</button>`)}
      </div>
    </div>`;
}
