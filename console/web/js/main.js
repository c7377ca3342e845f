import { startAlarm } from "./alarm.js";
import { App } from "./components/app.js";
import { listen } from "./keys.js";
import { showIncident } from "./duty.js";
import { html, render } from "./lib.js";
import { follow } from "./router.js";
import { resume } from "./session.js";
import { language, setLanguage } from "./words.js";

setLanguage(language());
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
follow(showIncident);
listen();
startAlarm();
resume();
