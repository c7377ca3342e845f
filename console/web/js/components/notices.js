import { UNDO_MS, goTo, holdUndo, letUndoGo, undo } from "../duty.js";
import { keyName } from "../keys.js";
import { html } from "../lib.js";
import { useApp } from "../state.js";
import { span, useTick } from "../time.js";
import { t } from "../words.js";

/** A lost line cannot be overlooked. */
export function Banner() {
  const connection = useApp((s) => s.connection);
  useTick(1000);
  if (connection.up) return html`<div class="banner-space" aria-hidden="true"></div>`;
  return html`
    <div class="banner" role="alert">
      <div class="spinner small"></div>${t("connection.lost", { span: span((Date.now() - connection.since) / 1000) })}
    </div>`;
}

export function Notices() {
  const notices = useApp((s) => s.notices);
  const offered = useApp((s) => s.undo);
  return html`
    <div class="notices" aria-live="polite">
      ${notices.map(
        (one) => html`
          <button key=${one.id} class=${`notice ${one.kind}`} onClick=${() => one.incidentId && goTo(one.incidentId)}>${one.text}</button>`,
      )}
      ${offered ? html`<${Undo} key=${offered.historyId} offered=${offered} />` : null}
    </div>`;
}

function Undo({ offered }) {
  useTick(250);
  const left = offered.held ? UNDO_MS : Math.max(0, offered.until - Date.now());
  return html`
    <div class="notice undo" role="status" onMouseEnter=${holdUndo} onMouseLeave=${letUndoGo} onFocusIn=${holdUndo} onFocusOut=${letUndoGo}>
      <span>${offered.text}</span>
      <button class="button small" onClick=${undo}>${t("undo")}<kbd>${keyName("KeyU")}</kbd></button>
      <span class="undo-left">${Math.ceil(left / 1000)} s</span>
      <i class="undo-bar" style=${{ width: `${(left / UNDO_MS) * 100}%` }}></i>
    </div>`;
}
