// The page's words. Chinese first; a word missing in English shows the Chinese one, never a key.
import { en } from "./words_en.js";
import { zh } from "./words_zh.js";

const tables = { zh, en };
let chosen = localStorage.getItem("firewatch.language") === "en" ? "en" : "zh";

export const language = () => chosen;

export function setLanguage(name) {
  chosen = name;
  localStorage.setItem("firewatch.language", name);
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
}

/** The words for `key`, with {name} replaced. */
export function t(key, values = {}) {
  const text = tables[chosen][key] ?? zh[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** @type {[RegExp, (match: RegExpExecArray) => string][]} */
const CHANGES = [
  [/^new: (smoke|fire) seen by (.+)$/, (m) => t("change.new", { label: t(`label.${m[1]}`), camera: m[2] })],
  [/^also seen by (.+)$/, (m) => t("change.also", { camera: m[1] })],
  [/^seen again after (\d+) min$/, (m) => t("change.again", { n: m[1] })],
  [/^flames seen$/, () => t("change.flames")],
  [/^has grown$/, () => t("change.grown")],
  // what happened by itself, and why
  [/^(grid|village|town|district) called: (.*)$/, (m) => t("change.called", { level: t(`level.${m[1]}`), why: said(m[2]) })],
  [/^nobody has (taken it in hand|judged it|dispatched it) within (\d+) s$/, (m) => t(`change.nobody.${m[1].split(" ")[0]}`, { n: m[2] })],
  [/^the (grid|village|town|district) has not accepted within (\d+) s$/, (m) => t("change.not_accepted", { level: t(`level.${m[1]}`), n: m[2] })],
  [/^nobody has judged it$/, () => t("change.unjudged")],
  [/^dispatched$/, () => t("action.auto_dispatch")],
  [/^dispatched by itself: two cameras agree$/, () => t("change.two_cameras")],
  [/^dispatched by itself: (.*)$/, (m) => said(m[1])],
  // why a position deserves distrust
  [/^with (\d+) % probability the fire stands behind this ridge/, (m) => t("caution.behind", { n: m[1] })],
  [/^the line of sight grazes the ground at ([\d.]+) degrees/, (m) => t("caution.grazing", { n: m[1] })],
  [/^the camera stands ([\d.]+) degrees off its pose/, (m) => t("caution.moved", { n: m[1] })],
  [/^the camera is turned away from its pose/, () => t("caution.turned")],
  [/^the ground's height is not known/, () => t("caution.no_ground")],
  [/^the line of sight passes above the ground$/, () => t("caution.above")],
  [/^the fire stands behind a ridge, between ([\d.]+) and ([\d.]+) km/, (m) => t("caution.hidden", { near: m[1], far: m[2] })],
  [/^with (\d+) % probability the fire stands on a slope farther away$/, (m) => t("caution.slope_farther", { n: m[1] })],
  [/^with (\d+) % probability the fire stands on a slope nearer by$/, (m) => t("caution.slope_nearer", { n: m[1] })],
  [/^the elevation model ends ([\d.]+) km away/, (m) => t("caution.model_ends", { n: m[1] })],
  [/^there is no elevation model/, () => t("caution.flat")],
  [/^possibly two fires on this bearing$/, () => t("caution.two")],
  [/^the cameras do not agree on a place/, () => t("caution.disagree")],
  [/^(\d+) of (\d+) lines of sight does not fit/, (m) => t("caution.left_out", { n: m[1], of: m[2] })],
];

function said(part) {
  for (const [pattern, say] of CHANGES) {
    const match = pattern.exec(part);
    if (match) return say(match);
  }
  return part;
}

/** What the machine wrote into the history, in the page's language; the reason behind it apart. */
export function machineWords(why) {
  const [, text, reason] = /^(.*?)(?: \(([^()]*(?:\([^()]*\)[^()]*)*)\))?$/s.exec(why) ?? [null, why, ""];
  const words = text.split("; ").map(said);
  return { text: words.join(language() === "zh" ? "；" : "; "), reason: reason ?? "" };
}

/** @type {[RegExp, string][]} */
const HEALTH = [
  [/^no picture comes$/, "health.no_picture"],
  [/^packets come, but no picture$/, "health.packets_only"],
  [/^packets come, but the picture does not change$/, "health.frozen"],
  [/^the picture is black$/, "health.dark"],
  [/^the picture is overexposed$/, "health.overexposed"],
  [/^something covers the view$/, "health.obstructed"],
  [/^the picture is out of focus$/, "health.defocused"],
  [/^the view has moved by ([\d.]+) % of its width \(([-+\d.]+) deg azimuth, ([-+\d.]+) deg tilt\)/, "health.moved"],
  [/^the view has moved farther/, "health.moved_unknown"],
  [/^pictures come, but the camera stands at none of its presets/, "health.lost"],
  [/^the camera does not say where it stands/, "health.not_placed"],
  [/^presets never recognised/, "health.unrecognised"],
  [/^the picture is damaged/, "health.damaged"],
  [/^the worker has stopped watching it$/, "health.stopped"],
  [/^no worker watched it$/, "health.unwatched"],
  [/^taken out of service$/, "health.taken_out"],
];

/** @type {[RegExp, string][]} */
const PROBE = [
  [/^(?:RTCP|HTTP), ([-+][\d.]+) s against ours$/, "probe.clock"],
  [/^no sender reports|^none: time of arrival/, "probe.no_clock"],
  [/^fewer than two key frames/, "probe.no_keys"],
  [/^key frames far apart/, "probe.far_keys"],
  [/^camera clock differs by ([-+][\d.]+) s/, "probe.skew"],
  // what may keep a turning camera from saying where it stands
  [/ refuses the user or password/, "probe.onvif.login"],
  [/^nothing answers at /, "probe.onvif.nobody"],
  [/ did not answer within /, "probe.onvif.slow"],
  [/ has no PTZ service| has no media profile with PTZ| has no PTZ in the media profile/, "probe.onvif.no_ptz"],
  [/ does not say where the camera stands$/, "probe.onvif.no_position"],
  [/ does not answer (?:\w+ )?(?:as ONVIF|with XML)| answers \w+ with a fault| document type| as a web server/, "probe.onvif.not"],
];

/** What a camera's test found, in the page's language; what is not known is shown as it was written. */
export function probeWords(text) {
  for (const [pattern, key] of PROBE) {
    const match = pattern.exec(text);
    if (match) return t(key, { s: match[1] });
  }
  return text;
}

/** The state of a camera in a word; one that nobody watches although it should be is not "off". */
export const stateWord = (camera) => t(camera.state === "off" && camera.enabled ? "state.unwatched" : `state.${camera.state}`);

/** Why a camera is in its state, in the page's language; what is not known is shown as it was written. */
export function healthWords(reason) {
  const [, text, preset] = /^(.*?)(?: \(preset ([\w-]+)\))?$/s.exec(reason ?? "") ?? [null, "", undefined];
  for (const [pattern, key] of HEALTH) {
    const match = pattern.exec(text);
    if (match) return t(key, { share: match[1], azimuth: match[2], tilt: match[3] }) + (preset ? t("health.at_preset", { id: preset }) : "");
  }
  return reason ?? "";
}
