/**
 * A list known by its length, of which only windows are here: fetched by position where they are looked at, the
 * farthest dropped. So a list of 100,000 costs what one of 500 costs.
 * Events: change (items came), count (the list has another length), error (Error).
 */
import { Emitter } from "../annotator/emitter.js";

const SIZE = 120;
const KEPT = 40;
const AT_ONCE = 3;

export class Windows extends Emitter {
  count = 0;
  #windows = new Map();
  #running = new Map();
  #wanted = [];
  #age = 0;

  /** `fetchWindow(from, size, signal)` → `{items, count}`; `count` is null where the server did not count. */
  constructor({ fetchWindow, size = SIZE, kept = KEPT }) {
    super();
    Object.assign(this, { fetchWindow, size, kept });
  }

  /** Another list: its length, and the items that are known already, from position `from` on. */
  reset(count, from = 0, items = []) {
    for (const abort of this.#running.values()) abort.abort();
    this.#running.clear();
    this.#windows.clear();
    this.#wanted = [];
    this.#age += 1;
    this.count = count;
    items.forEach((item, i) => this.#place(from + i, item));
  }

  /** The item at a position, or null where it is not here yet. */
  item(index) {
    return this.#windows.get(Math.floor(index / this.size))?.[index % this.size] ?? null;
  }

  /** The position of an item that is here, or -1. */
  indexOf(id) {
    for (const [n, window] of this.#windows) {
      const place = window.findIndex((item) => item?.id === id);
      if (place >= 0) return n * this.size + place;
    }
    return -1;
  }

  /** Fetches what is missing of [first, end); what is under way and not wanted any more is given up. */
  want(first, end) {
    this.#wanted = [];
    for (let n = Math.floor(first / this.size); n * this.size < Math.min(end, this.count); n += 1) {
      if (!this.#isWhole(n)) this.#wanted.push(n);
    }
    for (const [n, abort] of this.#running) {
      if (this.#wanted.includes(n)) continue;
      abort.abort();
      this.#running.delete(n);
    }
    this.#forgetFarFrom(Math.floor(first / this.size));
    this.#fetchNext();
  }

  /** Changes what is known of an item, as `change(item)` says. */
  update(change) {
    for (const window of this.#windows.values()) for (const item of window) if (item) change(item);
    this.emit("change");
  }

  #place(index, item) {
    const n = Math.floor(index / this.size);
    if (!this.#windows.has(n)) this.#windows.set(n, []);
    this.#windows.get(n)[index % this.size] = item;
  }

  #isWhole(n) {
    const window = this.#windows.get(n);
    const length = Math.min(this.size, this.count - n * this.size);
    for (let i = 0; i < length; i += 1) if (!window?.[i]) return false;
    return true;
  }

  #fetchNext() {
    for (const n of this.#wanted) {
      if (this.#running.size >= AT_ONCE) return;
      if (!this.#running.has(n) && !this.#isWhole(n)) this.#fetch(n);
    }
  }

  async #fetch(n) {
    const abort = new AbortController();
    const age = this.#age;
    this.#running.set(n, abort);
    try {
      const { items, count } = await this.fetchWindow(n * this.size, this.size, abort.signal);
      if (age !== this.#age) return;
      this.#windows.set(n, items);
      this.#check(n, items, count);
      this.emit("change");
    } catch (error) {
      if (age !== this.#age || abort.signal.aborted) return;
      this.#wanted = [];
      this.emit("error", error);
    } finally {
      if (this.#running.get(n) === abort) this.#running.delete(n);
      if (age === this.#age) this.#fetchNext();
    }
  }

  /** The list got shorter or longer meanwhile: somebody else works on it too. */
  #check(n, items, count) {
    const short = items.length < Math.min(this.size, this.count - n * this.size);
    const now = count ?? (short ? n * this.size + items.length : this.count);
    if (now === this.count) return;
    this.count = now;
    this.emit("count", now);
  }

  #forgetFarFrom(n) {
    const far = [...this.#windows.keys()].sort((a, b) => Math.abs(b - n) - Math.abs(a - n));
    for (const one of far.slice(0, Math.max(0, far.length - this.kept))) this.#windows.delete(one);
  }
}
