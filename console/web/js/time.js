// Times as people on duty read them: in the deployment's zone, absolute and relative.
import { useEffect, useRef, useState } from "./lib.js";
import { get } from "./state.js";
import { language, t } from "./words.js";

const formats = new Map();

function format(name, options) {
  const zone = get().deployment?.time_zone ?? "Asia/Shanghai";
  const key = `${name} ${zone} ${language()}`;
  if (!formats.has(key)) {
    const locale = language() === "zh" ? "zh-CN" : "en-GB";
    formats.set(key, new Intl.DateTimeFormat(locale, { timeZone: zone, hourCycle: "h23", ...options }));
  }
  return formats.get(key);
}

/** The centre's present time: a workstation's clock may be wrong. */
export const now = () => new Date(Date.now() + get().clockOffsetMs);

export const clock = (date) => format("clock", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(date);

export const day = (date) =>
  format("day", { year: "numeric", month: "2-digit", day: "2-digit", weekday: "short" }).format(date);

/** 10:57:00 today, 11/23 10:57:00 on another day, with the year in another year. */
export function moment(text) {
  const date = new Date(text);
  const present = now();
  const time = clock(date);
  if (isoDay(date) === isoDay(present)) return time;
  const sameYear = isoDay(date).slice(0, 4) === isoDay(present).slice(0, 4);
  const short = sameYear ? format("date", { month: "2-digit", day: "2-digit" }) : format("whole date", { year: "numeric", month: "2-digit", day: "2-digit" });
  return `${short.format(date)} ${time}`;
}

export function zoneName() {
  const parts = format("zone", { timeZoneName: "shortOffset" }).formatToParts(now());
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** "3 分钟" */
export const age = (text) => span((now().getTime() - new Date(text).getTime()) / 1000);

/** "3 分钟前" */
export const ago = (text) => t("ago", { time: age(text) });

export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return t("seconds", { n: s });
  if (s < 3600) return t("minutes", { n: Math.floor(s / 60) });
  if (s < 86400) return t("hours", { n: Math.floor(s / 3600), m: Math.floor((s % 3600) / 60) });
  return t("days", { n: Math.floor(s / 86400) });
}

const clocks = new Map(); // ms -> what is called every so often: one timer, so that all are drawn in one frame

function every(ms, call) {
  let one = clocks.get(ms);
  if (!one) {
    const calls = new Set();
    one = { calls, timer: setInterval(() => [...calls].forEach((tell) => tell()), ms) };
    clocks.set(ms, one);
  }
  one.calls.add(call);
  return () => {
    one.calls.delete(call);
    if (one.calls.size) return;
    clearInterval(one.timer);
    clocks.delete(ms);
  };
}

/** Draws the component again every `ms`. */
export function useTick(ms = 1000) {
  const [, redraw] = useState(0);
  useEffect(() => every(ms, () => redraw((n) => n + 1)), [ms]);
}

/** What `tell` says now; looked at every `ms`, and the component draws again only when it says something else. */
export function useTold(tell, ms = 1000) {
  const [, redraw] = useState(0);
  const said = tell();
  const drawn = useRef(/** @type {any} */ (null));
  drawn.current = { tell, said };
  useEffect(() => every(ms, () => drawn.current.tell() !== drawn.current.said && redraw((n) => n + 1)), [ms]);
  return said;
}

/** The local day as YYYY-MM-DD. */
export const today = () => isoDay(now());

const isoDay = (date) => {
  const parts = Object.fromEntries(format("iso", { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(date).map((one) => [one.type, one.value]));
  return `${parts.year}-${parts.month}-${parts.day}`;
};

/** A day some days later, as YYYY-MM-DD. */
export function addDays(text, days) {
  const date = new Date(`${text}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return date.toISOString().slice(0, 10);
}

/** The first moment of a local day. */
export function dayStart(text) {
  const guess = new Date(`${text}T00:00:00Z`);
  const there = new Date(`${isoDay(guess)}T${clock(guess)}Z`); // what clocks show there at that moment
  return new Date(2 * guess.getTime() - there.getTime());
}
