// Cameras' newest pictures in small. Tiles that want theirs at about the same time ask together: a hundred tiles on
// each of twenty desks would be two hundred questions a second.
import { Problem, plain } from "./api.js";

const GATHER_MS = 40;
const MOST = 50; // in one question: its address stays shorter than proxies take
const PATIENCE_MS = 15000;

/** @typedef {{ resolve: (picture: Blob) => void, reject: (problem: any) => void }} Waiting */

/** @type {Map<number, Map<string, Waiting[]>>} */
const wanted = new Map(); // width -> camera id -> who waits for it

/** @returns {Promise<Blob>} */
export function smallPicture(id, width) {
  return new Promise((resolve, reject) => {
    let gathered = wanted.get(width);
    if (!gathered) {
      wanted.set(width, (gathered = new Map()));
      setTimeout(() => askForAll(width), GATHER_MS);
    }
    gathered.set(id, [...(gathered.get(id) ?? []), { resolve, reject }]);
  });
}

function askForAll(width) {
  const all = [...(wanted.get(width) ?? [])];
  wanted.delete(width);
  for (let from = 0; from < all.length; from += MOST) ask(width, all.slice(from, from + MOST));
}

/** @param {number} width @param {[string, Waiting[]][]} waiting */
async function ask(width, waiting) {
  const question = new URLSearchParams([["width", String(width)], ...waiting.map(([id]) => ["camera", id])]);
  let form = new FormData();
  let problem = new Problem(404, "no-picture", "");
  try {
    const answer = await plain(`/api/v1/cameras/pictures?${question}`, { method: "GET", signal: AbortSignal.timeout(PATIENCE_MS) });
    form = await answer.formData();
  } catch (met) {
    problem = met;
  }
  for (const [id, all] of waiting) {
    const picture = form.get(id);
    for (const one of all) picture instanceof Blob ? one.resolve(picture) : one.reject(problem);
  }
}
