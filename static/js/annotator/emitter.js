/** A minimal publisher, so that the pure modules need neither the DOM nor EventTarget. */
export class Emitter {
  #listeners = new Map();

  /** Calls `fn(detail)` at each `emit(name, detail)`; returns a function that stops it. */
  on(name, fn) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(fn);
    return () => this.#listeners.get(name).delete(fn);
  }

  emit(name, detail) {
    for (const fn of this.#listeners.get(name) ?? []) fn(detail);
  }
}
