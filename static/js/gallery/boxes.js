/** The labels of the images in view, drawn over their thumbnails: asked for many at a time, kept for a while. */

const SVG = "http://www.w3.org/2000/svg";
const AT_ONCE = 120;
const KEPT = 1500;

export class Boxes {
  #known = new Map();
  #colors = [];
  #asked = new Set();
  shown = true;

  /** `url` answers `?ids=…` with `{boxes: {id: […]}, colors}`; `came()` is called when some are here. */
  constructor({ url, came }) {
    Object.assign(this, { url, came });
  }

  /** Fetches the boxes of `items` that have some and are not here. */
  async want(items) {
    if (!this.shown) return;
    const missing = items.filter((item) => item.boxes && !this.#known.has(item.id) && !this.#asked.has(item.id));
    for (let start = 0; start < missing.length; start += AT_ONCE) {
      await this.#fetch(missing.slice(start, start + AT_ONCE).map((item) => item.id));
    }
  }

  async #fetch(ids) {
    for (const id of ids) this.#asked.add(id);
    try {
      const answer = await fetch(`${this.url}?ids=${ids.join(",")}`);
      if (!answer.ok) return;
      const { boxes, colors } = await answer.json();
      this.#colors = colors;
      for (const id of ids) this.#known.set(id, boxes[id] ?? []);
      this.#forgetOldest();
      this.came();
    } catch {
      // No network: the thumbnails stand without boxes, and the next rest asks again.
    } finally {
      for (const id of ids) this.#asked.delete(id);
    }
  }

  /** Another look at what changed meanwhile. */
  forget() {
    this.#known.clear();
  }

  #forgetOldest() {
    for (const id of this.#known.keys()) {
      if (this.#known.size <= KEPT) return;
      this.#known.delete(id);
    }
  }

  /** Draws an item's boxes on its frame, once. */
  draw(frame, item) {
    const boxes = item && this.shown ? this.#known.get(item.id) : null;
    const there = frame.querySelector(":scope > svg");
    if (!boxes?.length) return there?.remove();
    if (there?.dataset.of === String(item.id)) return undefined;
    there?.remove();
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${item.width} ${item.height}`);
    svg.setAttribute("aria-hidden", "true");
    svg.dataset.of = item.id;
    svg.append(...boxes.map((box) => this.#shape(box, item)));
    return frame.append(svg);
  }

  #shape([classId, x, y, w, h, points], { width, height }) {
    const shape = document.createElementNS(SVG, points ? "polygon" : "rect");
    const values = points
      ? { points: points.map(([px, py]) => `${px * width},${py * height}`).join(" ") }
      : { x: (x - w / 2) * width, y: (y - h / 2) * height, width: w * width, height: h * height };
    const stroke = this.#colors[classId] ?? "#888";
    const style = { fill: "none", stroke, "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" };
    for (const [name, value] of Object.entries({ ...values, ...style })) shape.setAttribute(name, value);
    return shape;
  }
}
