/** The strip of thumbnails: which image is looked at, and how much was found on each. */
import { el, icon } from "../annotator/dom.js";

const SIDE = 112; // px of a thumbnail's longer side, twice what is shown

/** A small picture of a file, made once; null where the browser cannot show the format. */
async function thumbnail(file) {
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE / Math.max(whole.width, whole.height));
  const canvas = el("canvas", { width: Math.max(1, whole.width * scale), height: Math.max(1, whole.height * scale) });
  canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
  whole.close();
  return canvas;
}

export class Strip {
  #tiles = new Map();
  #making = Promise.resolve();

  constructor(root, session) {
    Object.assign(this, { root, session });
    session.on("items", () => this.#fill());
    session.on("current", () => this.#mark());
    for (const event of ["answers", "thresholds", "sides"]) session.on(event, () => this.#count());
    root.addEventListener("click", (event) => {
      const tile = event.target.closest("[data-item]");
      if (tile) session.go(session.items.find((item) => String(item.id) === tile.dataset.item));
    });
  }

  #fill() {
    const { items } = this.session;
    for (const [item, tile] of this.#tiles) if (!items.includes(item)) { tile.remove(); this.#tiles.delete(item); }
    for (const item of items) if (!this.#tiles.has(item)) this.root.append(this.#tile(item));
    this.root.hidden = items.length < 2;
    this.#mark();
    this.#count();
  }

  #tile(item) {
    const tile = el("button", { type: "button", role: "option", title: item.name, data: { item: item.id }, aria: { label: item.name, selected: "false" } }, el("i", { class: "test-count" }));
    this.#tiles.set(item, tile);
    if (item.kind !== "image") tile.prepend(icon(item.kind === "camera" ? "webcam" : "video"));
    else this.#making = this.#making.then(() => this.#picture(item, tile)); // one at a time: a large picture takes memory
    return tile;
  }

  async #picture(item, tile) {
    if (!this.#tiles.has(item)) return;
    try {
      tile.prepend(await thumbnail(item.file));
    } catch {
      tile.prepend(el("span", { class: "small", text: item.name.split(".").at(-1) })); // a TIFF: no browser shows it
    }
  }

  #mark() {
    for (const [item, tile] of this.#tiles) {
      const isCurrent = item === this.session.current;
      tile.setAttribute("aria-selected", String(isCurrent));
      tile.tabIndex = isCurrent ? 0 : -1;
      if (!isCurrent) continue;
      if (this.root.contains(document.activeElement)) tile.focus({ preventScroll: true });
      this.root.scrollTo({ left: tile.offsetLeft - this.root.clientWidth / 2 + tile.clientWidth / 2, behavior: "smooth" });
    }
  }

  #count() {
    const [side] = this.session.sides;
    if (!side) return;
    for (const [item, tile] of this.#tiles) {
      const { status } = this.session.answerOf(item, side);
      const note = tile.querySelector(".test-count");
      note.textContent = { done: String(this.session.shown(item, side).length), failed: "!", waiting: item.kind === "image" ? "…" : "" }[status];
      note.classList.toggle("bad", status === "failed");
    }
  }
}
