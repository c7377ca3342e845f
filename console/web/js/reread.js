// Reading one incident again whenever something is said of it. Several events at once cost one request, or two, and
// all who ask wait for the last; what could not be read is read again until it is, so that no news is lost, and
// meanwhile the page says so.
import { api, mayPass, pauseMs } from "./api.js";
import { get, set } from "./state.js";

/**
 * @param {(id: string) => string} path
 * @param {(detail: any) => unknown} put
 * @param {(id: string) => void} [gone] the server knows no such incident, or not for us
 * @returns {(id: string) => Promise<void>}
 */
export function reader(path, put, gone = () => {}) {
  const reading = new Map(); // id -> { again: whether it changed while being read, done: when all is read }
  const failures = new Map(); // id -> how often in a row it could not be read

  function refresh(id) {
    const known = reading.get(id);
    if (known) {
      known.again = true;
      return known.done;
    }
    const begun = { again: false, done: Promise.resolve() };
    reading.set(id, begun);
    begun.done = read(id, begun);
    return begun.done;
  }

  async function read(id, begun) {
    do {
      begun.again = false;
      try {
        put(await api(path(id)));
        failures.delete(id);
        say(id, null);
      } catch (problem) {
        failures.set(id, (failures.get(id) ?? 0) + 1);
        say(id, problem);
        if (problem.status === 404) gone(id);
      }
    } while (begun.again);
    reading.delete(id);
    if (mayPass(get().unread.get(id) ?? {})) setTimeout(() => failures.has(id) && refresh(id), pauseMs(failures.get(id)));
  }

  return refresh;
}

function say(id, problem) {
  const unread = new Map(get().unread);
  if (problem) unread.set(id, problem);
  if (problem || unread.delete(id)) set({ unread });
}
