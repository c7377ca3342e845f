// The alarm: rings, flashes title and icon while a new fire waits for a person. It grows more insistent after
// a minute. Each workstation switches its own sound; silencing stops what rings now, never what comes next.
import { queue } from "./duty.js";
import { get, set, subscribe } from "./state.js";
import { t } from "./words.js";

const RING_MS = 3000;
const URGENT_AFTER_MS = 60000;
const OLD_MS = 30 * 60000; // an alarm nobody judged for so long is in the queue, it need not ring for ever

let audio = null;
let ringingSince = 0;
let flash = false;

export function waiting(s = get()) {
  const newest = Date.now() + s.clockOffsetMs - OLD_MS;
  return queue(s.incidents, "suspected").filter(
    (one) => !s.alarm.silenced.has(one.incident_id) && new Date(one.raised_at).getTime() > newest,
  );
}

export function startAlarm() {
  const on = localStorage.getItem("firewatch.sound") !== "off";
  set((s) => ({ alarm: { ...s.alarm, on } }));
  for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, unlock, { capture: true });
  setInterval(beat, RING_MS / 3);
  subscribe(() => {
    if (waiting().length && !ringingSince) beat();
  });
}

export function switchSound() {
  const on = !get().alarm.on;
  localStorage.setItem("firewatch.sound", on ? "on" : "off");
  set((s) => ({ alarm: { ...s.alarm, on } }));
}

export function silence() {
  const ids = waiting().map((one) => one.incident_id);
  set((s) => ({ alarm: { ...s.alarm, silenced: new Set([...s.alarm.silenced, ...ids]) } }));
}

function unlock() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
  if (get().alarm.blocked) set((s) => ({ alarm: { ...s.alarm, blocked: false } }));
}

let beats = 0;

function beat() {
  const alarms = get().phase === "ready" ? waiting() : [];
  if (!alarms.length) {
    if (ringingSince || flash) calm();
    return;
  }
  ringingSince ||= Date.now();
  flash = !flash;
  document.title = flash ? t("title.alarm", { n: alarms.length }) : get().deployment?.name || t("product");
  icon(flash ? "alarm" : "calm");
  if (beats++ % 3 === 0) ring(Date.now() - ringingSince > URGENT_AFTER_MS, alarms.some((one) => one.label === "fire"));
}

function calm() {
  ringingSince = 0;
  beats = 0;
  flash = false;
  document.title = get().deployment?.name || t("product");
  icon("calm");
}

function icon(name) {
  document.getElementById("favicon")?.setAttribute("href", `/web/icons/${name}.svg`);
}

function ring(urgent, fire) {
  if (!get().alarm.on) return;
  if (!audio || audio.state !== "running") {
    if (!get().alarm.blocked) set((s) => ({ alarm: { ...s.alarm, blocked: true } }));
    return;
  }
  const notes = fire ? [880, 660, 880, 660] : [660, 880];
  const loud = urgent ? 0.5 : 0.25;
  [...notes, ...(urgent ? notes : [])].forEach((pitch, index) => tone(pitch, index * 0.22, loud));
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
