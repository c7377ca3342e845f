// The alarm: rings, flashes title and icon while a fire waits for a person, and never gives up before somebody
// acts. It rings at once; louder when nobody took the fire in hand in time; after half an hour it repeats at a
// lower rate, because what rings for ever without a pause gets its plug pulled. Taking a fire in hand quietens
// it until a verdict is overdue. Each workstation switches its own sound; silencing pauses what rings now.
import { queue } from "./duty.js";
import { get, set, subscribe } from "./state.js";
import { t } from "./words.js";

const BEAT_MS = 1000;
const SILENT_FOR_MS = 5 * 60000;
const LONG_MS = 30 * 60000;

/** How an alarm sounds, the least insistent first; `every` so many beats. */
const LOUDNESS = {
  remind: { every: 30, volume: 0.25, twice: false },
  ring: { every: 3, volume: 0.25, twice: false },
  urgent: { every: 3, volume: 0.5, twice: true },
};
const ORDER = Object.keys(LOUDNESS);

let audio = null;
let flash = false;
let beats = 0;

/**
 * How loudly an incident calls for a person; null when it does not.
 * @param {any} incident
 * @param {number} now the centre's time in ms
 * @param {{ acknowledge_s: number, judge_s: number }} patience what the deployment gives people
 * @returns {"ring" | "urgent" | "remind" | null}
 */
export function loudness(incident, now, patience) {
  const { acknowledged_at: taken } = incident.response;
  if (taken) return now - new Date(taken).getTime() > patience.judge_s * 1000 ? "remind" : null;
  const waited = now - new Date(incident.raised_at).getTime();
  if (waited > LONG_MS) return "remind";
  return waited > patience.acknowledge_s * 1000 ? "urgent" : "ring";
}

/** What calls for a person here and now, without what is silenced. */
export function waiting(s = get()) {
  const now = Date.now() + s.clockOffsetMs;
  return queue(s.incidents, "suspected").filter(
    (one) => !((s.alarm.silencedUntil.get(one.incident_id) ?? 0) > Date.now()) && loudness(one, now, s.deployment.patience),
  );
}

export function startAlarm() {
  const on = localStorage.getItem("firewatch.sound") !== "off";
  set((s) => ({ alarm: { ...s.alarm, on } }));
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, unlock, { capture: true });
  setInterval(beat, BEAT_MS);
  subscribe(() => {
    if (!get().alarm.loudness && calling().length) beat();
  });
}

export function switchSound() {
  const on = !get().alarm.on;
  localStorage.setItem("firewatch.sound", on ? "on" : "off");
  set((s) => ({ alarm: { ...s.alarm, on } }));
}

export function silence() {
  const until = Date.now() + SILENT_FOR_MS;
  const now = waiting().map((one) => /** @type {[string, number]} */ ([one.incident_id, until]));
  set((s) => ({ alarm: { ...s.alarm, silencedUntil: new Map([...s.alarm.silencedUntil, ...now]) } }));
}

function unlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  if (get().alarm.blocked) set((s) => ({ alarm: { ...s.alarm, blocked: false } }));
}

const calling = () => (get().phase === "ready" ? waiting() : []);

function beat() {
  const alarms = calling();
  const now = Date.now() + get().clockOffsetMs;
  const all = alarms.map((one) => ORDER.indexOf(loudness(one, now, get().deployment.patience) ?? ""));
  const loudest = ORDER[Math.max(-1, ...all)] ?? null;
  if (loudest !== get().alarm.loudness) {
    beats = 0; // what became more insistent is heard now
    set((s) => ({ alarm: { ...s.alarm, loudness: loudest } }));
  }
  if (!loudest) {
    if (flash || document.title !== calmTitle()) calm();
    return;
  }
  flash = !flash;
  document.title = flash ? t("title.alarm", { n: alarms.length }) : calmTitle();
  icon(flash ? "alarm" : "calm");
  if (beats++ % LOUDNESS[loudest].every === 0) ring(LOUDNESS[loudest], alarms.some((one) => one.label === "fire"));
}

const calmTitle = () => get().deployment?.name || t("product");

function calm() {
  flash = false;
  document.title = calmTitle();
  icon("calm");
}

function icon(name) {
  document.getElementById("favicon")?.setAttribute("href", `/web/icons/${name}.svg`);
}

function ring({ volume, twice }, fire) {
  if (!get().alarm.on) return;
  if (!audio || audio.state !== "running") {
    if (!get().alarm.blocked) set((s) => ({ alarm: { ...s.alarm, blocked: true } }));
    return;
  }
  const notes = fire ? [880, 660, 880, 660] : [660, 880];
  [...notes, ...(twice ? notes : [])].forEach((pitch, index) => tone(pitch, index * 0.22, volume));
}

function tone(pitch, after, loud) {
  const start = audio.currentTime + after;
  const source = new OscillatorNode(audio, { type: "triangle", frequency: pitch });
  const volume = new GainNode(audio, { gain: 0 });
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(loud, start + 0.015);
  volume.gain.exponentialRampToValueAtTime(0.001, start + 0.2);
  source.connect(volume).connect(audio.destination);
  source.start(start);
  source.stop(start + 0.21);
}
