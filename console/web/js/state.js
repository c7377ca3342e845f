// What the page knows, in one place. Components read it with useApp; only duty.js and session.js write.
import { useEffect, useRef, useState } from "./lib.js";

/** @typedef {Record<string, any>} State */

/** @type {State} */
let state = {
  page: "duty", // see router.js
  phase: "loading", // loading | failed | signed_out | must_change | ready
  problem: null,
  session: null,
  deployment: null,
  cameras: [],
  camerasProblem: null, // why their states are not those of now
  incidents: new Map(), // id -> summary
  details: new Map(), // id -> detail
  unread: new Map(), // id -> why its detail could not be read
  tab: "suspected", // suspected | active | ended
  ended: null, // a Paged list: what has ended stays on the server
  selected: null,
  sighting: null, // of the selected incident, if not its first
  camera: null, // camera shown large instead of an incident
  connection: { up: true, since: null },
  clockOffsetMs: 0,
  undo: null,
  notices: [],
  alarm: { on: true, blocked: false, loudness: null, silencedUntil: new Map() }, // see alarm.js
  deliveries: { pending: 0, dead: 0 }, // null: not known
  rosters: 0, // how often somebody changed one since the page was opened
  targets: 0, // as above, of receivers of alerts
  kiosk: false, // the wall without the bars around it
  dialog: null, // help | password | account | merge | split | replay
};

const listeners = new Set();

export const get = () => state;

/** @param {Partial<State> | ((s: State) => Partial<State>)} change */
export function set(change) {
  const patch = typeof change === "function" ? change(state) : change;
  state = { ...state, ...patch };
  for (const listener of [...listeners]) listener();
}

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** `after`; or `before`, where both say the same: what has not changed is the same thing, and not drawn again. */
export const kept = (before, after) => (JSON.stringify(before) === JSON.stringify(after) ? before : after);

/** `kept` for a list and for each of what is in it, which `id` tells apart. */
export function keptList(before, after, id) {
  const known = new Map(before.map((one) => [id(one), one]));
  const list = after.map((one) => kept(known.get(id(one)), one));
  return list.length === before.length && list.every((one, index) => one === before[index]) ? before : list;
}

/** The part of the state that `select` picks; the component draws again when it changes. */
export function useApp(select) {
  const [, redraw] = useState(0);
  const value = select(state);
  const drawn = useRef(/** @type {any} */ (null));
  drawn.current = { select, value };
  useEffect(() => {
    const look = () => {
      if (drawn.current.select(state) !== drawn.current.value) redraw((n) => n + 1);
    };
    look();
    return subscribe(look);
  }, []);
  return value;
}

export const useCamera = (id) => useApp((s) => s.cameras.find((one) => one.id === id));

let names = new Map(); // camera id -> name: another map only when a name is another one

/** What cameras are called, for those who care for nothing else about them. */
export const useCameraNames = () =>
  useApp(({ cameras }) => {
    if (cameras.length !== names.size || cameras.some((one) => names.get(one.id) !== one.name)) names = new Map(cameras.map((one) => [one.id, one.name]));
    return names;
  });
