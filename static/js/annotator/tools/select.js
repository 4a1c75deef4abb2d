/**
 * The select tool: click to select (again: the one below), drag to move, handles to resize, a marquee over the empty
 * part. Pointer positions `p` come as {x, y} in normalized units, `reach` ({x, y}, normalized) is how near is "on it".
 */
import { rectFromCorners, rectsTouch } from "../geometry.js";
import { allowedMove, isDegenerate, shapesAt, typeOf } from "../shapes.js";

export class SelectTool {
  name = "select";
  cursor = "default";
  marquee = null;
  activePoint = null;
  #gesture = null;

  /** `pick(p)` may take a click for itself (a suggestion); `image()` is the size in image px. */
  constructor({ store, image, canEdit, pick = () => false }) {
    Object.assign(this, { store, image, canEdit, pick });
  }

  /** The handle of a selected shape under the pointer: {shape, handle}, or null. Only where one shape is selected. */
  handleAt(p) {
    const [shape] = this.store.selected;
    if (!this.canEdit || this.store.selection.size !== 1 || !shape || this.store.locked.has(shape.key)) return null;
    if (!this.store.isVisible(shape)) return null;
    const near = typeOf(shape).handles(shape).filter((h) => Math.abs(h.x - p.x) <= p.reach.x && Math.abs(h.y - p.y) <= p.reach.y);
    const gap = (h) => Math.hypot((h.x - p.x) / p.reach.x, (h.y - p.y) / p.reach.y);
    near.sort((a, b) => gap(a) - gap(b));
    return near.length ? { shape, handle: near[0] } : null;
  }

  hoverAt(p) {
    return shapesAt(this.store.visible(), p.x, p.y, p.reach)[0]?.key ?? null;
  }

  down(p) {
    const grip = this.handleAt(p);
    if (grip) return this.#beginResize(grip, p);
    this.activePoint = null;
    if (this.pick(p)) return;
    const under = shapesAt(this.store.visible(), p.x, p.y, p.reach);
    if (!under.length) return this.#beginMarquee(p);
    const held = under.find((shape) => this.store.selection.has(shape.key));
    if (p.shift || p.ctrl) {
      this.store.toggleSelected((held ?? under[0]).key);
      return;
    }
    if (!held) this.store.select([under[0].key]);
    // A click on what is selected already picks the one below, unless it turns into a drag.
    const below = held && under.length > 1 ? under[(under.indexOf(held) + 1) % under.length] : held;
    this.#gesture = { kind: "dragShapes", from: p, below: below ?? null, moved: false };
  }

  move(p) {
    const g = this.#gesture;
    if (!g) {
      const grip = this.handleAt(p);
      this.cursor = grip ? grip.handle.cursor : this.hoverAt(p) ? "move" : "default";
      return;
    }
    if (!g.moved && Math.hypot((p.x - g.from.x) / p.reach.x, (p.y - g.from.y) / p.reach.y) < 0.4) return;
    if (!g.moved) this.#start(g);
    g.moved = true;
    this[g.kind](g, p);
  }

  up(p) {
    const g = this.#gesture;
    this.#gesture = null;
    this.marquee = null;
    if (!g) return;
    if (g.kind === "drawMarquee" && !g.moved && !p.shift) this.store.select([]);
    if (g.kind === "dragShapes" && !g.moved && g.below) this.store.select([g.below.key]);
    if (this.store.isOpen) this.#finish(g);
  }

  cancel() {
    const busy = this.#gesture !== null;
    this.#gesture = null;
    this.marquee = null;
    this.store.rollback();
    return busy;
  }

  /** On a polygon's edge a double click puts a new point there, on a point it takes it away; answers whether it did. */
  doubleClick(p) {
    const grip = this.handleAt(p);
    const shape = grip?.shape ?? this.store.selected.find((s) => typeOf(s).edgeAt?.(s, p.x, p.y, p.reach) != null);
    if (!this.canEdit || !shape || !typeOf(shape).edgeAt || this.store.locked.has(shape.key)) return false;
    const type = typeOf(shape);
    const edge = grip ? null : type.edgeAt(shape, p.x, p.y, p.reach);
    const next = grip ? type.removePoint(shape, grip.handle.id) : type.insertPoint(shape, edge, p.x, p.y);
    if (next) this.store.put(shape.key, next, grip ? "Remove point" : "Add point");
    return true;
  }

  /** Removes the polygon point last touched; answers whether there was one (Delete then spares the shape). */
  removeActivePoint() {
    const { selection } = this.store;
    const isMeant = this.activePoint && selection.size === 1 && selection.has(this.activePoint.key);
    const shape = isMeant ? this.store.get(this.activePoint.key) : null;
    const next = shape && typeOf(shape).removePoint?.(shape, this.activePoint.id);
    this.activePoint = null;
    if (next) this.store.put(shape.key, next, "Remove point");
    return Boolean(next);
  }

  #beginResize({ shape, handle }, p) {
    this.#gesture = { kind: "resize", from: p, shape, handle: handle.id, moved: false };
    this.activePoint = typeOf(shape).removePoint ? { key: shape.key, id: handle.id } : null;
  }

  #beginMarquee(p) {
    this.#gesture = { kind: "drawMarquee", from: p, kept: p.shift ? [...this.store.selection] : [], moved: false };
  }

  #start(g) {
    if (g.kind === "drawMarquee") return;
    g.shapes = this.store.selected.filter((shape) => !this.store.locked.has(shape.key));
    if (this.canEdit) this.store.begin(g.kind === "dragShapes" ? "Move" : "Resize");
  }

  #finish(g) {
    const broken = g.kind === "resize" && isDegenerate(this.store.get(g.shape.key), this.image());
    if (broken) this.store.rollback(); else this.store.commit();
  }

  dragShapes(g, p) {
    if (!this.store.isOpen) return;
    const { dx, dy } = allowedMove(g.shapes, p.x - g.from.x, p.y - g.from.y);
    for (const shape of g.shapes) this.store.put(shape.key, typeOf(shape).translate(shape, dx, dy));
  }

  resize(g, p) {
    if (this.store.isOpen) this.store.put(g.shape.key, typeOf(g.shape).moveHandle(g.shape, g.handle, p.x, p.y, p.shift));
  }

  drawMarquee(g, p) {
    this.marquee = rectFromCorners(g.from.x, g.from.y, p.x, p.y);
    const inside = this.store.visible().filter((shape) => rectsTouch(typeOf(shape).bounds(shape), this.marquee));
    this.store.select([...g.kept, ...inside.map((shape) => shape.key)]);
  }
}
