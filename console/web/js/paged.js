// A long list that lies on the server: read a page at a time as one comes near it, forgotten again where one is
// far away. Cursors are keys (time and number), so a page can be read again whatever has changed meanwhile.
import { mayPass, pauseMs } from "./api.js";
import { useEffect, useState } from "./lib.js";

const NEAR = 2; // pages kept and read on each side of what is looked at

/** @typedef {{ cursor: string | null, rows: any[] | null, length: number, busy: boolean }} Page */

export class Paged {
  /** @param {(cursor: string | null) => Promise<{ rows: any[], next: string | null }>} read */
  constructor(read) {
    this.read = read;
    /** @type {Page[]} */
    this.pages = [page(null)];
    this.ended = false;
    /** @type {any} */
    this.problem = null; // while there is one, only what failed is asked for again
    this.failed = { number: 0, times: 0, timer: 0 };
    this.listeners = new Set();
  }

  /** Rows that are known of; there may be more until `ended`. */
  get length() {
    return this.pages.reduce((sum, one) => sum + one.length, 0);
  }

  get busy() {
    return this.pages.some((one) => one.busy);
  }

  /** The row at an index; null while it is not here. */
  at(index) {
    const { number, offset } = this.find(index);
    return this.pages[number]?.rows?.[offset] ?? null;
  }

  /** Rows from `first` to `last` are looked at: have them, and those around them. */
  look(first, last) {
    const from = Math.max(0, this.find(first).number - NEAR);
    const to = Math.min(this.pages.length - 1, this.find(last).number + NEAR);
    this.pages.forEach((one, number) => {
      if ((number < from || number > to) && one.rows && number !== 0) one.rows = null; // its length is kept
      if (number >= from && number <= to && !one.rows && !one.busy && !this.problem) this.load(number);
    });
  }

  async load(number) {
    const one = this.pages[number];
    one.busy = true;
    this.tell();
    try {
      const { rows, next } = await this.read(one.cursor);
      one.rows = rows;
      one.length = rows.length;
      const isLast = number === this.pages.length - 1;
      if (isLast && next) this.pages.push(page(next));
      if (isLast) this.ended = !next;
      this.failed.times = 0;
    } catch (problem) {
      this.problem = problem;
      this.failed.number = number;
      this.failed.times += 1;
      clearTimeout(this.failed.timer);
      if (mayPass(problem)) this.failed.timer = setTimeout(() => this.listeners.size && this.retry(), pauseMs(this.failed.times));
    }
    one.busy = false;
    this.tell();
  }

  retry() {
    clearTimeout(this.failed.timer);
    this.problem = null;
    this.load(this.failed.number);
  }

  /** A row has changed: `belongs` says whether it is still one of this list, `before(a, b)` how the list is ordered. */
  put(row, same, belongs, before) {
    for (const one of this.pages) {
      const at = one.rows ? one.rows.findIndex((other) => same(other, row)) : -1;
      if (at < 0) continue;
      one.rows = belongs ? one.rows.with(at, row) : one.rows.filter((other) => !same(other, row));
      one.length = one.rows.length;
      this.tell();
      return;
    }
    if (!belongs) return;
    const home = this.pages.find((one, number) => one.rows && (one.rows.some((other) => before(row, other)) || (this.ended && number === this.pages.length - 1)));
    if (!home?.rows) return; // it will come with its page
    const at = home.rows.findIndex((other) => before(row, other));
    home.rows = at < 0 ? [...home.rows, row] : home.rows.toSpliced(at, 0, row);
    home.length = home.rows.length;
    this.tell();
  }

  indexOf(test) {
    let index = 0;
    for (const one of this.pages) {
      const at = one.rows ? one.rows.findIndex(test) : -1;
      if (at >= 0) return index + at;
      index += one.length;
    }
    return -1;
  }

  find(index) {
    let offset = index;
    for (const [number, one] of this.pages.entries()) {
      if (offset < one.length) return { number, offset };
      offset -= one.length;
    }
    return { number: this.pages.length - 1, offset };
  }

  tell() {
    for (const listener of [...this.listeners]) listener();
  }
}

/** @returns {Page} */
const page = (cursor) => ({ cursor, rows: null, length: 0, busy: false });

/** Draws the component again whenever the list has changed. @param {Paged | null} list */
export function usePaged(list) {
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!list) return undefined;
    const listener = () => redraw((n) => n + 1);
    list.listeners.add(listener);
    listener();
    return () => list.listeners.delete(listener);
  }, [list]);
}
