import { silence, switchSound } from "../alarm.js";
import { queue, words } from "../duty.js";
import { keyName } from "../keys.js";
import { html, useEffect, useRef } from "../lib.js";
import { PAGES } from "../router.js";
import { set, useApp } from "../state.js";
import { clock, day, now, useTick, zoneName } from "../time.js";
import { language, setLanguage, t } from "../words.js";
import { Icon } from "./icon.js";

export function TopBar() {
  const name = useApp((s) => s.deployment?.name);
  const user = useApp((s) => s.session);
  return html`
    <header class="top">
      <div class="brand"><${Icon} name="logo" /><span>${name}</span></div>
      <${Nav} />
      <div class="top-state">
        <${Connection} /><${Cameras} /><${Deliveries} />
      </div>
      <div class="top-tools">
        <${Silence} /><${Sound} /><${LanguageSwitch} />
        <button class="chip wide-only" title=${`${t("help")} (?)`} onClick=${() => set({ dialog: "help" })}>?</button>
        <button class=${`chip ${user?.must_change ? "warn" : ""}`} title=${t("account")} onClick=${() => set({ dialog: "account" })}>
          <${Icon} name="person" /><span class="wide-only">${user?.username}</span>
        </button>
      </div>
      <${Clock} />
    </header>`;
}

function Nav() {
  const page = useApp((s) => s.page);
  const role = useApp((s) => s.session?.role);
  const open = useApp((s) => queue(s.incidents, "suspected").length);
  const bar = useRef(null);
  useEffect(() => bar.current.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" }), [page]); // on a phone the bar is wider than the screen
  const shown = PAGES.filter((name) => name !== "admin" || ["supervisor", "admin"].includes(role));
  return html`
    <nav ref=${bar} class="nav" aria-label=${t("pages")}>
      ${shown.map((name) => html`<a key=${name} href=${`#/${name}`} aria-current=${page === name ? "page" : undefined}>${t(`page.${name}`)}${name === "duty" && page !== "duty" && open ? html`<b>${open}</b>` : null}</a>`)}
    </nav>`;
}

function Clock() {
  useTick(1000);
  const date = now();
  return html`<div class="clock"><time>${clock(date)}</time><span>${day(date)} ${zoneName()}</span></div>`;
}

function Connection() {
  const up = useApp((s) => s.connection.up);
  return html`<span class=${`chip flat ${up ? "good" : "bad"}`} data-connection=${up ? "up" : "lost"}><i class="dot"></i>${t(up ? "connection.up" : "connection.down")}</span>`;
}

function Cameras() {
  const live = useApp((s) => s.cameras.filter((one) => one.state === "live").length);
  const all = useApp((s) => s.cameras.filter((one) => one.enabled).length);
  const problem = useApp((s) => s.camerasProblem);
  if (problem) return html`<span class="chip flat bad" role="alert" title=${words(problem)}><${Icon} name="camera" />${t("top.cameras.unknown")}</span>`;
  return html`<span class=${`chip flat ${live < all ? "warn" : "good"}`}><${Icon} name="camera" />${t("top.cameras", { live, all })}</span>`;
}

function Deliveries() {
  const deliveries = useApp((s) => s.deliveries);
  if (!deliveries) return html`<span class="chip flat bad" role="alert"><${Icon} name="send" />${t("top.deliveries.unknown")}</span>`;
  const { pending, dead } = deliveries;
  const kind = dead ? "bad" : pending ? "warn" : "good";
  const text = dead ? t("top.dead", { n: dead }) : pending ? t("top.pending", { n: pending }) : t("top.delivered");
  return html`<span class=${`chip flat ${kind}`}><${Icon} name="send" />${text}</span>`;
}

function Sound() {
  const { on, blocked } = useApp((s) => s.alarm);
  const text = !on ? t("sound.off") : blocked ? t("sound.blocked") : t("sound.on");
  return html`
    <button class=${`chip ${!on || blocked ? "warn" : ""}`} aria-pressed=${on} title="P" onClick=${switchSound}>
      <${Icon} name=${on ? "bell" : "mute"} /><span class="wide-only">${text}</span>
    </button>`;
}

function Silence() {
  const loudness = useApp((s) => s.alarm.loudness);
  if (!loudness) return null;
  return html`<button class="chip alarm" data-alarm=${loudness} title=${t(`sound.${loudness}`)} onClick=${silence}>${loudness === "ring" ? null : html`<b class="wide-only">${t(`sound.${loudness}`)}</b>`}${t("sound.silence")}<kbd>${keyName("KeyM")}</kbd></button>`;
}

export function LanguageSwitch() {
  const other = language() === "zh" ? "en" : "zh";
  const change = () => {
    setLanguage(other);
    set({ language: other });
  };
  return html`<button type="button" class="chip" lang=${other} onClick=${change}>${other === "en" ? "EN" : "中文"}</button>`;
}
