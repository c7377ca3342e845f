import { html } from "../lib.js";
import { resume } from "../session.js";
import { useApp } from "../state.js";
import { words } from "../duty.js";
import { Admin } from "./admin.js";
import { CameraPage } from "./camera_page.js";
import { CameraStrip } from "./cameras.js";
import { Dialogs } from "./dialogs.js";
import { Incident } from "./incident.js";
import { Login, MustChange } from "./login.js";
import { MapPage } from "./map_page.js";
import { Banner, Notices } from "./notices.js";
import { Phases } from "./phases.js";
import { Queue } from "./queue.js";
import { Records } from "./records.js";
import { Side } from "./side.js";
import { TopBar } from "./topbar.js";
import { Stage } from "./wall.js";
import { WallPage } from "./wall_page.js";

const PAGES = { map: MapPage, wall: WallPage, cameras: CameraPage, records: Records, admin: Admin };

export function App() {
  return html`<${Phases} pages=${{ signed_out: Login, must_change: MustChange, ready: Page }} again=${resume} say=${words} />`;
}

function Page() {
  const page = useApp((s) => s.page);
  const kiosk = useApp((s) => s.kiosk && s.page === "wall");
  if (page === "duty") return html`<${Duty} />`;
  return html`
    <div class=${`duty whole ${kiosk ? "kiosk" : ""}`}>
      ${kiosk ? null : html`<${TopBar} />`}
      <${Banner} />
      <${PAGES[page]} />
      <${Notices} />
      <${Dialogs} />
    </div>`;
}

function Duty() {
  const incident = useApp((s) => (s.camera ? null : s.selected));
  const wall = useApp((s) => !s.camera && !s.selected);
  return html`
    <div class=${`duty ${wall ? "at-rest" : ""}`}>
      <${TopBar} />
      <${Banner} />
      <main class="desk">
        <${Queue} />
        ${incident ? html`<${Incident} key=${incident} id=${incident} />` : html`<${Stage} />`}
        <${Side} />
      </main>
      ${wall ? html`<div class="strip-space"></div>` : html`<${CameraStrip} />`}
      <${Notices} />
      <${Dialogs} />
    </div>`;
}
