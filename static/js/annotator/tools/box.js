/** The box tool: a drag makes a box of the current class, and the tool is ready for the next one. */
import { clamp, rectFromCorners, rectToBox } from "../geometry.js";
import { shapesAt } from "../shapes.js";

/** Below this drag length (in reaches, about 4 screen px) it was a click, not a box. */
const SHORTEST_DRAG = 0.5;

export class BoxTool {
  name = "box";
  cursor = "crosshair";
  crosshair = true;
  draft = null;
  #from = null;

  constructor({ store, pick = () => false }) {
    Object.assign(this, { store, pick });
  }

  down(p) {
    this.#from = { x: clamp(p.x, 0, 1), y: clamp(p.y, 0, 1) };
    this.draft = null;
  }

  move(p) {
    if (!this.#from) return;
    const rect = rectFromCorners(this.#from.x, this.#from.y, clamp(p.x, 0, 1), clamp(p.y, 0, 1));
    this.draft = { type: "box", classId: this.store.classId, points: null, confidence: null, source: "manual", ...rectToBox(rect) };
  }

  up(p) {
    const { draft } = this;
    const started = this.#from !== null;
    this.cancel();
    if (!started) return;
    const enough = draft && draft.w >= p.reach.x * SHORTEST_DRAG && draft.h >= p.reach.y * SHORTEST_DRAG;
    if (!enough) return this.#click(p);
    if (this.store.classId === null) return this.store.emit("noclass");
    this.store.select(this.store.add([draft], "Draw a box"));
  }

  /** A click without a drag selects, so that a slip can be mended without changing the tool. */
  #click(p) {
    if (this.pick(p)) return;
    const [shape] = shapesAt(this.store.visible(), p.x, p.y, p.reach);
    this.store.select(shape ? [shape.key] : []);
  }

  cancel() {
    const busy = this.#from !== null;
    this.#from = null;
    this.draft = null;
    return busy;
  }
}
