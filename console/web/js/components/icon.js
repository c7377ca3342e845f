// Drawn signs, 24 x 24, in the colour of the text around them.
import { html } from "../lib.js";

const PATHS = {
  logo: html`<path d="M2 20 9 8l4 6 2.5-3L22 20z" /><path d="M9 8l2.1 3.2L9 12.6 6.9 11.6z" class="snow" />`,
  smoke: html`<path d="M7 21h7v-3.200c2.600-.2 4.600-2 4.600-4.500 0-.5-.1-1-.3-1.500A4 4 0 0 0 16 4.800 5 5 0 0 0 6.800 6.900 3.700 3.700 0 0 0 6 14c.3.100.7.200 1 .2z" />`,
  fire: html`<path d="M12 2c.8 4 6 5.700 6 11.500A6.200 6.200 0 0 1 12 20a6.200 6.200 0 0 1-6-6.500c0-2.600 1.300-4.300 2.600-5.200 0 1.800.7 2.600 1.700 2.600 1.900 0 .2-5 1.700-8.900z" />`,
  camera: html`<path d="M3 7h11v10H3zM14 10.500 21 7v10l-7-3.500z" />`,
  bell: html`<path d="M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM10 18a2 2 0 0 0 4 0z" />`,
  mute: html`<path d="M12 3a6 6 0 0 0-6 6v4l-2 3h16l-2-3V9a6 6 0 0 0-6-6zM10 18a2 2 0 0 0 4 0z" /><path d="M3 3l18 18" class="stroke" />`,
  send: html`<path d="M3 11.500 21 3l-6 18-4-7z" />`,
  person: html`<path d="M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm0 2c-4 0-8 2-8 5v1h16v-1c0-3-4-5-8-5z" />`,
  phone: html`<path d="M6.500 3 9.500 7 8 9.500c1 2.500 3 4.500 5.500 5.500L17 13.500l4 3c0 2.500-2 4.500-4.500 4.500C9 21 3 15 3 7.500 3 5 4.500 3 6.500 3z" />`,
  copy: html`<path d="M8 8h12v12H8z" class="line" /><path d="M4 16V4h12" class="line" />`,
  check: html`<path d="M4 12.500 9.500 18 20 6.500" class="line" />`,
  cross: html`<path d="M5 5l14 14M19 5 5 19" class="line" />`,
  caution: html`<path d="M12 3.500 22 20.500H2zM12 10v5M12 17.500v.500" class="line" />`,
  clock: html`<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5.500l4 2" class="line" />`,
  calendar: html`<path d="M4 6h16v14H4zM4 10.500h16M8 3v4M16 3v4" class="line" />`,
  full: html`<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" class="line" />`,
  link: html`<path d="M5 12a10 10 0 0 1 14 0M8 15a6 6 0 0 1 8 0M12 19h.01" class="line" />`,
};

export function Icon({ name, title }) {
  return html`<svg class=${`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden=${title ? undefined : "true"} role=${title ? "img" : undefined} aria-label=${title}>
    ${PATHS[name]}
  </svg>`;
}
