// The event stream, held open by all means: a line that breaks, a proxy that swallows it and a server that
// restarts are all noticed within seconds, told, and healed without reload. Nothing is missed: the stream
// resumes after the last event that was seen.

const SILENT_MS = 12000; // the server says `alive` every 5 s
const RETRY_MS = [500, 1000, 2000, 3000];
const KINDS = ["incident", "alert", "delivery", "camera", "roster", "target"];

export class Live {
  /**
   * @param {{onEvent: (event: any) => void, onAlive: (now: Date) => void, onState: (up: boolean) => void,
   *          onReset: () => void, onSignedOut: () => void, check: () => Promise<void>}} handlers
   * @param {string} [path]
   */
  constructor(handlers, path = "/api/v1/events") {
    this.path = path;
    this.handlers = handlers;
    this.lastId = null;
    this.source = null;
    this.failures = 0;
    this.timers = { silent: 0, retry: 0 };
  }

  start(after) {
    this.stop();
    this.lastId = after;
    this.open();
  }

  stop() {
    clearTimeout(this.timers.silent);
    clearTimeout(this.timers.retry);
    this.source?.close();
    this.source = null;
  }

  open() {
    this.stop();
    const source = new EventSource(`${this.path}?after=${this.lastId}`);
    this.source = source;
    this.expectSign();
    source.addEventListener("alive", (message) => {
      this.failures = 0;
      this.expectSign();
      this.handlers.onState(true);
      this.handlers.onAlive(new Date(JSON.parse(message.data).now));
    });
    for (const kind of KINDS) {
      source.addEventListener(kind, (message) => {
        this.expectSign();
        const event = JSON.parse(message.data);
        this.lastId = event.event_id;
        this.handlers.onEvent(event);
      });
    }
    source.addEventListener("reset", () => this.handlers.onReset());
    source.addEventListener("signed_out", () => this.handlers.onSignedOut());
    source.onerror = () => this.lost();
  }

  expectSign() {
    clearTimeout(this.timers.silent);
    this.timers.silent = setTimeout(() => this.lost(), SILENT_MS);
  }

  lost() {
    this.stop();
    this.handlers.onState(false);
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.timers.retry = setTimeout(async () => {
      try {
        await this.handlers.check(); // a lost session looks like a lost line to an EventSource
      } catch (problem) {
        if (problem.status === 401) return;
      }
      this.open();
    }, wait);
  }
}
