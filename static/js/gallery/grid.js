/**
 * The grid in the page: only the tiles in view, and a margin, are elements; the canvas around them is as high as all of
 * them would be, so that the page's own scrollbar leads anywhere. CSS lays the tiles out; this reads how many are in a
 * row and how high one is.
 * Event: view ({first, end, resting, still}): resting where it scrolls no faster than one reads, still where not at all.
 */
import { perFrame } from "../annotator/dom.js";
import { Emitter } from "../annotator/emitter.js";
import { Layout } from "./layout.js";

const MARGIN = 600;
const REST = 90;
const SLOW = 1.2; // px a ms: as slow as one reads

export class Grid extends Emitter {
  layout = new Layout();
  #tiles = new Map();
  #range = { first: 0, end: 0 };
  #timer = null;
  #resting = true;
  #last = { y: scrollY, at: 0 };
  #focus = 0;

  /** `canvas` holds `list`; `make()` makes a blank tile; `fill(tile, position, resting)` shows what is there; `bar` sticks. */
  constructor({ canvas, list, bar, make, fill }) {
    super();
    Object.assign(this, { canvas, list, bar, make, fill });
    list.replaceChildren();
    this.update = perFrame(() => this.#update());
    this.look = perFrame(() => this.#look(false));
    addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(canvas);
  }

  /** The list has another length; `at` is the position to show at the top, or null to stay. */
  reset(count, at = null) {
    this.#measure(count);
    this.#focus = Math.min(at ?? this.#focus, Math.max(0, count - 1));
    if (at !== null) this.scrollTo(at);
    for (const tile of this.#tiles.values()) tile.setAttribute("aria-setsize", count);
    this.#rested();
  }

  /** The position of the first image that is wholly in view below the bar; 0 while the grid's top is in view. */
  get position() {
    const row = Math.max(0, Math.ceil((this.#viewTop() - 8) / this.layout.pitch));
    return Math.min(row * this.layout.columns, Math.max(0, this.layout.count - 1));
  }

  get focused() {
    return this.#focus;
  }

  get visibleRows() {
    return Math.max(1, Math.floor((innerHeight - this.#barHeight()) / this.layout.pitch));
  }

  tile(index) {
    return this.#tiles.get(index) ?? null;
  }

  positionOf(element) {
    const tile = element.closest?.(".tile");
    return tile ? Number(tile.dataset.index) : null;
  }

  /** Scrolls so that a position's row is the first below the bar. */
  scrollTo(index) {
    const top = this.canvas.getBoundingClientRect().top + scrollY;
    scrollTo({ top: index ? top + this.layout.top(index) - this.#barHeight() - 8 : 0, behavior: "instant" });
  }

  /** Moves the keyboard's place there, and scrolls as little as shows it. */
  focus(index) {
    this.#focus = index;
    const top = this.canvas.getBoundingClientRect().top + this.layout.top(index);
    const [low, high] = [this.#barHeight() + 8, innerHeight - 8];
    const bottom = top + this.layout.pitch - this.layout.gap;
    if (top < low) scrollBy({ top: top - low, behavior: "instant" });
    else if (bottom > high) scrollBy({ top: bottom - high, behavior: "instant" });
    this.#update();
    this.#tiles.get(index)?.querySelector("a").focus({ preventScroll: true });
  }

  /** The keyboard's place is where the focus went by itself, by Tab or a click. */
  touched(index) {
    if (index !== null) this.#focus = index;
  }

  /** Shows again what is known of the tiles that are there. */
  refresh() {
    for (const [index, tile] of this.#tiles) this.fill(tile, index, this.#resting);
  }

  #measure(count = this.layout.count) {
    const probe = this.list.firstElementChild ?? this.list.appendChild(this.make());
    const style = getComputedStyle(this.list);
    const gap = parseFloat(style.rowGap) || 0;
    const columns = style.gridTemplateColumns.split(" ").filter((width) => width !== "0px").length;
    this.layout = new Layout({ count, columns, pitch: probe.getBoundingClientRect().height + gap, gap });
    if (!this.#tiles.size) probe.remove();
    this.canvas.style.height = `${this.layout.height}px`;
  }

  #resized() {
    const [columns, pitch] = [this.layout.columns, this.layout.pitch];
    const at = this.position;
    this.#measure();
    if (columns === this.layout.columns && Math.abs(pitch - this.layout.pitch) < 0.01) return;
    for (const index of [...this.#tiles.keys()]) this.#drop(index);
    if (at) this.scrollTo(at);
    this.#update();
    this.#rested();
  }

  #scrolled() {
    const now = performance.now();
    const speed = Math.abs(scrollY - this.#last.y) / Math.max(1, now - this.#last.at);
    this.#last = { y: scrollY, at: now };
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rested(), REST);
    this.#resting = speed < SLOW;
    if (this.#resting) this.look();
    else this.update();
  }

  #rested() {
    clearTimeout(this.#timer);
    this.#resting = true;
    this.#look(true);
  }

  #look(still) {
    this.#update();
    this.emit("view", { ...this.#range, resting: true, still });
    this.refresh();
  }

  /** px of the grid that are above the bar. */
  #viewTop() {
    return this.#barHeight() - this.canvas.getBoundingClientRect().top;
  }

  #barHeight() {
    const bar = this.bar && getComputedStyle(this.bar).position === "sticky" ? this.bar.offsetHeight : 0;
    return bar + document.querySelector(".topbar").offsetHeight;
  }

  #update() {
    const top = -this.canvas.getBoundingClientRect().top;
    const range = this.layout.range(top - MARGIN, top + innerHeight + MARGIN);
    for (const index of this.#tiles.keys()) if (index < range.first || index >= range.end) this.#drop(index);
    let before = null;
    for (let index = range.end - 1; index >= range.first; index -= 1) before = this.#show(index, before);
    this.list.style.transform = `translateY(${this.layout.top(range.first)}px)`;
    this.#range = range;
    this.#markFocus();
    if (!this.#resting) this.emit("view", { ...range, resting: false, still: false });
  }

  #show(index, before) {
    const known = this.#tiles.get(index);
    if (known) return known;
    const tile = this.make();
    tile.dataset.index = index;
    tile.setAttribute("aria-posinset", index + 1);
    tile.setAttribute("aria-setsize", this.layout.count);
    this.fill(tile, index, this.#resting);
    this.list.insertBefore(tile, before);
    this.#tiles.set(index, tile);
    return tile;
  }

  #drop(index) {
    this.#tiles.get(index).remove();
    this.#tiles.delete(index);
  }

  /** One tile is reached by Tab; the arrows move from it. */
  #markFocus() {
    const inView = this.#tiles.has(this.#focus) ? this.#focus : this.#range.first;
    for (const [index, tile] of this.#tiles) tile.querySelector("a").tabIndex = index === inView ? 0 : -1;
  }
}
