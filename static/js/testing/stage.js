/** One picture with one side's boxes: a canvas, and above it who answered and how quickly. Reads what it is given. */
import { drawLabel, project, strokeShapes } from "../annotator/draw.js";
import { el } from "../annotator/dom.js";
import { colorFor } from "../annotator/palette.js";
import { fromAnnotation, shapesAt } from "../annotator/shapes.js";

const MOST_LABELS = 120;
const REACH = 6; // CSS px around a box's edge that still belong to it

export class Stage {
  #drawn = { shapes: [] };

  /** `onPick(object)` for a click on a box; `onHover(object or null)`. */
  constructor({ onPick, onHover }) {
    this.title = el("b");
    this.words = el("span", { class: "small muted", data: { told: "" } });
    this.canvas = el("canvas", { role: "img", tabIndex: -1 });
    this.frame = el("div", { class: "stage", data: { stage: "" } }, this.canvas, el("div", { class: "test-busy", role: "status" }));
    this.root = el("figure", { class: "test-stage" }, el("figcaption", {}, this.title, this.words), this.frame);
    this.canvas.addEventListener("pointermove", (event) => onHover(this.#at(event)));
    this.canvas.addEventListener("pointerleave", () => onHover(null));
    this.canvas.addEventListener("click", (event) => { const found = this.#at(event); if (found) onPick(found); });
  }

  /** Says over the picture what is waited for; empty for nothing. */
  busy(words) {
    const note = this.frame.querySelector(".test-busy");
    note.textContent = words;
    note.hidden = !words;
  }

  /**
   * Draws. `picture` is whatever a canvas takes, or null; `size` in px of the image; `objects` the surest first; `marks`
   * a Map of what differs; `names` the classes in the order of their colours; `room` CSS px of height.
   */
  show({ picture, size, objects, marks = new Map(), names, hovered = null, room }) {
    const dpr = devicePixelRatio || 1;
    const scale = Math.min(this.frame.clientWidth / size.width, room / size.height, 8);
    const [width, height] = [Math.max(1, Math.round(size.width * scale)), Math.max(1, Math.round(size.height * scale))];
    const { canvas } = this;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * dpr) || canvas.height !== Math.round(height * dpr)) {
      canvas.width = Math.round(width * dpr);
      canvas.height = Math.round(height * dpr);
    }
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (picture) context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const at = project({ scale, tx: 0, ty: 0 }, size, dpr);
    const shapes = objects.map((object, i) => ({ ...fromAnnotation(object), object, key: i, z: -i }));
    this.#drawn = { shapes, scale, size };
    // The surest last, so that it lies on top.
    for (const shape of shapes.toReversed()) this.#box(context, shape, at, { names, mark: marks.get(shape.object), strong: shape.object === hovered });
    for (const shape of shapes.slice(0, MOST_LABELS).toReversed()) this.#label(context, shape, at, names, shape.object === hovered);
    canvas.setAttribute("aria-label", `${objects.length} object${objects.length === 1 ? "" : "s"} found`);
  }

  #box(context, shape, at, { names, mark, strong }) {
    const color = colorFor(names.indexOf(shape.object.class_name));
    const style = { only: { width: 3, halo: true }, renamed: { width: 3, dash: [7, 4], halo: true } }[mark] ?? { width: 2 };
    strokeShapes(context, [shape], at, color, strong ? { ...style, width: 4, halo: true } : style);
  }

  #label(context, shape, at, names, strong) {
    const { class_name: name, confidence } = shape.object;
    drawLabel(context, shape, at, `${name} ${confidence.toFixed(2)}`, colorFor(names.indexOf(name)), { always: strong, least: 24 });
  }

  #at(event) {
    const { shapes, scale, size } = this.#drawn;
    if (!shapes.length) return null;
    const frame = this.canvas.getBoundingClientRect();
    const reach = { x: REACH / (size.width * scale), y: REACH / (size.height * scale) };
    const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    const found = shapesAt(shapes, x, y, reach)[0]?.object ?? null;
    this.canvas.style.cursor = found ? "zoom-in" : "";
    return found;
  }
}
