import { Field } from "./components/field.js";
import { begin } from "./field.js";
import { html, render } from "./lib.js";
import { language, setLanguage } from "./words.js";

setLanguage(language());
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${Field} />`, root);
begin();
