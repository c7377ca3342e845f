// Plots drawn as plain rectangles. What a bar says is also in its title, and in words for a screen reader.
import { html } from "../lib.js";
import { t } from "../words.js";

export const OUTCOMES = ["wildfire", "permitted_burn", "other_smoke", "false_alarm", "open"];

/** Stacked upright bars: [{ key, label, tally }]. `every` thins the labels beneath. */
export function Columns({ title, rows, every = 1 }) {
  const most = Math.max(1, ...rows.map((one) => one.tally.total));
  return html`
    <figure class="chart">
      <figcaption>${title}<span class="chart-most">${t("records.most", { n: most })}</span></figcaption>
      <div class="columns" role="img" aria-label=${`${title}: ${rows.filter((one) => one.tally.total).map(said).join("; ") || t("records.none")}`}>
        ${rows.map(
          (one, index) => html`
            <div class="column" key=${one.key} title=${said(one)}>
              <div class="stack">
                ${OUTCOMES.filter((name) => one.tally[name]).map((name) => html`<i key=${name} class=${`part ${name}`} style=${{ height: `${(100 * one.tally[name]) / most}%` }}></i>`)}
              </div>
              <span>${index % every === 0 ? one.label : ""}</span>
            </div>`,
        )}
      </div>
    </figure>`;
}

/** Stacked lying bars with their numbers, longest first, at most `most` of them. */
export function Bars({ title, rows, most = 8 }) {
  const sorted = [...rows].sort((a, b) => b.tally.total - a.tally.total).slice(0, most);
  const longest = Math.max(1, ...sorted.map((one) => one.tally.total));
  return html`
    <figure class="chart">
      <figcaption>${title}</figcaption>
      ${sorted.length
        ? html`<ol class="bars">
            ${sorted.map(
              (one) => html`
                <li key=${one.key} title=${said(one)}>
                  <span class="bar-name">${one.label}</span>
                  <span class="bar-track"><span class="bar-line" style=${{ width: `${(100 * one.tally.total) / longest}%` }}>
                    ${OUTCOMES.filter((name) => one.tally[name]).map((name) => html`<i key=${name} class=${`part ${name}`} style=${{ flexGrow: one.tally[name] }}></i>`)}
                  </span></span>
                  <b>${one.tally.total}</b>
                </li>`,
            )}
          </ol>`
        : html`<p class="none">${t("records.none")}</p>`}
    </figure>`;
}

/** Colour, sign and number of each outcome: the key to the plots, and a table in itself. */
export function Legend({ tally, chosen, choose }) {
  return html`
    <div class="outcomes" role="group" aria-label=${t("records.outcome")}>
      <button class=${`outcome all ${chosen === "" ? "chosen" : ""}`} aria-pressed=${chosen === ""} onClick=${() => choose("")}>
        <b>${tally.total}</b><span>${t("records.all")}</span>
      </button>
      ${OUTCOMES.map(
        (name) => html`
          <button key=${name} class=${`outcome ${chosen === name ? "chosen" : ""}`} aria-pressed=${chosen === name} onClick=${() => choose(name)}>
            <b>${tally[name]}</b><span><i class=${`part ${name}`}></i>${t(`outcome.${name}`)}</span>
          </button>`,
      )}
    </div>`;
}

const said = (one) =>
  `${one.label || one.key}: ${OUTCOMES.filter((name) => one.tally[name]).map((name) => `${t(`outcome.${name}`)} ${one.tally[name]}`).join(", ") || 0}`;
