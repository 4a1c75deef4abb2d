/**
 * Correcting the boxes of one picture before it goes into a dataset: the labelling workspace's own shapes, tools, undo and
 * drawing, on a canvas of this page. Class ids are places in `names`. Events: change.
 */
import { drawHandles, drawLabel, drawOpenPath, fillShapes, project, strokeShapes } from "../annotator/draw.js";
import { el, perFrame } from "../annotator/dom.js";
import { Emitter } from "../annotator/emitter.js";
import { PointerInput } from "../annotator/input.js";
import { colorFor } from "../annotator/palette.js";
import { allowedMove, toAnnotation, typeOf } from "../annotator/shapes.js";
import { Store } from "../annotator/store.js";
import { BoxTool } from "../annotator/tools/box.js";
import { PolygonTool } from "../annotator/tools/polygon.js";
import { SelectTool } from "../annotator/tools/select.js";
import { View } from "../annotator/view.js";

const KEYS = { v: "select", b: "box", w: "box", y: "polygon" };
const SHAPE = ["classId", "cx", "cy", "w", "h", "points"];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Editor extends Emitter {
  item = null;
  names = [];
  store = new Store();
  view = new View();
  #corrected = new Map(); // item → its labels as corrected
  #originals = new Map(); // item → {key: shape as the model gave it}
  #given = new Map(); // item → the model's labels that stand in its shapes, as JSON
  #hovered = null;
  #pointer = null;

  constructor() {
    super();
    const { store, view } = this;
    this.canvas = el("canvas", { tabIndex: 0, aria: { label: "The picture and its boxes. Arrow keys move the chosen box." } });
    this.root = el("div", { class: "stage test-edit" }, this.canvas);
    this.tools = { select: new SelectTool({ store, image: () => view.image, canEdit: true }), box: new BoxTool({ store }), polygon: new PolygonTool({ store }) };
    this.tool = this.tools.select;
    const enabled = () => this.item !== null;
    new PointerInput({ element: this.canvas, view, tool: () => this.tool, enabled, after: (p) => this.#after(p), onDoubleClick: (p) => { this.tool.doubleClick?.(p); this.draw(); } });
    this.draw = perFrame(() => this.#draw());
    for (const event of ["shapes", "selection", "class", "document"]) store.on(event, () => { this.draw(); this.emit("change"); });
    store.on("changed", () => this.#keep());
    view.on("change", this.draw);
  }

  /** Opens an item; where nothing was corrected yet, with `labels` (each names its class). `picture` may be null. */
  open(item, { labels, picture, size, names }) {
    Object.assign(this, { item, picture, labels });
    this.names = [...new Set([...this.names, ...names, ...labels.map((label) => label.class_name)])];
    this.store.open(item.id);
    if (!this.#corrected.has(item)) this.#load(item, labels);
    if (this.store.classId === null || this.store.classId >= this.names.length) this.store.setClass(this.names.length ? 0 : null);
    this.use("select");
    this.view.setImage(size.width, size.height);
    this.resize();
  }

  close() {
    for (const tool of Object.values(this.tools)) tool.cancel();
    this.item = null;
  }

  /** Fits the canvas into its frame. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (!width || !this.item) return;
    const dpr = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: Math.round(width * dpr), height: Math.round(height * dpr) });
    this.view.resize(width, height);
    this.draw();
  }

  use(name) {
    this.tool.cancel();
    this.tool = this.tools[name];
    this.emit("change");
    this.draw();
  }

  /** The class of the chosen boxes, and of those to be drawn. */
  setClass(place) {
    const { store } = this;
    store.setClass(place);
    const other = store.selected.filter((shape) => shape.classId !== place);
    if (other.length) store.transact("Change class", () => other.forEach((shape) => store.update(shape.key, { classId: place })));
  }

  /** A class that the model does not know; answers its place. */
  addClass(name) {
    const there = this.names.findIndex((one) => one.toLowerCase() === name.toLowerCase());
    if (there >= 0) return there;
    this.names.push(name);
    return this.names.length - 1;
  }

  /** Takes away the point of an outline that was touched last, else what is chosen. */
  remove() {
    if (this.tool.removeActivePoint?.()) return;
    if (this.store.selection.size) this.store.remove([...this.store.selection]);
  }

  startOver() {
    this.store.replaceAll(this.labels.map((label) => this.#annotation(label)), "Start over");
    this.#remember();
    this.#keep();
  }

  /**
   * The model's labels, where nothing is corrected. What was taken back can be had again as long as they are the same: then
   * the shapes that stand here are those already. Found again by their place, one outline could be taken for another.
   */
  #load(item, labels) {
    const { store } = this;
    const given = JSON.stringify(labels);
    if (given !== this.#given.get(item)) store.doc.redo.length = 0;
    this.#given.set(item, given);
    if (store.doc.redo.length) return;
    store.load(labels.map((label) => this.#annotation(label)));
    this.#remember();
  }

  /** The shapes that stand here now are the model's; so are those before them, which undo may bring back. */
  #remember() {
    const { item, store } = this;
    this.#originals.set(item, new Map([...(this.#originals.get(item) ?? []), ...store.shapes.map((shape) => [shape.key, shape])]));
  }

  /** The labels of an item as they were corrected, or null where nothing was. */
  corrected(item) {
    return this.#corrected.get(item) ?? null;
  }

  forget(item) {
    this.#corrected.delete(item);
    this.#originals.delete(item);
    this.#given.delete(item);
  }

  #annotation(label) {
    return { ...label, class_id: this.names.indexOf(label.class_name) };
  }

  #keep() {
    if (this.store.doc.undo.length) this.#corrected.set(this.item, this.store.shapes.map((shape) => this.#label(shape)));
    else this.#corrected.delete(this.item);
    this.emit("change");
  }

  /** What a person moved or renamed is theirs; what they left is still the model's, with its confidence. */
  #label(shape) {
    const { class_id: classId, client_id: _, ...label } = toAnnotation(shape);
    const was = this.#originals.get(this.item)?.get(shape.key);
    const same = was && SHAPE.every((name) => was[name] === shape[name]);
    return { ...label, ...(same ? {} : { source: "manual", confidence: null }), class_name: this.names[classId] };
  }

  #after(p) {
    this.#pointer = p;
    this.#hovered = p && this.tool === this.tools.select ? this.tool.hoverAt(p) : null;
    this.canvas.style.cursor = this.tool.cursor;
    this.draw();
  }

  #draw() {
    if (!this.item) return;
    const { canvas, view, store, picture } = this;
    const dpr = devicePixelRatio || 1;
    const context = canvas.getContext("2d");
    const at = project(view, view.image, dpr);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (picture) context.drawImage(picture, at.tx, at.ty, at.sx, at.sy);
    else { context.strokeStyle = "#8888"; context.strokeRect(at.tx, at.ty, at.sx, at.sy); }
    for (const shape of store.shapes) this.#shape(context, shape, at);
    const { draft, marquee } = this.tool;
    if (draft?.open) drawOpenPath(context, draft.points, at, colorFor(draft.classId));
    else if (draft) strokeShapes(context, [draft], at, colorFor(draft.classId), { halo: true });
    if (marquee) this.#marquee(context, marquee, at);
    if (this.tool.crosshair && this.#pointer && !draft) this.#crosshair(context, at);
  }

  #shape(context, shape, at) {
    const color = colorFor(shape.classId);
    const chosen = this.store.selection.has(shape.key);
    if (chosen) fillShapes(context, [shape], at, color, 0.18);
    strokeShapes(context, [shape], at, color, { width: chosen || shape.key === this.#hovered ? 3 : 2, halo: chosen });
    drawLabel(context, shape, at, this.names[shape.classId], color, { always: chosen, least: 24 });
    if (chosen && this.store.selection.size === 1) drawHandles(context, shape, at, color);
  }

  #marquee(context, { x0, y0, x1, y1 }, at) {
    context.setLineDash([4 * at.px, 3 * at.px]);
    context.strokeStyle = "#fff";
    context.lineWidth = at.px;
    context.strokeRect(at.x(x0), at.y(y0), at.x(x1) - at.x(x0), at.y(y1) - at.y(y0));
    context.setLineDash([]);
  }

  #crosshair(context, at) {
    context.fillStyle = "#ffffffb0";
    context.fillRect(Math.round(at.x(this.#pointer.x)), 0, at.px, this.canvas.height);
    context.fillRect(0, Math.round(at.y(this.#pointer.y)), this.canvas.width, at.px);
  }

  /** Takes a key; answers whether it did something. */
  key(event) {
    const { store } = this;
    const control = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (control && key === "z") return event.shiftKey ? store.redo() : store.undo(), true;
    if (control && key === "y") return store.redo(), true;
    if (control && key === "a") return store.select(store.shapes.map((shape) => shape.key)), true;
    if (control || event.altKey) return false;
    if (this.tool.draft?.open && (key === "Enter" || key === "Backspace")) return key === "Enter" ? this.tool.close() : this.tool.back(), this.draw(), true;
    if (KEYS[key]) return this.use(KEYS[key]), true;
    if (key === "f") return this.view.fit(), true;
    if (key === "Delete" || key === "Backspace") return this.remove(), true;
    if (key === "Escape") return (this.tool.cancel() && (this.draw(), true)) || (store.selection.size > 0 && (store.select([]), true));
    if (key === "n" || key === "p") return this.#next(key === "n" ? 1 : -1), true;
    if (/^[1-9]$/.test(key) && Number(key) <= this.names.length) return this.setClass(Number(key) - 1), true;
    return ARROWS[key] && store.selection.size ? (this.#nudge(ARROWS[key], event.shiftKey ? 10 : 1), true) : false;
  }

  #next(by) {
    const { shapes, selection } = this.store;
    if (!shapes.length) return;
    const place = shapes.findIndex((shape) => selection.has(shape.key));
    this.store.select([shapes[(place + by + shapes.length) % shapes.length].key]);
  }

  #nudge([x, y], pixels) {
    const { store, view: { image } } = this;
    const { dx, dy } = allowedMove(store.selected, (x * pixels) / image.width, (y * pixels) / image.height);
    store.transact("Move", () => store.selected.forEach((shape) => store.put(shape.key, typeOf(shape).translate(shape, dx, dy))));
  }
}
