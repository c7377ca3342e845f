// How long ago something was, in words. It alone is drawn again as time goes by, not what it stands in.
import { html } from "../lib.js";
import { ago, moment, useTold } from "../time.js";

export function Ago({ at, say = ago }) {
  const said = useTold(() => say(at));
  return html`<time title=${moment(at)}>${said}</time>`;
}
