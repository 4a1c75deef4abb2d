/** What each action of the keymap does. `Actions.run(id)` is what keys, buttons and menus call. */
import { announce, toast } from "./dom.js";
import { clamp } from "./geometry.js";
import { allowedMove, isDegenerate, typeOf } from "./shapes.js";
import { EMPTY_MARK } from "./store.js";

const PASTE_SHIFT = 12;
const RESIZE_STEP = 4;
const WAYS = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };

export class Actions {
  /** `ws` is the Workspace; `panels` has help(), goto(), history(), prelabel(), prelabelAll(), review(action). */
  constructor(ws, panels) {
    this.ws = ws;
    this.panels = panels;
  }

  /** Runs an action; false where it had nothing to do and the browser may have the key. */
  run(id) {
    const [group, detail] = id.split(".");
    const fn = this[group];
    return fn ? fn.call(this, detail) : false;
  }

  get #store() { return this.ws.store; }

  /** Whether shapes may be changed now; says so where not. */
  #editable() {
    const { ws } = this;
    if (!ws.canEdit) toast("You can look at this dataset, but not change it.");
    else if (ws.previewing) toast("This is an old revision. Restore it to go on from it.");
    return ws.canEdit && ws.ready && !ws.previewing && !this.#store.isOpen;
  }

  get #movable() {
    return this.#store.selected.filter((shape) => !this.#store.locked.has(shape.key));
  }

  tool(name) {
    if (name === "select" || this.ws.canEdit) this.ws.setTool(name); else this.#editable();
  }

  cancel() {
    const { ws } = this;
    if (ws.previewing) return ws.endPreview();
    if (ws.tool.cancel()) return ws.renderer.invalidate("base", "overlay");
    if (this.#store.selection.size) return this.#store.select([]);
    ws.setTool("select");
  }

  draw(what) {
    this.ws.tool[what]?.();
    this.ws.renderer.invalidate("base", "overlay");
  }

  // Images

  async #go(offset) {
    const started = performance.now();
    const item = await this.ws.navigation.move(offset);
    if (item) return this.ws.show(item, started);
    toast(offset > 0 ? "This is the last image of the list." : "This is the first image of the list.");
  }

  next() { this.#go(1); }
  previous() { this.#go(-1); }
  goto() { this.panels.goto(); }

  async nextUnlabelled() {
    const item = await this.ws.navigation.nextUnlabelled().catch(() => undefined);
    if (item) return this.ws.show(item);
    toast(item === null ? "No unlabelled image after this one." : "The server does not answer.");
  }

  empty() {
    if (!this.#editable()) return;
    const count = this.#store.shapes.length;
    this.#store.transact("No objects here", () => {
      for (const { key } of this.#store.shapes) this.#store.put(key, null);
      this.#store.put(EMPTY_MARK, true);
    });
    const name = this.ws.item.filename;
    toast(count ? `${name}: ${count} removed, marked as having no objects.` : `${name}: no objects.`);
    this.next();
  }

  async save() {
    await this.ws.sync.flush();
    if (this.ws.sync.status.kind === "saved") toast("Saved.");
  }

  // Shapes

  shape(direction) {
    const visible = this.#store.visible();
    if (!visible.length) return false;
    const [current] = this.#store.selection;
    const at = visible.findIndex((shape) => shape.key === current);
    const to = direction === "next" ? at + 1 : (at < 0 ? visible.length : at) - 1;
    // At the ends the key goes on to the next control, so the canvas is no trap for people who use only keys.
    if (to < 0 || to >= visible.length) {
      this.#store.select([]);
      return false;
    }
    this.#store.select([visible[to].key]);
    this.ws.reveal([visible[to]]);
  }

  delete() {
    if (!this.#editable() || this.ws.tool.removeActivePoint?.()) return;
    const locked = this.#store.selection.size - this.#movable.length;
    this.#store.remove([...this.#store.selection]);
    if (locked) toast(`${locked} locked and kept.`);
  }

  undo() { this.#history("undo", "Undone"); }
  redo() { this.#history("redo", "Done again"); }

  #history(step, word) {
    if (!this.#editable()) return;
    const label = this.#store[step]();
    announce(label ? `${word}: ${label}` : `Nothing to ${step}`);
    if (!label) toast(`Nothing to ${step}.`);
  }

  copy() {
    this.ws.clipboard = this.#store.selected.map(({ key, z, ...shape }) => ({ ...shape, from: this.#store.doc.imageId }));
    toast(`${this.ws.clipboard.length} copied.`);
  }

  paste() {
    const { clipboard, item } = this.ws;
    if (!this.#editable() || !clipboard.length) return;
    const shapes = clipboard.map(({ from, ...shape }) => ({ shape, same: from === item.id }));
    this.#addShifted(shapes.map(({ shape }) => shape), shapes[0].same ? PASTE_SHIFT : 0, "Paste");
  }

  duplicate() {
    if (!this.#editable()) return;
    this.#addShifted(this.#store.selected.map(({ key, z, ...shape }) => shape), PASTE_SHIFT, "Duplicate");
  }

  /** `shift` in image px, right and down; the other way where there is no room. */
  #addShifted(shapes, shift, label) {
    const { width, height } = this.ws.view.image;
    let { dx, dy } = allowedMove(shapes, shift / width, shift / height);
    if (shift && dx === 0 && dy === 0) ({ dx, dy } = allowedMove(shapes, -shift / width, -shift / height));
    const moved = shapes.map((shape) => ({ ...typeOf(shape).translate(shape, dx, dy), source: "manual", confidence: null }));
    this.#store.select(this.#store.add(moved, label));
  }

  selectAll() { this.#store.select(this.#store.visible().map((shape) => shape.key)); }

  async copyPrevious() {
    const { ws } = this;
    const from = ws.navigation.items[ws.navigation.index - 1];
    if (!this.#editable() || !from) return toast("There is no image before this one.");
    const here = ws.item;
    try {
      const shapes = await ws.shapesOf(from.id);
      if (ws.item !== here || !this.#editable()) return;
      if (!shapes.length) return toast("The previous image has no boxes.");
      this.#store.select(this.#store.add(shapes.map((shape) => ({ ...shape, source: "manual", confidence: null })), "Copy from previous"));
      toast(`${shapes.length} copied from ${from.filename}.`);
    } catch {
      toast("The boxes of the previous image cannot be had now.");
    }
  }

  hide() { this.#store.toggleFlag("hidden", [...this.#store.selection]); }
  lock() { this.#store.toggleFlag("locked", [...this.#store.selection]); }
  lockAll() { this.#store.toggleFlag("locked", this.#store.shapes.map((shape) => shape.key)); }

  hideAll() {
    this.#store.setAllHidden(!this.#store.allHidden);
    toast(this.#store.allHidden ? "All boxes are hidden." : "All boxes are shown.");
  }

  nudge(way) {
    if (!this.#editable()) return;
    const step = way.endsWith("10") ? 10 : 1;
    const [x, y] = WAYS[way.replace("10", "")];
    const { width, height } = this.ws.view.image;
    const shapes = this.#movable;
    const { dx, dy } = allowedMove(shapes, (x * step) / width, (y * step) / height);
    this.#store.transact("Nudge", () => shapes.forEach((shape) => this.#store.put(shape.key, typeOf(shape).translate(shape, dx, dy))));
  }

  /** Moves the lower right corner of the selected boxes, so that a box can be made without a pointer. */
  resize(way) {
    if (!this.#editable()) return;
    const { image } = this.ws.view;
    const [x, y] = WAYS[way];
    const grown = this.#movable.filter((shape) => shape.type === "box").map((shape) => typeOf(shape).moveHandle(
      shape, "se", shape.cx + shape.w / 2 + (x * RESIZE_STEP) / image.width, shape.cy + shape.h / 2 + (y * RESIZE_STEP) / image.height, false,
    ));
    this.#store.transact("Resize", () => grown.filter((s) => !isDegenerate(s, image)).forEach((s) => this.#store.put(s.key, s)));
  }

  /** A box of the current class in the middle of what is in sight, to be moved and resized by keys. */
  insert() {
    if (!this.#editable()) return;
    if (this.#store.classId === null) return this.#store.emit("noclass");
    const { view } = this.ws;
    const middle = view.toImage(view.screen.width / 2, view.screen.height / 2);
    const box = { cx: clamp(middle.x / view.image.width, 0.1, 0.9), cy: clamp(middle.y / view.image.height, 0.1, 0.9), w: 0.2, h: 0.2 };
    this.#store.select(this.#store.add([{ type: "box", classId: this.#store.classId, ...box, points: null, confidence: null, source: "manual" }]));
  }

  /** A digit: the class of the selection; while a drawing tool is active also that of the next shape. */
  class(number) {
    const target = this.ws.classes.list[Number(number) - 1];
    if (target) this.chooseClass(target.id);
  }

  chooseClass(classId) {
    const shapes = this.#movable;
    const { name } = this.ws.classes.get(classId);
    if (!shapes.length || this.ws.tool.name !== "select") this.#store.setClass(classId);
    if (shapes.length && this.#editable()) {
      this.#store.transact(`Class ${name}`, () => shapes.filter((s) => s.classId !== classId).forEach((s) => this.#store.update(s.key, { classId })));
    }
    announce(`Class ${name}`);
  }

  // Suggestions, view, the rest

  prelabel() { if (this.#editable()) this.panels.prelabel(); }
  prelabelAll() { if (this.#editable()) this.panels.prelabelAll(); }
  dismiss() { this.ws.suggestions.rejectAll(); }

  accept() {
    const { suggestions, canEdit } = this.ws;
    if (canEdit && suggestions.visible.length && this.#editable()) toast(`${suggestions.acceptAll().length} accepted.`);
    this.next();
  }

  fit() { this.ws.view.fit(); }
  actual() { this.ws.view.actualSize(); }
  zoomIn() { this.#zoom(1.25); }
  zoomOut() { this.#zoom(0.8); }

  #zoom(factor) {
    const { width, height } = this.ws.view.screen;
    this.ws.view.zoomAt(width / 2, height / 2, factor);
  }

  labels() {
    const { renderer } = this.ws;
    renderer.showLabels = !renderer.showLabels;
    renderer.invalidate("base");
  }

  history() { this.panels.history(); }
  review(action) { this.panels.review(action === "accept" ? "accept" : "send_back"); }
  help() { this.panels.help(); }
}
