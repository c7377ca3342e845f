// Which weights look at the cameras, since when, which are tried beside them, and what their cards say.
import { useAnswer } from "../answer.js";
import { html } from "../lib.js";
import { moment } from "../time.js";
import { t } from "../words.js";
import { Unanswered } from "./unanswered.js";

export function Models() {
  const answer = useAnswer("/models");
  const { found, problem } = answer;

  const state = (one) =>
    one.in_use
      ? html`<b class="good">${t("admin.models.in_use")}</b> <small>${found.promoted_at ? t("admin.models.since", { time: moment(found.promoted_at) }) : t("admin.models.shipped")}</small>`
      : one.in_shadow
        ? html`<b>${t("admin.models.shadow")}</b> <small>${found.shadow_wrote_at ? t("admin.models.wrote", { time: moment(found.shadow_wrote_at) }) : t("admin.models.silent")}</small>`
        : one.name === found.previous
          ? t("admin.models.previous")
          : "–";
  return html`
    <section class="panel" aria-label=${t("admin.models")} aria-busy=${!found && !problem}>
      <div class="stage-head"><h1>${t("admin.models")}</h1><span class="place">${t("admin.models.what")}</span></div>
      <${Unanswered} of=${answer} />
      ${found?.problems.map((one) => html`<p class="none bad" role="alert" key=${one}>${one}</p>`)}
      ${found
        ? html`
            <table>
              <thead><tr><th>${t("fact.model")}</th><th>${t("admin.state")}</th><th>${t("admin.models.threshold", { profile: t(`profile.${found.profile}`) })}</th><th>${t("admin.models.licence")}</th></tr></thead>
              <tbody>
                ${found.models.map(
                  (one) => html`
                    <tr key=${one.name} data-model=${one.name}>
                      <td lang="en"><b>${one.model_id}</b> <small>${one.title}</small></td><td>${state(one)}</td><td>${one.thresholds[found.profile]}</td><td lang="en">${one.licence}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
            ${cards(found.models).map(
              ([card, names]) => html`<details class="card-text" key=${names}><summary>${t("admin.models.card", { name: names })}</summary><pre lang="en" tabindex="0">${card}</pre></details>`,
            )}`
        : null}
    </section>`;
}

/** Several models may share a card. */
function cards(models) {
  const found = new Map();
  for (const one of models) if (one.card) found.set(one.card, [...(found.get(one.card) ?? []), one.name]);
  return [...found].map(([card, names]) => [card, names.join(", ")]);
}
