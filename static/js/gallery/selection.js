/**
 * Which images are chosen: some by their ids, or all that match the filter but a few. Knows no DOM and no server.
 * Event: change.
 */
import { Emitter } from "../annotator/emitter.js";

export class Selection extends Emitter {
  all = false;
  /** Chosen ids; where `all`, those left out. */
  #ids = new Set();
  /** The position from which Shift chooses a range. */
  anchor = null;

  has(id) {
    return this.all !== this.#ids.has(id);
  }

  /** How many are chosen of a list of `total`. */
  count(total) {
    return this.all ? Math.max(0, total - this.#ids.size) : this.#ids.size;
  }

  get isEmpty() {
    return !this.all && !this.#ids.size;
  }

  /** The one that is chosen, where it is one alone; else null. */
  get only() {
    return !this.all && this.#ids.size === 1 ? [...this.#ids][0] : null;
  }

  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.emit("change");
  }

  add(ids) {
    for (const id of ids) {
      if (this.all) this.#ids.delete(id);
      else this.#ids.add(id);
    }
    this.emit("change");
  }

  selectAll() {
    this.all = true;
    this.#ids.clear();
    this.emit("change");
  }

  clear() {
    if (this.isEmpty && this.anchor === null) return;
    this.all = false;
    this.#ids.clear();
    this.anchor = null;
    this.emit("change");
  }

  /** What the bulk call takes: `{ids}`, or `{filter, except_ids}` with the filter given as an object. */
  body(filter) {
    const ids = [...this.#ids];
    if (!this.all) return { ids };
    return ids.length ? { filter, except_ids: ids } : { filter };
  }
}
