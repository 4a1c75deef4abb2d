/**
 * The filtered list of images: a window of it around the current one, and where that one stands ("12 / 364").
 *
 * Images that leave the filter while they are worked on (labelled in a list of unlabelled ones) stay in the window, so
 * that "previous" goes to what was on the screen before. The numbers are counted on from the start in the same sense.
 * Event: change.
 */
import { Emitter } from "./emitter.js";

const BEFORE = 12;
const AFTER = 24;
const EDGE = 8;

export class Navigation extends Emitter {
  items = [];
  index = -1;
  position = 0;
  count = 0;
  #complete = { start: false, end: false };
  #filling = null;

  /** `api` has position(params, query) and window(imageId, before, after, query). */
  constructor({ api, query }) {
    super();
    this.api = api;
    this.query = query;
  }

  get current() {
    return this.items[this.index] ?? null;
  }

  item(imageId) {
    return this.items.find((item) => item.id === imageId) ?? null;
  }

  /** Opens the list at an image (null: at its beginning), be it in the filter or not; the item, or null. */
  async start(imageId) {
    if (!imageId) return this.#jumpTo("at=0");
    const [place, window] = await Promise.all([
      this.api.position(`image=${imageId}`, this.query), this.api.window(imageId, BEFORE, AFTER, this.query),
    ]);
    const isThere = window.items.some((item) => item.id === imageId);
    return isThere ? this.#jump(imageId, place, window) : this.#jump(place.id, place);
  }

  /** The n-th image (0-based) of the list. */
  async at(n) {
    const near = this.items[this.index + n - this.position];
    if (near) return this.move(n - this.position);
    return this.#jumpTo(`at=${n}`);
  }

  async nextUnlabelled() {
    const known = this.items.findIndex((item, i) => i > this.index && !item.is_labeled);
    if (known > 0) return this.move(known - this.index);
    return this.#jumpTo(`next=unlabeled&after=${this.current.id}`);
  }

  /**
   * Another filter: stays on the current image where the new list has it, else goes to the next that it has.
   * Undefined where a still newer filter was chosen before the server had answered: that one's list holds.
   */
  async setQuery(query) {
    const { current } = this;
    this.query = query;
    const place = await this.api.position(current ? `image=${current.id}` : "at=0", query);
    const window = place.id == null ? null : await this.api.window(place.id, BEFORE, AFTER, query);
    return this.query === query ? this.#jump(place.id, place, window) : undefined;
  }

  /** The item `offset` places further, or null at the list's end. Only waits where the window has to be fetched. */
  async move(offset) {
    if (!this.items[this.index + offset]) await this.#fill();
    const index = this.index + offset;
    if (!this.items[index]) return null;
    this.index = index;
    this.position += offset;
    this.count = Math.max(this.count, this.position + 1);
    this.emit("change");
    const nearEdge = (index < EDGE && !this.#complete.start) || (index >= this.items.length - EDGE && !this.#complete.end);
    if (nearEdge) this.#fill();
    return this.current;
  }

  /** The items to fetch ahead: two after, one before. */
  get neighbours() {
    return [this.items[this.index + 1], this.items[this.index - 1], this.items[this.index + 2]].filter(Boolean);
  }

  /** New facts about an image (labelled, state, revision). */
  update(imageId, facts) {
    const item = this.item(imageId);
    if (!item) return;
    Object.assign(item, facts);
    this.emit("change");
  }

  /** The facts about the images of the window as they are on the server now; places stay as they are. */
  async refresh() {
    if (!this.current) return;
    const { items } = await this.api.window(this.current.id, BEFORE, AFTER, this.query).catch(() => ({ items: [] }));
    for (const fresh of items) Object.assign(this.item(fresh.id) ?? {}, { num_suggestions: fresh.num_suggestions });
    this.emit("change");
  }

  async #jumpTo(params) {
    const place = await this.api.position(params, this.query);
    return this.#jump(place.id, place);
  }

  async #jump(imageId, place, window = null) {
    this.count = place.count;
    if (imageId == null) {
      if (!this.count) Object.assign(this, { items: [], index: -1, position: 0 });
      this.emit("change");
      return null;
    }
    const { items } = window ?? await this.api.window(imageId, BEFORE, AFTER, this.query);
    this.items = items;
    this.index = items.findIndex((item) => item.id === imageId);
    this.position = place.position ?? this.index;
    this.#mark(items, this.index);
    this.emit("change");
    return this.current;
  }

  #mark(items, index) {
    this.#complete = { start: index < BEFORE, end: items.length - 1 - index < AFTER };
  }

  #fill() {
    this.#filling ??= this.#fetchAround().finally(() => (this.#filling = null));
    return this.#filling;
  }

  async #fetchAround() {
    const center = this.current;
    const { items } = await this.api.window(center.id, BEFORE, AFTER, this.query).catch(() => ({ items: [] }));
    const middle = items.findIndex((item) => item.id === center.id);
    if (middle < 0) return;
    const place = this.items.indexOf(center);
    const known = new Set(this.items.slice(0, place + 1).map((item) => item.id));
    const earlier = items.slice(0, middle).filter((item) => !known.has(item.id));
    const later = items.slice(middle + 1).map((item) => this.item(item.id) ?? item);
    this.items = [...earlier, ...this.items.slice(0, place + 1), ...later.filter((item) => !known.has(item.id))];
    this.index += earlier.length;
    this.#mark(items, middle);
    this.emit("change");
  }
}
