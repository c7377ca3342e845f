// Where a camera looks as one can say it before landmarks are found: roughly, and with the doubt that belongs to it.
import { html } from "../lib.js";
import { t } from "../words.js";

/** @param {{ pose: any, put: (change: any) => void }} props `pose`: as it is typed, so texts */
export function RoughPose({ pose, put }) {
  const field = (name, least, most) => html`<input name=${name} type="number" step="any" min=${least} max=${most} required value=${pose[name]} onInput=${(event) => put({ [name]: event.target.value })} />`;
  return html`
    <label>${t("calibrate.azimuth")} (°)${field("azimuth_deg", 0, 360)}</label>
    <label>${t("calibrate.tilt")} (°)${field("tilt_deg", -90, 90)}</label>
    <label>${t("calibrate.hfov")} (°)${field("hfov_deg", 1, 169)}</label>`;
}

export const roughPose = (typed) => ({
  azimuth_deg: Number(typed.azimuth_deg) % 360,
  tilt_deg: Number(typed.tilt_deg),
  hfov_deg: Number(typed.hfov_deg),
  azimuth_sigma_deg: 5,
  tilt_sigma_deg: 2,
});
