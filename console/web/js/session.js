// Who is signed in on this page.
import { api, useToken, whenSignedOut } from "./api.js";
import { load, stop } from "./duty.js";
import { get, set } from "./state.js";

/** Go on with a session that the browser still has, or ask for the password. */
export async function resume() {
  whenSignedOut(sessionEnded);
  try {
    enter(await api("/session", { quiet: true }));
  } catch (problem) {
    if (problem.status === 401) set({ phase: "signed_out" });
    else set({ phase: "failed", problem });
  }
}

export async function signIn(username, password) {
  enter(await api("/session", { method: "POST", body: { username, password } }));
}

export async function signOut() {
  stop();
  await api("/session", { method: "DELETE" }).catch(() => null);
  set({ phase: "signed_out", session: null, problem: null, dialog: null });
}

export function sessionEnded() {
  if (get().phase === "signed_out") return;
  stop();
  set({ phase: "signed_out", session: null, problem: { kind: "ended" }, dialog: null });
}

export async function changePassword(old, next) {
  const session = await api("/session/password", { method: "POST", body: { old, new: next } });
  const first = get().session?.must_change;
  if (first) enter(session);
  else {
    useToken(session.csrf);
    set({ session });
  }
}

function enter(session) {
  useToken(session.csrf);
  set({ session, phase: session.must_change ? "must_change" : "loading", problem: null });
  if (!session.must_change) load();
}
