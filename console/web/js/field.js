// The page for responders: village and grid staff on a phone, who see the fires of their own areas, follow them
// as they change and report what they do. The part of the address behind # names an incident, or hands over a
// token once; from then on the token lies in a cookie that no script reads.
import { api, useToken, whenSignedOut } from "./api.js";
import { byUrgency, notify, tabOf, words } from "./duty.js";
import { Live } from "./live.js";
import { reader } from "./reread.js";
import { get, set, subscribe } from "./state.js";
import { clock } from "./time.js";
import { t } from "./words.js";

const BASE = "/response";
const ENDED_H = 12;
const AGAIN_MS = 60000; // areas of a fire change without an event for those who lose it
const NAME = "firewatch.field.name";
const LINK = "#token=";

/** What a report is called in the history. */
const ACTIONS = { accepted: "accept", arrived: "arrive", found: "found", under_control: "control", closed: "close" };

/** The person who holds the phone, for teams that share a token. */
export const myName = () => localStorage.getItem(NAME) ?? "";

export function setMyName(name) {
  localStorage.setItem(NAME, name.trim());
  set({ named: true });
}

/** As the history names whoever reports here. */
const me = () => (myName() ? `${myName()} (${get().session.name})` : get().session.name);

export const mine = (who) => who === me();

/** The list: what burns first, newest and strongest; below it what has ended. */
export const listed = (incidents) =>
  [...incidents.values()].sort((a, b) => Number(tabOf(a) === "ended") - Number(tabOf(b) === "ended") || byUrgency(a, b));

/** What somebody copied: a token, or the link with it. @returns {string} */
const tokenIn = (text) => /fw_[\w-]+/.exec(text)?.[0] ?? text.trim();

/** Go in with what the browser has. A link's token is handed over, and then a new document takes this one's place:
 * a mere change of the address would leave the one with the token among the pages that the browser lists as visited. */
export async function start() {
  whenSignedOut(signedOut);
  set({ phase: "loading", problem: null });
  try {
    if (location.hash.startsWith(LINK)) {
      await handOver(tokenIn(decodeURIComponent(location.hash.slice(LINK.length))));
      location.replace(location.pathname);
      return;
    }
    await enter(await api(`${BASE}/session`, { quiet: true }));
  } catch (problem) {
    if (problem.status !== 401) set({ phase: "failed", problem });
    else signedOut(problem.kind === "not-signed-in" ? null : problem.kind);
  }
}

const handOver = (token) => api(`${BASE}/session`, { method: "POST", body: { token } });

/** With what somebody pasted. */
export const signIn = async (text) => enter(await handOver(tokenIn(text)));

export async function signOut() {
  await api(`${BASE}/session`, { method: "DELETE", quiet: true });
  signedOut("signed-out");
}

/** Nothing of the fires stays on the phone. @param {string | null} why */
function signedOut(why) {
  live.stop();
  clearInterval(again);
  if (location.hash) history.replaceState(null, "", location.pathname);
  set({ phase: "signed_out", session: null, problem: why ? { kind: why } : null, incidents: new Map(), details: new Map(), selected: null, unsent: null, dialog: null, notices: [] });
}

let again = 0;

async function enter(session) {
  useToken(session.csrf);
  set({
    session,
    deployment: { name: session.centre, time_zone: session.time_zone, terrain: session.terrain },
    clockOffsetMs: new Date(session.now).getTime() - Date.now(),
  });
  await loadList();
  set({ phase: "ready", problem: null, connection: { up: true, since: Date.now() } });
  live.start(session.last_event_id);
  clearInterval(again);
  again = setInterval(refreshAll, AGAIN_MS);
  go();
}

async function loadList() {
  const found = await api(`${BASE}/incidents?ended_h=${ENDED_H}`);
  const incidents = new Map(found.map((one) => [one.incident_id, one]));
  const { selected, details } = get();
  if (selected && !incidents.has(selected) && details.has(selected)) incidents.set(selected, details.get(selected));
  set({ incidents });
}

async function refreshAll() {
  if (document.hidden || get().phase !== "ready") return;
  await loadList().catch(() => null);
  if (get().selected) refresh(get().selected);
}

const live = new Live(
  {
    onEvent: (event) => refresh(event.incident_id),
    onAlive: (centreNow) => set({ clockOffsetMs: centreNow.getTime() - Date.now() }),
    onState: (up) => {
      if (get().connection.up === up) return;
      set({ connection: { up, since: Date.now() } });
      if (up) {
        refreshAll();
        sendAgain();
      }
    },
    onReset: () => refreshAll(),
    onSignedOut: () => api(`${BASE}/session`).catch(() => null), // its refusal says why
    check: () => api(`${BASE}/session`),
  },
  `/api/v1${BASE}/events`,
);

/** Read an incident again; it may not (or no longer) be ours. */
export const refresh = reader((id) => `${BASE}/incidents/${encodeURIComponent(id)}`, put, drop);

function put(detail) {
  const { incidents, details } = get();
  const id = detail.incident_id;
  if (details.get(id)?.updated_at > detail.updated_at) return details.get(id); // an older answer that came later
  const isNew = !incidents.has(id) && tabOf(detail) !== "ended";
  set({ incidents: new Map(incidents).set(id, detail), details: new Map(details).set(id, detail) });
  if (isNew && get().selected !== id) {
    notify(t("field.new", { n: detail.number, place: detail.grid_chain[0]?.name ?? "" }), "alarm", id);
    navigator.vibrate?.([400, 150, 400]);
  }
  return detail;
}

function drop(id) {
  const incidents = new Map(get().incidents);
  if (incidents.delete(id)) set({ incidents });
  if (get().selected === id) {
    notify(t("field.gone"), "bad");
    openIncident(null);
  }
}

/** The address says which incident is shown, so that the phone's own way back leads to the list. */
export function openIncident(id) {
  location.hash = id ? `#/${encodeURIComponent(id)}` : "#/";
}

function go() {
  if (location.hash.startsWith(LINK)) {
    start();
    return;
  }
  if (get().phase !== "ready") return;
  const id = decodeURIComponent(location.hash.replace(/^#\/?/, "")) || null;
  if (id !== get().selected) scrollTo(0, 0);
  set({ selected: id });
  if (id) refresh(id);
}

/** Report; what finds no line is kept and sent as soon as there is one again. */
export async function report(id, what, why = "") {
  set({ unsent: null });
  try {
    const detail = put(await api(`${BASE}/incidents/${encodeURIComponent(id)}/reports`, { method: "POST", body: { report: what, who: myName(), why } }));
    const done = detail.history.filter((row) => row.action === ACTIONS[what]).at(-1);
    if (done && !mine(done.who)) notify(t("field.first", { who: done.who, time: clock(new Date(done.at)), what: t(`field.did.${what}`) }), "bad");
    else notify(t("field.done", { what: t(`field.did.${what}`) }));
  } catch (problem) {
    if (problem.kind === "unreachable") {
      set({ unsent: { id, what, why } });
      live.lost(); // the stream may not have noticed yet; when it is back, this is sent
    }
    else if (problem.kind === "decision-not-possible") notify(t("field.too_late"), "bad");
    else if (problem.status !== 401) notify(words(problem), "bad");
    if (problem.status) refresh(id);
  }
}

export function sendAgain() {
  const { unsent } = get();
  if (unsent) report(unsent.id, unsent.what, unsent.why);
}

/** Go in, and follow the address, the line and the phone's sleep. */
export function begin() {
  addEventListener("hashchange", go);
  addEventListener("offline", () => get().phase === "ready" && live.lost());
  addEventListener("online", () => get().phase === "failed" && start());
  document.addEventListener("visibilitychange", refreshAll); // a phone that slept has heard nothing
  subscribe(() => {
    const burning = [...get().incidents.values()].filter((one) => tabOf(one) !== "ended").length;
    document.title = `${burning ? `(${burning}) ` : ""}${t("field.title")}`;
  });
  return start();
}
