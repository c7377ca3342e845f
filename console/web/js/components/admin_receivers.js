// How the receivers of alerts are doing, what they refused; adding one, changing one (target_editor).
import { inOrder } from "../answer.js";
import { api } from "../api.js";
import { notify, words } from "../duty.js";
import { html, useEffect, useMemo, useState } from "../lib.js";
import { useApp } from "../state.js";
import { moment } from "../time.js";
import { t } from "../words.js";
import { TargetEditor } from "./target_editor.js";
import { Unanswered } from "./unanswered.js";

const AGAIN_MS = 10000;
const MOST = 200;
const NEW = "+"; // no receiver has this id

export function Receivers() {
  const names = useApp((s) => s.deployment?.targets ?? {});
  const changed = useApp((s) => s.targets);
  const [found, setFound] = useState(/** @type {any} */ (null)); // null: not known, which is not "none"
  const [problem, setProblem] = useState(/** @type {any} */ (null));
  const [open, edit] = useState(/** @type {string | null} */ (null));
  const people = Object.entries(names).filter(([id]) => id.startsWith("person:"));

  const order = useMemo(inOrder, []);
  async function load() {
    const counts = order.ask();
    try {
      const targets = await api("/targets");
      const ids = [...targets.map((one) => one.id), ...people.map(([id]) => id)];
      const [pending, dead, ...last] = await Promise.all([
        ...["pending", "dead"].map((state) => api(`/deliveries?state=${state}&limit=${MOST}`)),
        ...ids.map((id) => api(`/deliveries?state=delivered&target_id=${encodeURIComponent(id)}&limit=1`)),
      ]);
      if (!counts()) return;
      setFound({ targets, pending, dead, last: new Map(last.flat().map((one) => [one.target_id, one])) });
      setProblem(null);
    } catch (error) {
      if (counts()) setProblem(error);
    }
  }
  useEffect(() => {
    load();
    const timer = setInterval(load, AGAIN_MS);
    return () => clearInterval(timer);
  }, [changed]);

  async function again(id) {
    try {
      await api(`/deliveries/${id}/redeliver`, { method: "POST" });
      await load();
    } catch (error) {
      notify(words(error), "bad");
    }
  }

  const close = () => {
    const was = open;
    edit(null);
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (document.querySelector(`[data-edit-target="${CSS.escape(was ?? "")}"]`))?.focus());
  };
  const opener = (id, word, name) => html`<button class="button small" data-edit-target=${id} aria-expanded=${open === id} aria-label=${name ? `${word} ${name}` : word} onClick=${() => (open === id ? close() : edit(id))}>${word}</button>`;
  const head = html`<div class="stage-head"><h1>${t("admin.receivers")}</h1><span class="place">${t("admin.receivers.what")}</span></div>
    <${Unanswered} of=${{ found, problem, load }} />`;
  if (!found) return html`<section class="panel" aria-label=${t("admin.receivers")} aria-busy=${!problem}>${head}</section>`;
  return html`
    <section class="panel" aria-label=${t("admin.receivers")}>
      ${head}
      <table class="receivers">
        <thead><tr><th>${t("admin.receiver")}</th><th>${t("delivery.pending")}</th><th>${t("delivery.dead")}</th><th>${t("admin.receiver.last")}</th><th>${t("admin.receiver.trouble")}</th><th></th></tr></thead>
        <tbody>
          ${found.targets.map(
            (one) => html`
              <tr key=${one.id} data-target=${one.id}>
                <td>
                  ${one.name} <small>${one.address}</small>
                  ${one.enabled ? null : html` <span class="tag" title=${t("receiver.off.what")}>${t("receiver.off")}</span>`}
                  ${one.saved ? html` <span class="tag" title=${t(one.in_file ? "receiver.saved.what" : "receiver.is.added")}>${t(one.in_file ? "receiver.saved" : "receiver.added")}</span>` : null}
                </td>
                <td>${one.waiting}</td><td>${one.refused ? html`<b class="bad">${one.refused}</b>` : 0}</td>
                <${Doing} id=${one.id} found=${found} />
                <td class="row right">${opener(one.id, t("receiver.edit"), one.name)}</td>
              </tr>
              ${open === one.id ? html`<tr class="row-edit" key=${`${one.id} edit`}><td colspan="6"><${TargetEditor} key=${one.id} known=${one} close=${close} changed=${load} /></td></tr>` : null}`,
          )}
          ${people.map(
            ([id, name]) => html`
              <tr key=${id} data-target=${id}>
                <td>${name}</td><td>${count(found.pending, id)}</td><td>${count(found.dead, id) ? html`<b class="bad">${count(found.dead, id)}</b>` : 0}</td>
                <${Doing} id=${id} found=${found} /><td></td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${open === NEW ? html`<div class="new-target"><${TargetEditor} known=${null} close=${close} changed=${load} /></div>` : html`<div class="row new-user">${opener(NEW, t("receiver.add"))}</div>`}
      ${found.dead.length
        ? html`<h2>${t("admin.dead")}</h2>
            <table>
              <thead><tr><th>${t("admin.receiver")}</th><th>${t("records.time")}</th><th>${t("admin.reason")}</th><th></th></tr></thead>
              <tbody>
                ${found.dead.map(
                  (one) => html`
                    <tr key=${one.delivery_id} data-dead=${one.delivery_id}>
                      <td>${one.target_name}</td><td>${moment(one.created_at)}</td><td>${one.last_error}</td>
                      <td class="row right"><button class="button small" onClick=${() => again(one.delivery_id)}>${t("admin.again")}</button></td>
                    </tr>`,
                )}
              </tbody>
            </table>`
        : html`<p class="none">${t("admin.no_dead")}</p>`}
    </section>`;
}

function count(list, id) {
  const mine = list.filter((one) => one.target_id === id).length;
  return list.length === MOST && mine ? `${mine}+` : mine; // the list may go on
}

/** When it last acknowledged something, and what is wrong now. */
function Doing({ id, found }) {
  const tried = found.pending.find((one) => one.target_id === id && one.last_error);
  return html`
    <td>${found.last.has(id) ? moment(found.last.get(id).acknowledged_at) : t("admin.receiver.never")}</td>
    <td>${tried ? html`<span class="bad">${tried.last_error}</span> <small>${t("delivery.attempts", { n: tried.attempts })} · ${t("admin.receiver.next", { time: moment(tried.next_attempt_at) })}</small>` : "–"}</td>`;
}
