// Which page is shown: the part of the address behind #. The duty page is home.
import { get, set } from "./state.js";

export const PAGES = ["duty", "map", "wall", "cameras", "records", "admin"];

/** `#/records` -> { page: "records", incident: null }; `#/duty/inc-1` names an incident. */
function place() {
  const [, page, incident] = location.hash.split("/");
  return { page: PAGES.includes(page) ? page : "duty", incident: incident ? decodeURIComponent(incident) : null };
}

/** Follow the address; `onIncident` is told when it names one. */
export function follow(onIncident) {
  const go = () => {
    const { page, incident } = place();
    if (get().page !== page) set({ page });
    if (incident) onIncident(incident);
  };
  addEventListener("hashchange", go);
  go();
}

export const openPage = (page) => {
  location.hash = `#/${page}`;
};
