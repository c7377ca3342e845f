// What was said of a camera, by whom and when, and the way back; and what it reports while it learns.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { loadCameras, mayAdminister, maySupervise, notify, words } from "../duty.js";
import { html } from "../lib.js";
import { moment } from "../time.js";
import { t } from "../words.js";
import { Unanswered } from "./unanswered.js";
import { VersionList } from "./version_list.js";

const CAUSES = ["cloud", "fog", "dust", "glare", "light", "water", "lens", "other"];
const SHOWN = 12;
const AGAIN_MS = 10000;

/** Ask the centre, show what it says, and read the cameras again. */
async function tell(path, body, method = "POST") {
  try {
    await api(path, { method, body });
    await loadCameras();
  } catch (problem) {
    notify(words(problem), "bad");
  }
}

export function LearningPanel({ camera }) {
  const answer = useAnswer(`/cameras/${camera.id}/learning`, { againMs: AGAIN_MS, news: camera.learning_until });
  const { found, problem, load } = answer;
  if (problem && !found) return html`<section class="panel" aria-label=${t("learning")}><${Unanswered} of=${answer} /></section>`;
  if (!found || (!found.learning_until && !found.sightings.length)) return null; // most cameras learn nothing
  const end = async () => {
    if (!confirm(t("learning.end.sure"))) return;
    await tell(`/cameras/${camera.id}/learning/end`, {});
    await load();
  };
  const judge = async (one, how, body) => {
    await tell(`/cameras/${camera.id}/learning/${one.number}/${how}`, body);
    await load();
  };
  return html`
    <section class="panel learning" aria-label=${t("learning")} data-learning=${found.learning_until ? "on" : "over"}>
      <div class="stage-head">
        <span class="tag learning">${t("learning")}</span>
        <h3>${found.learning_until ? t("learning.until", { time: moment(found.learning_until) }) : t("learning.over")}</h3>
        <span class="spring"></span>
        ${found.learning_until ? html`<button class="button small" onClick=${end}>${t("learning.end")}</button>` : null}
      </div>
      <p class="none">${t("learning.what")}</p>
      ${found.sightings.length ? null : html`<p class="none">${t("learning.nothing")}</p>`}
      <ol class="learnt">
        ${found.sightings.slice(0, SHOWN).map((one) => html`
          <li key=${one.number} data-learnt=${one.number}>
            <img loading="lazy" src=${`/api/v1/cameras/${camera.id}/learning/${one.number}/picture`} alt=${t(`label.${one.label}`)} />
            <span><b>${t(`label.${one.label}`)}</b> ${Math.round(one.confidence * 100)} % · <time>${moment(one.confirmed_at)}</time> <span class="tag learning">${t("learning.unsent")}</span></span>
            ${one.raised_as
              ? html`<a href=${`#/duty/${one.raised_as}`}>${t("learning.raised", { who: one.judged_by })}</a>`
              : html`<span class="row">
                  <label>${t("learning.was")} <select value=${one.cause ?? ""} onChange=${(event) => event.target.value && judge(one, "dismissal", { cause: event.target.value })}>
                    <option value="">–</option>${CAUSES.map((cause) => html`<option key=${cause} value=${cause}>${t(`cause.${cause}`)}</option>`)}
                  </select></label>
                  ${one.judged_by ? html`<small>${one.judged_by}</small>` : null}
                  <button class="button small" onClick=${() => confirm(t("learning.alarm.sure")) && judge(one, "alarm")}>${t("learning.alarm")}</button>
                </span>`}
          </li>`)}
      </ol>
    </section>`;
}

/** What was said of a camera, the newest first. For supervisors: others have none. */
export function useVersions(camera) {
  const news = JSON.stringify([camera.pose, camera.enabled, camera.name, camera.learning_until]);
  return useAnswer(maySupervise() ? `/cameras/${camera.id}/versions` : null, { news });
}

export function History({ camera, versions }) {
  const { found, load } = versions;
  const go = async (path, body, method) => {
    await tell(`/cameras/${camera.id}${path}`, body, method);
    await load();
  };
  const did = (one) => (one.action ? t(`versions.${one.action.split(" ")[0]}`, { n: one.action.split(" ").at(-1) }) : "");
  const was = ({ camera: { address, pose, presets } }) => `${address} · ${pose.azimuth_deg.toFixed(2)}° / ${pose.tilt_deg.toFixed(2)}° · ${t("camera.hfov", { n: pose.hfov_deg.toFixed(1) })}${presets.length ? ` · ${t("presets")} ${presets.map((preset) => preset.name).join("、")}` : ""}`;
  return html`
    <${Unanswered} of=${versions} />
    ${found ? html`<${VersionList} found=${found} did=${did} was=${was} revert=${(version) => go("/revert", { version })}>
      <div class="row">
        ${camera.enabled
          ? mayAdminister() ? html`<button class="button small" onClick=${() => confirm(t("versions.remove.sure", { name: camera.name })) && go("", undefined, "DELETE")}>${t("versions.remove")}</button>` : null
          : html`<button class="button small" onClick=${() => go("", { enabled: true }, "PATCH")}>${t("versions.enable")}</button>`}
      </div>
    <//>` : null}`;
}
