// What the server answers to one question, as a component shows it: the answer, what went wrong, asking again.
import { api } from "./api.js";
import { useEffect, useMemo, useState } from "./lib.js";
import { kept } from "./state.js";

/** Answers may come in another order than their questions: an older one must not take the place of a newer. */
export function inOrder() {
  let asked = 0;
  let answered = 0;
  return {
    /** A question, now. @returns {() => boolean} for when its answer is there: whether it counts */
    ask() {
      const mine = ++asked;
      return () => {
        if (mine <= answered) return false;
        answered = mine;
        return true;
      };
    },
    /** What is under way was another question. */
    forget() {
      answered = asked;
    },
  };
}

/** @param {string} path
 *  @param {number | null} [againMs] asked again so often; without it, by `load` only
 *  @returns {{ found: any, problem: any, load: () => Promise<void> }} an answer stays while asking again fails */
export function useAnswer(path, againMs = null) {
  const [found, setFound] = useState(/** @type {any} */ (null));
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const order = useMemo(inOrder, []);
  const load = async () => {
    const counts = order.ask();
    try {
      const told = await api(path);
      if (!counts()) return;
      setFound((before) => kept(before, told));
      setProblem(null);
    } catch (error) {
      if (counts()) setProblem(error);
    }
  };
  useEffect(() => {
    order.forget();
    load();
    if (againMs === null) return;
    const timer = setInterval(load, againMs);
    return () => clearInterval(timer);
  }, [path]);
  return { found, problem, load };
}
