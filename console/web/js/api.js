// Talks to /api/v1. Every failure is a Problem with the server's words; a lost session is told apart.

export class Problem extends Error {
  constructor(status, kind, detail) {
    super(detail);
    this.status = status;
    this.kind = kind;
  }
}

const PAUSES_MS = [2000, 4000, 8000, 15000];

/** How long to wait before asking again after so many failures one after another. */
export const pauseMs = (failures) => PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1];

/** Whether the same question may be answered a moment later. */
export const mayPass = (problem) => problem.status === 0 || problem.status === 429 || problem.status >= 500;

/** Nobody is signed in any more, and why. */
const SIGNED_OUT = ["not-signed-in", "token-withdrawn", "token-expired"];

let csrf = "";
let onSignedOut = (_kind) => {};

export function useToken(token) {
  csrf = token;
}

export function whenSignedOut(callback) {
  onSignedOut = callback;
}

/**
 * A request whose body and answer are no JSON (WebRTC signalling). Raises Problem like `api`.
 * @param {string} path
 * @param {{ method: string, type?: string, body?: string, keepalive?: boolean, signal?: AbortSignal }} how
 */
export async function plain(path, { method, type, body, keepalive = false, signal }) {
  const answer = await fetch(path, { method, body, keepalive, signal, headers: { "X-CSRF-Token": csrf, ...(type ? { "Content-Type": type } : {}) } });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, String(told.type || "").split(":").pop() || "http", told.detail || answer.statusText);
}

/**
 * @param {string} path below /api/v1
 * @param {{ method?: string, body?: any, quiet?: boolean, patience_ms?: number }} [how]
 * @returns {Promise<any>} the answer's JSON, or null when it has none
 */
export async function api(path, { method = "GET", body, quiet = false, patience_ms = 15000 } = {}) {
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(method === "GET" ? {} : { "X-CSRF-Token": csrf }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience_ms),
    });
  } catch {
    throw new Problem(0, "unreachable", "");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const told = await answer.json().catch(() => ({}));
  const kind = String(told.type || "").split(":").pop() || "http";
  if (answer.status === 401 && SIGNED_OUT.includes(kind) && !quiet) onSignedOut(kind);
  throw new Problem(answer.status, kind, told.detail || answer.statusText);
}
