// What the server answers to one question, as a component shows it: the answer, what went wrong, asking again. What
// went wrong may be over a moment later, so the question is put again by itself until it is answered.
import { api, mayPass, pauseMs } from "./api.js";
import { useEffect, useRef, useState } from "./lib.js";
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
  };
}

/** @typedef {{ found: any, problem: any, load: () => Promise<void> }} Answer an answer stays while asking again fails */

/**
 * @param {string | null} path null: there is nothing to ask
 * @param {{ againMs?: number | null, news?: any, meanwhile?: boolean }} [how] `againMs`: asked again so often; `news`:
 * asked again when it is another one; `meanwhile`: the answer to the question before is shown until there is one to this
 * @returns {Answer}
 */
export function useAnswer(path, { againMs = null, news = null, meanwhile = false } = {}) {
  const [answer, put] = useState({ path, found: /** @type {any} */ (null), problem: /** @type {any} */ (null) });
  const ask = useRef(() => Promise.resolve());
  useEffect(() => {
    if (path === null) return undefined;
    let wanted = true;
    let timer = 0;
    let failures = 0;
    const order = inOrder();
    async function load() {
      clearTimeout(timer);
      const counts = order.ask();
      let pause = againMs;
      try {
        const told = await api(/** @type {string} */ (path));
        if (!wanted || !counts()) return;
        failures = 0;
        put((before) => {
          const found = kept(before.found, told);
          return before.path === path && before.found === found && !before.problem ? before : { path, found, problem: null };
        });
      } catch (problem) {
        if (!wanted || !counts()) return;
        failures += 1;
        if (mayPass(problem)) pause = pauseMs(failures);
        put((before) => ({ path, found: before.path === path ? before.found : null, problem }));
      }
      clearTimeout(timer); // somebody may have asked meanwhile
      if (pause !== null) timer = setTimeout(load, pause);
    }
    ask.current = load;
    load();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [path, news]);
  const load = () => ask.current();
  if (answer.path === path) return { found: answer.found, problem: answer.problem, load };
  return { found: meanwhile && path !== null ? answer.found : null, problem: null, load };
}
