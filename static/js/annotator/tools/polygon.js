/** The polygon tool: a click sets a point; the first point, a double click or Enter closes; Backspace takes one back. */
import { clamp } from "../geometry.js";
import { withPoints } from "../shapes.js";

export class PolygonTool {
  name = "polygon";
  cursor = "crosshair";
  crosshair = true;
  draft = null;
  points = [];
  pointer = null;

  constructor({ store }) {
    this.store = store;
  }

  down(p) {
    const point = [clamp(p.x, 0, 1), clamp(p.y, 0, 1)];
    const first = this.points[0];
    const closes = first && this.points.length >= 3
      && Math.abs(first[0] - p.x) <= p.reach.x && Math.abs(first[1] - p.y) <= p.reach.y;
    if (closes) return this.close();
    const last = this.points.at(-1);
    // The second press of a double click falls on the same place: it must not add the point twice.
    const again = last && Math.abs(last[0] - point[0]) < p.reach.x / 3 && Math.abs(last[1] - point[1]) < p.reach.y / 3;
    if (!again) this.points.push(point);
    this.#show(point);
  }

  move(p) {
    if (this.points.length) this.#show([clamp(p.x, 0, 1), clamp(p.y, 0, 1)]);
  }

  up() {}

  doubleClick() {
    return this.close() || true;
  }

  /** Makes the polygon; false while it has fewer than three points. */
  close() {
    if (this.points.length < 3) return false;
    if (this.store.classId === null) {
      this.store.emit("noclass");
      return false;
    }
    const { points } = this;
    this.cancel();
    const common = { type: "polygon", classId: this.store.classId, confidence: null, source: "manual" };
    this.store.select(this.store.add([withPoints(common, points)], "Draw a polygon"));
    return true;
  }

  /** Takes the last point back; false where there is none. */
  back() {
    if (!this.points.length) return false;
    this.points.pop();
    this.#show(this.pointer);
    return true;
  }

  cancel() {
    const busy = this.points.length > 0;
    this.points = [];
    this.draft = null;
    return busy;
  }

  #show(pointer) {
    this.pointer = pointer;
    this.draft = this.points.length ? { type: "polygon", open: true, classId: this.store.classId, points: [...this.points, pointer] } : null;
  }
}
