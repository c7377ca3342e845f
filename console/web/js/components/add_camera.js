// Adding a camera, step by step: its address and what it sends, its name and place, roughly where it looks; then it
// is there and learns, and its pose is found from landmarks and its masks are drawn on its own picture.
import { useAnswer } from "../answer.js";
import { api } from "../api.js";
import { loadCameras, notify, words } from "../duty.js";
import { html, useState } from "../lib.js";
import { useApp } from "../state.js";
import { moment } from "../time.js";
import { probeWords, t } from "../words.js";
import { Calibration } from "./calibration.js";
import { MapPanel } from "./map.js";
import { MaskEditor } from "./mask_editor.js";
import { RoughPose, roughPose } from "./rough_pose.js";

const STEPS = ["address", "place", "pose", "landmarks", "masks", "learning"];
const NO_MARKS = [];
const stay = () => {};

export function AddCamera({ close }) {
  const [step, go] = useState(0);
  const [given, put] = useState(/** @type {any} */ ({ transport: "tcp" }));
  const [made, setMade] = useState(/** @type {any} */ (null)); // the version that the centre has kept
  const known = useApp((s) => s.cameras).find((one) => one.id === made?.camera.id);
  const camera = known ?? (made ? { ...made.camera, state: "connecting", picture_at: null } : null);
  const next = (more = {}) => {
    put({ ...given, ...more });
    go(step + 1);
  };

  async function add(pose) {
    try {
      const stream = { transport: given.transport };
      const { source, id, name, lat_deg, lon_deg, mast_height_m } = given;
      const answer = await api("/cameras", { method: "POST", body: { source, stream, id, name, lat_deg, lon_deg, mast_height_m, pose } });
      setMade(answer);
      put({ ...given, source: "" }); // it is kept in one place, and not here
      await loadCameras();
      go(step + 1);
    } catch (problem) {
      notify(words(problem), "bad");
    }
  }

  const name = STEPS[step];
  return html`
    <section class="camera-one" aria-label=${t("add")} data-step=${name}>
      <div class="panel add-camera">
        <div class="stage-head"><h2>${t("add")}</h2><span class="spring"></span><button class="button small ghost" onClick=${close}>${t(made ? "close" : "cancel")}</button></div>
        <ol class="steps">${STEPS.map((one, index) => html`<li key=${one} class=${index === step ? "now" : index < step ? "done" : ""} aria-current=${index === step ? "step" : null}>${index + 1} ${t(`add.${one}`)}</li>`)}</ol>
        ${name === "address" ? html`<${Address} given=${given} next=${next} />` : null}
        ${name === "place" ? html`<${Place} given=${given} next=${next} back=${() => go(0)} />` : null}
        ${name === "pose" ? html`<${Pose} add=${add} back=${() => go(1)} />` : null}
        ${name === "landmarks" ? html`<p class="none">${t("add.landmarks.why")}</p><${Calibration} camera=${camera} seen=${made.version} saved=${(version) => (setMade(version), go(step + 1))} close=${() => go(step + 1)} closing=${t("add.later")} />` : null}
        ${name === "masks" ? html`<${Masks} camera=${camera} done=${() => go(step + 1)} />` : null}
        ${name === "learning" ? html`<${Learning} made=${made} close=${close} />` : null}
      </div>
    </section>`;
}

function Address({ given, next }) {
  const [found, tell] = useState(/** @type {any} */ (null)); // | "busy" | what it sends
  const [source, write] = useState(given.source ?? "");
  const [transport, choose] = useState(given.transport);
  const [problem, setProblem] = useState("");

  async function test(event) {
    event.preventDefault();
    tell("busy");
    setProblem("");
    try {
      const answer = await api("/cameras/probe", { method: "POST", body: { source: source.trim(), stream: { transport } }, patience_ms: 45000 });
      if (answer.problem) throw new Error(answer.problem);
      tell(answer);
    } catch (error) {
      tell(null);
      setProblem(words(error));
    }
  }

  const good = found && found !== "busy";
  return html`
    <form class="stack" onSubmit=${test} onInput=${() => good && tell(null)}>
      <label>${t("add.source")}<input name="source" required minlength="8" maxlength="2000" autocomplete="off" spellcheck=${false} placeholder="rtsp://user:password@10.2.0.11:554/..." value=${source} onInput=${(event) => write(event.target.value)} /></label>
      <label>${t("add.transport")}<select name="transport" value=${transport} onChange=${(event) => choose(event.target.value)}><option value="tcp">TCP</option><option value="udp">UDP</option></select></label>
      <p class="none">${t("add.source.hint")}</p>
      ${problem ? html`<p class="login-problem" role="alert" data-probe="bad">${t("camera.test.bad")}：${problem}</p>` : null}
      <div class="row"><button class=${`button ${good ? "" : "primary"}`} disabled=${found === "busy"}>${t(found === "busy" ? "camera.test.busy" : "camera.test")}</button></div>
    </form>
    ${good ? html`
      <div class="probe" data-probe="good">
        ${found.picture_jpeg ? html`<img src=${`data:image/jpeg;base64,${found.picture_jpeg}`} alt=${t("add.picture")} />` : html`<p class="none">${t("add.picture.none")}</p>`}
        <dl class="facts">
          <div><dt>${t("add.codec")}</dt><dd>${found.codec}</dd></div>
          <div><dt>${t("add.size")}</dt><dd>${found.width_px} × ${found.height_px}</dd></div>
          <div><dt>${t("add.fps")}</dt><dd>${found.fps ? found.fps.toFixed(1) : "–"}</dd></div>
          <div><dt>${t("add.keys")}</dt><dd>${found.key_frame_spacing_s ? t("add.every", { s: found.key_frame_spacing_s.toFixed(1) }) : "–"}</dd></div>
          <div class="wide"><dt>${t("add.clock")}</dt><dd>${probeWords(found.clock)}</dd></div>
        </dl>
        ${found.remarks.map((one) => html`<p class="caution" key=${one}>${probeWords(one)}</p>`)}
      </div>
      <div class="mask-tools"><span class="spring"></span><button class="button primary" onClick=${() => next({ source: source.trim(), transport })}>${t("add.next")}</button></div>` : null}`;
}

function Place({ given, next, back }) {
  const [at, put] = useState(/** @type {any} */ (given));
  const field = (name, how = {}) => html`<input name=${name} required ...${how} value=${at[name] ?? ""} onInput=${(event) => put({ ...at, [name]: event.target.value })} />`;
  const number = (name, least, most) => field(name, { type: "number", step: "any", min: least, max: most });
  const onMap = ({ lat_deg, lon_deg }) => put((before) => ({ ...before, lat_deg: lat_deg.toFixed(6), lon_deg: lon_deg.toFixed(6) }));
  const place = { lat_deg: Number(at.lat_deg), lon_deg: Number(at.lon_deg) };
  function submit(event) {
    event.preventDefault();
    next({ id: at.id, name: at.name.trim(), ...place, mast_height_m: Number(at.mast_height_m) });
  }
  return html`
    <form class="stack" onSubmit=${submit}>
      <div class="row">
        <label>${t("add.name")}${field("name", { maxlength: 100 })}</label>
        <label>${t("add.id")}${field("id", { pattern: "[a-z0-9][a-z0-9_\\-]*", maxlength: 63, title: t("add.id.hint"), placeholder: "dashan-01" })}</label>
      </div>
      <p class="none">${t("add.place.hint")}</p>
      <div class="calibration-map asked"><${MapPanel} whole marks=${NO_MARKS} onCamera=${stay} onPlace=${onMap} place=${at.lat_deg && at.lon_deg ? { ...place, points: [place] } : undefined} /></div>
      <div class="row">
        <label>${t("add.lat")}${number("lat_deg", -90, 90)}</label>
        <label>${t("add.lon")}${number("lon_deg", -180, 180)}</label>
        <label>${t("add.mast")}${number("mast_height_m", 0, 500)}</label>
      </div>
      <div class="row"><button class="button primary">${t("add.next")}</button><button type="button" class="button ghost" onClick=${back}>${t("add.back")}</button></div>
    </form>`;
}

function Pose({ add, back }) {
  const [busy, setBusy] = useState(false);
  const [pose, put] = useState(/** @type {any} */ ({ azimuth_deg: "", tilt_deg: "-3", hfov_deg: "60" }));
  async function submit(event) {
    event.preventDefault();
    setBusy(true);
    await add(roughPose(pose));
    setBusy(false);
  }
  return html`
    <form class="stack" onSubmit=${submit}>
      <p class="none">${t("add.pose.hint")}</p>
      <div class="row"><${RoughPose} pose=${pose} put=${(change) => put({ ...pose, ...change })} /></div>
      <p class="caution">${t("add.then")}</p>
      <div class="row"><button class="button primary" disabled=${busy}>${t("add.do")}</button><button type="button" class="button ghost" onClick=${back}>${t("add.back")}</button></div>
    </form>`;
}

function Masks({ camera, done }) {
  const { found, load } = useAnswer(`/cameras/${camera.id}/health?days=1`); // a new camera: there are none before one is drawn
  return html`
    <p class="none">${t("add.masks.why")}</p>
    <${MaskEditor} camera=${camera} masks=${found?.masks ?? []} changed=${load} />
    <div class="mask-tools"><span class="spring"></span><button class="button primary" onClick=${done}>${t("add.next")}</button></div>`;
}

function Learning({ made, close }) {
  return html`
    <div class="stack" data-added=${made.camera.id}>
      <p><strong>${made.camera.name}</strong> · ${made.learning_until ? t("learning.until", { time: moment(made.learning_until) }) : t("learning.none")}</p>
      <p class="none">${t("learning.what")}</p>
      <div class="row"><button class="button primary" onClick=${close}>${t("add.finish")}</button></div>
    </div>`;
}
