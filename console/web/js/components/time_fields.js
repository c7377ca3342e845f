// Days and times of day to be typed or picked, written as everywhere on the page: 2026-11-27, and 24 hours. A
// browser's own fields are written its own way, whatever the page's language: 11/27/2026 and 08:00 PM.
import { html, useRef, useState } from "../lib.js";
import { t } from "../words.js";
import { Icon } from "./icon.js";

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** "830", "8：30" -> "08:30"; null for what is no time of day. */
export function timeOfDay(text) {
  const [, hour, minute] = /^(\d{1,2})[:：.]?(\d{2})$/.exec(text.trim()) ?? [];
  return Number(hour) < 24 && Number(minute) < 60 ? `${hour.padStart(2, "0")}:${minute}` : null;
}

/** "2026/1/5", "20260105" -> "2026-01-05"; null for what is no day. */
export function dayOf(text) {
  const [, year, month, date] = /^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$/.exec(text.trim().replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3")) ?? [];
  const day = year && `${year}-${month.padStart(2, "0")}-${date.padStart(2, "0")}`;
  return day && new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day) ? day : null;
}

/** A field whose text counts once it is whole; it is put right as one leaves it, and what is none is as it was before. */
function useTyped(read, value, change) {
  const [draft, write] = useState(/** @type {string | null} */ (null)); // whatever else is drawn while one types
  return {
    value: draft ?? value,
    required: true,
    inputmode: "numeric",
    autocomplete: "off",
    onInput: (event) => {
      const text = event.target.value;
      write(text);
      if (read(text) === text) change(text);
    },
    onChange: (event) => {
      const found = read(event.target.value);
      write(null);
      if (found && found !== value) change(found);
    },
  };
}

/**
 * A day of the deployment's zone, typed or picked from the browser's calendar.
 * @param {{ label: string, value: string, change: (day: string) => void, min?: string, max?: string }} props
 */
export function DayField({ label, value, change, min = "", max = "" }) {
  const calendar = useRef(/** @type {any} */ (null));
  const within = (text) => {
    const day = dayOf(text);
    return day && day >= min && (!max || day <= max) ? day : null;
  };
  const typed = useTyped(within, value, change);
  const pick = (event) => DAY.test(event.target.value) && change(event.target.value);
  return html`
    <div class="day-field">
      <label>${label}<input maxlength="11" ...${typed} /></label>
      <button type="button" class="icon-button" aria-label=${t("day.pick", { label })} onClick=${() => calendar.current.showPicker()}><${Icon} name="calendar" /></button>
      <input ref=${calendar} type="date" tabindex="-1" aria-hidden="true" value=${value} min=${min} max=${max} onChange=${pick} />
    </div>`;
}

/** @param {{ label: string, value: string, change: (time: string) => void }} props */
export function TimeField({ label, value, change }) {
  const typed = useTyped(timeOfDay, value, change);
  return html`<label>${label}<input class="time-field" maxlength="5" placeholder="08:00" ...${typed} /></label>`;
}
