// One or two keystrokes for everything that matters. By position on the keyboard, so that a Chinese input
// method does not swallow them.
import { silence, switchSound } from "./alarm.js";
import { mayDecide, step, undo } from "./duty.js";
import { get, set } from "./state.js";

/**
 * Components take the keys they own: code -> function; the newest that knows a key gets it.
 * @type {Record<string, () => void>[]}
 */
const owners = [];

export function own(bindings) {
  owners.push(bindings);
  return () => owners.splice(owners.indexOf(bindings), 1);
}

/** What also makes sense where no incident is looked at. */
const EVERYWHERE = new Set(["KeyM", "KeyP", "Slash", "Escape"]);

const GENERAL = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  KeyJ: () => step(1),
  KeyK: () => step(-1),
  KeyU: () => mayDecide() && undo(),
  KeyM: () => silence(),
  KeyP: () => switchSound(),
  Slash: () => set({ dialog: "help" }),
  Escape: () => set(get().dialog ? { dialog: null } : { selected: null, camera: null }),
};

/** What the help page lists: codes, words, and whether the key is fixed (then as shown). */
export const KEYS = /** @type {[string[], string, boolean?][]} */ ([
  [["↑", "↓"], "key.next", true],
  [["KeyC"], "key.confirm"],
  [["KeyX"], "key.false"],
  [["KeyB"], "key.burn"],
  [["KeyS"], "key.smoke"],
  [["KeyN"], "key.step"],
  [["KeyA"], "key.take"],
  [["KeyH"], "key.hand_over"],
  [["KeyU"], "key.undo"],
  [["KeyZ"], "key.zoom"],
  [["KeyV"], "key.boxes"],
  [["KeyR"], "key.clip"],
  [["KeyD"], "key.compare"],
  [["KeyL"], "key.now"],
  [["KeyM"], "key.silence"],
  [["KeyP"], "key.sound"],
  [["Esc"], "key.escape", true],
  [["?"], "key.help", true],
]);

// A workstation may put its own keys in place of ours: ours -> theirs, both as codes.
const STORED = "firewatch.keys";
const REMAPPABLE = new Set(KEYS.filter(([, , fixed]) => !fixed).flatMap(([codes]) => codes));

/** @type {Record<string, string>} */
let mine = stored();

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? "{}");
    return Object.fromEntries(Object.entries(found).filter(([ours, theirs]) => REMAPPABLE.has(ours) && typeof theirs === "string"));
  } catch {
    return {};
  }
}

const pressedFor = (code) => mine[code] ?? code;

/** Our code for what was pressed; a key that was given away means nothing any more. */
function ours(pressed) {
  for (const code of REMAPPABLE) if (pressedFor(code) === pressed) return code;
  return REMAPPABLE.has(pressed) ? "" : pressed;
}

/** As it is printed on the keyboard. */
export const keyName = (code) => pressedFor(code).replace(/^(Key|Digit)/, "");

export const remapped = () => Object.keys(mine).length > 0;

/** Let `pressed` do what `code` did; who had `pressed` before gets the key that became free. */
export function remap(code, pressed) {
  if (!/^(Key[A-Z]|F\d+|Space|Enter|Comma|Period|Slash|Semicolon|Quote|BracketLeft|BracketRight|Minus|Equal)$/.test(pressed) || pressed === "Slash") return;
  const holder = [...REMAPPABLE].find((one) => pressedFor(one) === pressed);
  const freed = pressedFor(code);
  if (holder && holder !== code) mine[holder] = freed;
  mine[code] = pressed;
  for (const [one, its] of Object.entries(mine)) if (one === its) delete mine[one];
  localStorage.setItem(STORED, JSON.stringify(mine));
}

export function resetKeys() {
  mine = {};
  localStorage.removeItem(STORED);
}

export const CAUSES = ["cloud", "fog", "dust", "glare", "light", "water", "lens", "other"];

export function listen() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || get().phase !== "ready") return;
    const target = /** @type {Element} */ (event.target);
    const slider = target.matches?.("input[type=range]");
    if (slider && event.code.startsWith("Arrow")) return;
    const typing = !slider && target.matches?.("input, textarea, select");
    if (typing && event.code !== "Escape") return;
    if (get().dialog && event.code !== "Escape") return;
    const code = ours(event.code.replace("Numpad", "Digit"));
    const owner = [...owners].reverse().find((bindings) => bindings[code]);
    if (get().page !== "duty" && !owner && !EVERYWHERE.has(code)) return;
    const act = get().dialog ? GENERAL[code] : (owner?.[code] ?? GENERAL[code]);
    if (!act) return;
    event.preventDefault();
    act();
  });
}
