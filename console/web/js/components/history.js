// What was done about an incident, by whom and when.
import { html } from "../lib.js";
import { moment } from "../time.js";
import { machineWords, t } from "../words.js";

/** The newest first. */
export const History = ({ rows }) => html`
  <ol class="history">
    ${[...rows].reverse().map((row) => html`<${Row} key=${row.history_id} row=${row} />`)}
  </ol>`;

function Row({ row }) {
  const machine = row.who === "machine";
  const { text, reason } = machine ? machineWords(row.why) : { text: row.why, reason: "" };
  const verdict = row.action === "dismiss" ? [t(`verdict.${row.verdict}`), row.cause && t(`cause.${row.cause}`)].filter(Boolean).join(" · ") : "";
  return html`
    <li class=${`${row.action} ${machine ? "by-machine" : ""}`} data-action=${row.action} title=${reason}>
      <time>${moment(row.at)}</time>
      <span class="what"><b>${verdict || t(`action.${row.action}`)}</b>${text ? html`<span>${text}</span>` : null}</span>
      <span class="who">${machine ? t("machine") : row.who}</span>
    </li>`;
}
