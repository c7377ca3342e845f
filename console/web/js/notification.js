// A notice of the desktop for who works in another window. Each workstation decides; browsers allow it on HTTPS
// (and on the machine itself) only.
import { t } from "./words.js";

const KEY = "firewatch.notify";

/** "unavailable" | "denied" | "on" | "off" */
export function notificationState() {
  if (!("Notification" in window) || !window.isSecureContext) return "unavailable";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

/** Switch it; asks the browser's user at the first time. @returns {Promise<string>} the new state */
export async function switchNotification() {
  const before = notificationState();
  if (before === "off" && Notification.permission !== "granted") await Notification.requestPermission();
  localStorage.setItem(KEY, before === "on" ? "off" : "on");
  return notificationState();
}

/** Tell of a new incident, unless the page is looked at. A click brings it to the front. */
export function showNotification(incident, open) {
  if (notificationState() !== "on" || document.hasFocus()) return;
  const title = `${t(`label.${incident.label}`)} · ${t("incident.number", { n: incident.number })}`;
  const shown = new Notification(title, {
    body: incident.grid_chain.map((one) => one.name).slice(0, 3).reverse().join(" · "),
    tag: incident.incident_id,
    icon: "/web/icons/alarm.svg",
    requireInteraction: true,
  });
  shown.onclick = () => {
    window.focus();
    open(incident.incident_id);
    shown.close();
  };
}
