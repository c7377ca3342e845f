// One or two keystrokes for everything that matters. By position on the keyboard, so that a Chinese input
// method does not swallow them.
import { silence, switchSound } from "./alarm.js";
import { mayDecide, step, undo } from "./duty.js";
import { get, set } from "./state.js";

/** Components take the keys they own: code -> function; the newest that knows a key gets it. */
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

export const CAUSES = ["cloud", "fog", "dust", "glare", "light", "water", "lens", "other"];

export function listen() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || get().phase !== "ready") return;
    const slider = event.target.matches?.("input[type=range]");
    if (slider && event.code.startsWith("Arrow")) return;
    const typing = !slider && event.target.matches?.("input, textarea, select");
    if (typing && event.code !== "Escape") return;
    if (get().dialog && event.code !== "Escape") return;
    const code = event.code.replace("Numpad", "Digit");
    const owner = [...owners].reverse().find((bindings) => bindings[code]);
    if (get().page !== "duty" && !owner && !EVERYWHERE.has(code)) return;
    const act = get().dialog ? GENERAL[code] : (owner?.[code] ?? GENERAL[code]);
    if (!act) return;
    event.preventDefault();
    act();
  });
}
