import { startAlarm } from "./alarm.js";
import { App } from "./components/app.js";
import { listen } from "./keys.js";
import { html, render } from "./lib.js";
import { resume } from "./session.js";
import { language, setLanguage } from "./words.js";

setLanguage(language());
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} />`, root);
listen();
startAlarm();
resume();
