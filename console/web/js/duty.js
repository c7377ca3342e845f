// What happens on a duty desk: loading, following events, choosing, deciding, taking back.
import { inOrder } from "./answer.js";
import { api, mayPass } from "./api.js";
import { Live } from "./live.js";
import { showNotification } from "./notification.js";
import { Paged } from "./paged.js";
import { reader } from "./reread.js";
import { openPage } from "./router.js";
import { sessionEnded } from "./session.js";
import { get, kept, keptList, set } from "./state.js";
import { t } from "./words.js";

export const UNDO_MS = 10000;
const ENDED = new Set(["dismissed", "closed"]);
const PICTURES_MS = 4000;
const SOON_MS = 1000;
const LATE_MS = 60000;
const DELIVERIES_AGAIN_MS = 5000;

/** Which list an incident stands in. */
export const tabOf = (incident) =>
  incident.status === "suspected" ? "suspected" : ENDED.has(incident.status) ? "ended" : "active";

const minute = (one) => Math.floor(new Date(one.confirmed_at).getTime() / 60000);

/** Newest first; what burns before what smokes when raised in the same minute. */
export const byUrgency = (a, b) => minute(b) - minute(a) || Number(b.label === "fire") - Number(a.label === "fire") || b.number - a.number;

/** The incidents of an open list. */
export const queue = (incidents, tab) => [...incidents.values()].filter((one) => tabOf(one) === tab).sort(byUrgency);

const ENDED_ROWS = 50;

/** The incidents that have ended, newest first: years of them, so they stay on the server. */
const newEnded = () =>
  new Paged(async (cursor) => {
    const found = await api(`/incidents?status=ended&limit=${ENDED_ROWS}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    return { rows: found.incidents, next: found.next_cursor };
  });

const newer = (a, b) => new Date(a.confirmed_at).getTime() - new Date(b.confirmed_at).getTime() || a.number - b.number;

/** An alert about something that was seen well before we heard of it. */
export const lateMs = (incident) => {
  const delay = new Date(incident.raised_at).getTime() - new Date(incident.confirmed_at).getTime();
  return delay > LATE_MS ? delay : 0;
};

const live = new Live({
  onEvent: (event) => {
    if (event.incident_id) refresh(event.incident_id);
    if (event.kind === "camera") camerasSoon();
    if (event.kind === "roster") rosterChanged();
    if (event.kind === "target") set((s) => ({ targets: s.targets + 1 }));
    if (event.kind === "delivery" || event.kind === "alert") loadDeliveries();
  },
  onAlive: (centreNow) => set({ clockOffsetMs: centreNow.getTime() - Date.now() }),
  onState: (up) => {
    if (get().connection.up === up) return;
    set({ connection: { up, since: Date.now() } });
    if (up) loadCameras();
  },
  onReset: () => load(),
  onSignedOut: () => sessionEnded(),
  check: () => api("/session"),
});

let pictures = 0;

/** Load everything that is open, then follow. */
export async function load() {
  try {
    const [deployment, open, cameras] = await Promise.all([
      api("/deployment"),
      api("/incidents?status=open&limit=200"),
      api("/cameras"),
    ]);
    const incidents = new Map(open.incidents.map((one) => [one.incident_id, one]));
    set({
      phase: "ready",
      deployment,
      cameras,
      camerasProblem: null,
      incidents,
      details: new Map(),
      unread: new Map(),
      ended: newEnded(),
      clockOffsetMs: new Date(deployment.now).getTime() - Date.now(),
      connection: { up: true, since: Date.now() },
    });
    const asked = get().selected;
    const first = queue(incidents, "suspected")[0];
    if (asked) showIncident(asked);
    else if (first) select(first.incident_id);
    else set({ selected: null });
    live.start(open.last_event_id);
    loadDeliveries();
    clearInterval(pictures);
    pictures = setInterval(loadCameras, PICTURES_MS);
  } catch (problem) {
    if (problem.status !== 401) set({ phase: "failed", problem });
  }
}

export function stop() {
  live.stop();
  clearInterval(pictures);
}

/** Whom one would call has changed: the incident one looks at says so, and the page of rosters. */
function rosterChanged() {
  const { selected, rosters } = get();
  set({ rosters: rosters + 1 });
  if (selected) refresh(selected);
}

let soon = 0;

/** Many cameras may change at once (a mast loses its power): that is one question, not one each. */
function camerasSoon() {
  soon ||= setTimeout(() => {
    soon = 0;
    loadCameras();
  }, SOON_MS);
}

const [camerasInOrder, deliveriesInOrder] = [inOrder(), inOrder()];

export async function loadCameras() {
  if (document.hidden || !get().connection.up) return;
  const counts = camerasInOrder.ask();
  try {
    const cameras = await api("/cameras");
    if (counts()) set((s) => ({ cameras: keptList(s.cameras, cameras, (one) => one.id), camerasProblem: null }));
  } catch (problem) {
    if (counts()) set({ camerasProblem: problem }); // they are asked for again every few seconds
  }
}

let deliveriesAgain = 0;

async function loadDeliveries() {
  clearTimeout(deliveriesAgain);
  const counts = deliveriesInOrder.ask();
  try {
    const [pending, dead] = await Promise.all(["pending", "dead"].map((state) => api(`/deliveries?state=${state}&limit=100`)));
    if (counts()) set((s) => ({ deliveries: kept(s.deliveries, { pending: pending.length, dead: dead.length }) }));
  } catch (problem) {
    if (!counts()) return;
    set({ deliveries: null });
    clearTimeout(deliveriesAgain); // somebody may have asked meanwhile
    if (mayPass(problem)) deliveriesAgain = setTimeout(loadDeliveries, DELIVERIES_AGAIN_MS);
  }
}

const lastRow = (detail) => detail?.history.at(-1)?.history_id ?? 0;

function put(detail) {
  const { incidents, details, selected } = get();
  const summary = detail.summary;
  const known = incidents.get(summary.incident_id);
  // An older answer that came later; of steps, which are no new version, the history tells.
  if (known?.version > summary.version || lastRow(details.get(summary.incident_id)) > lastRow(detail)) return;
  const isNew = !known && summary.status === "suspected";
  get().ended?.put(summary, (a, b) => a.incident_id === b.incident_id, tabOf(summary) === "ended", (a, b) => newer(a, b) > 0);
  const isSame = kept(known, summary) === known;
  set({
    incidents: isSame ? incidents : new Map(incidents).set(summary.incident_id, summary),
    details: new Map(details).set(summary.incident_id, kept(details.get(summary.incident_id), detail)),
  });
  if (!isNew) return;
  showNotification(summary, goTo);
  const current = selected && incidents.get(selected);
  const away = get().page !== "duty";
  if (!current || current.status !== "suspected") select(summary.incident_id);
  if (away || current?.status === "suspected") notify(t("new.notice", { n: summary.number, camera: detail.sightings[0]?.camera_name ?? "" }), "alarm", summary.incident_id);
}

/** Read an incident again. */
export const refresh = reader((id) => `/incidents/${id}`, put);

export function select(id) {
  const incident = get().incidents.get(id);
  set({ selected: id, sighting: null, camera: null, ...(incident ? { tab: tabOf(incident) } : {}) });
  refresh(id);
}

/** Choose an incident that may not be in the lists (an old one, from the records). */
export async function showIncident(id) {
  if (get().phase !== "ready") {
    set({ selected: id }); // `load` goes on with it
    return;
  }
  if (!get().incidents.has(id)) await refresh(id);
  if (get().incidents.has(id) || mayPass(get().unread.get(id) ?? {})) select(id);
  else {
    if (get().selected === id) set({ selected: null }); // an address may name what is not there
    notify(t("incident.unknown"), "bad");
  }
}

/** From a notice, wherever one is. */
export function goTo(id) {
  openPage("duty");
  select(id);
}

/** One camera, large, wherever one is. */
export function showCamera(camera) {
  openPage("duty");
  set({ camera });
}

/** Move the choice within the list. */
export function step(by) {
  const { incidents, tab, selected, ended } = get();
  const open = tab === "ended" ? [] : queue(incidents, tab);
  const [count, row, at] =
    tab === "ended"
      ? [ended.length, (index) => ended.at(index), ended.indexOf((one) => one.incident_id === selected)]
      : [open.length, (index) => open[index], open.findIndex((one) => one.incident_id === selected)];
  const next = count ? row(Math.min(count - 1, Math.max(0, at < 0 ? 0 : at + by))) : null;
  if (next && next.incident_id !== selected) showIncident(next.incident_id);
}

export function showTab(tab) {
  set({ tab });
}

export const mayDecide = () => ["operator", "supervisor", "admin"].includes(get().session?.role);

export const mayAdminister = () => get().session?.role === "admin";

export const maySupervise = () => ["supervisor", "admin"].includes(get().session?.role);

/** Send a decision about the selected incident; for some seconds it can be taken back. */
export async function decide(decision) {
  const { selected, incidents } = get();
  const incident = incidents.get(selected);
  if (!incident) return false;
  try {
    const detail = await api(`/incidents/${selected}/decisions`, {
      method: "POST",
      body: { ...decision, version: incident.version },
    });
    put(detail);
    offerUndo(detail, wordsOf(decision));
    return true;
  } catch (problem) {
    notify(problem.status === 409 ? t("decide.conflict") : words(problem), "bad");
    refresh(selected);
    return false;
  }
}

/** Take the selected incident in hand, or hand it over; that, too, can be taken back. */
export async function takeStep(body) {
  const { selected } = get();
  if (!selected) return false;
  try {
    const detail = await api(`/incidents/${selected}/steps`, { method: "POST", body });
    const said = t(body.step === "assign" ? "response.handed" : "response.taken", { to: body.to ?? "" });
    put(detail);
    if (detail.retractable_history_id === null) notify(said);
    else offerUndo(detail, said, detail.retractable_history_id);
    return true;
  } catch (problem) {
    notify(words(problem), "bad");
    refresh(selected);
    return false;
  }
}

/** Merge the selected incident into another, or split sightings off it ("merge" | "split"). */
export async function regroup(how, body) {
  const { selected, incidents } = get();
  const before = incidents.get(selected);
  if (!before) return false;
  try {
    const detail = await api(`/incidents/${selected}/${how}`, { method: "POST", body: { ...body, version: before.version } });
    put(detail);
    await refresh(selected);
    select(detail.summary.incident_id);
    offerUndo(detail, t(`${how}.done`, { n: before.number }));
    return true;
  } catch (problem) {
    notify(problem.status === 409 ? t("decide.conflict") : words(problem), "bad");
    refresh(selected);
    return false;
  }
}

let undoTimer = 0;

const wordsOf = (decision) =>
  decision.cause
    ? `${t("verdict.false_alarm")} · ${t(`cause.${decision.cause}`)}`
    : t(decision.verdict ? `verdict.${decision.verdict}` : `action.${decision.action}`);

function offerUndo(detail, said, historyId = detail.undoable_history_id) {
  startUndo({
    incidentId: detail.summary.incident_id,
    historyId,
    text: `${t("incident.number", { n: detail.summary.number })}：${said}`,
  });
}

/** From now on the offer stands for its whole time. */
function startUndo(offer) {
  clearTimeout(undoTimer);
  set({ undo: { ...offer, until: Date.now() + UNDO_MS, held: false } });
  undoTimer = setTimeout(() => set({ undo: null }), UNDO_MS);
}

/** While somebody points at the offer it stays: who is about to press it must not miss it. */
export function holdUndo() {
  const offered = get().undo;
  if (!offered || offered.held) return;
  clearTimeout(undoTimer);
  set({ undo: { ...offered, held: true } });
}

export function letUndoGo() {
  const offered = get().undo;
  if (offered?.held) startUndo(offered);
}

export async function undo() {
  const offered = get().undo;
  if (!offered) return;
  clearTimeout(undoTimer);
  set({ undo: null });
  const version = get().incidents.get(offered.incidentId)?.version;
  try {
    const detail = await api(`/incidents/${offered.incidentId}/undo`, {
      method: "POST",
      body: { history_id: offered.historyId, version },
    });
    put(detail);
    select(offered.incidentId);
    notify(t("undo.done"), "good");
  } catch (problem) {
    notify(problem.status === 409 ? t("decide.conflict") : words(problem), "bad");
    refresh(offered.incidentId);
  }
}

export const words = (problem) => (problem.kind === "unreachable" ? t("problem.unreachable") : problem.message);

let noticeId = 0;

/** A short message at the edge of the page. */
export function notify(text, kind = "good", incidentId = null) {
  const id = ++noticeId;
  const others = (s) => s.notices.filter((one) => one.text !== text || one.kind !== kind); // said again, it stands there once
  set((s) => ({ notices: [...others(s).slice(-3), { id, text, kind, incidentId }] }));
  setTimeout(() => set((s) => ({ notices: s.notices.filter((one) => one.id !== id) })), kind === "good" ? 3000 : 8000);
}
