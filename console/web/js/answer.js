// What the server answers to one question, as a component shows it: the answer, what went wrong, asking again.
import { api } from "./api.js";
import { useEffect, useState } from "./lib.js";
import { kept } from "./state.js";

/** @param {string} path
 *  @param {number | null} [againMs] asked again so often; without it, by `load` only
 *  @returns {{ found: any, problem: any, load: () => Promise<void> }} an answer stays while asking again fails */
export function useAnswer(path, againMs = null) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const load = () =>
    api(path)
      .then((told) => {
        setFound((before) => kept(before, told));
        setProblem(null);
      })
      .catch(setProblem);
  useEffect(() => {
    load();
    if (againMs === null) return;
    const timer = setInterval(load, againMs);
    return () => clearInterval(timer);
  }, [path]);
  return { found, problem, load };
}
