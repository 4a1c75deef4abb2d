/**
 * Draws what the store, the view and the tool say on three stacked canvases: the picture, the resting shapes, and what
 * moves (selection, draft, crosshair). Each is drawn again only when something of it changed, once a frame at most; so
 * dragging one box among a thousand draws one box.
 */
import { drawHandles, drawLabel, drawOpenPath, fillShapes, groupVisible, project, strokeShapes } from "./draw.js";

export class Renderer {
  /** Shapes shown instead of the store's (a look at an old revision), or null. */
  preview = null;
  /** () → [{shape, label}] of predictions to draw dashed. */
  suggestions = () => [];
  showLabels = true;
  hover = null;
  /** The pointer in screen px, for the crosshair; null while it is elsewhere. */
  pointer = null;
  tool = null;
  picture = null;
  onFrame = null;
  #dirty = { image: true, shapes: true, overlay: true };
  #requested = false;

  constructor({ image, shapes, overlay, store, view, classes }) {
    this.layers = { image, shapes, overlay };
    Object.assign(this, { store, view, classes });
    this.contexts = {
      image: image.getContext("2d", { alpha: false }), shapes: shapes.getContext("2d"), overlay: overlay.getContext("2d"),
    };
    view.on("change", () => this.invalidate("image", "shapes", "overlay"));
    view.on("adjust", () => this.#adjust());
    store.on("shapes", () => this.invalidate(...(store.isOpen ? ["overlay"] : ["shapes", "overlay"])));
    store.on("selection", () => this.invalidate("shapes", "overlay"));
    store.on("visibility", () => this.invalidate("shapes", "overlay"));
    classes.on("change", () => this.invalidate("shapes", "overlay"));
  }

  /** Marks layers ("image", "shapes", "overlay") to be drawn in the next frame. */
  invalidate(...names) {
    for (const name of names) this.#dirty[name] = true;
    if (this.#requested) return;
    this.#requested = true;
    requestAnimationFrame(() => this.#frame());
  }

  /** The canvases' size in screen px. */
  resize(width, height) {
    this.dpr = window.devicePixelRatio || 1;
    for (const canvas of Object.values(this.layers)) {
      canvas.width = Math.round(width * this.dpr);
      canvas.height = Math.round(height * this.dpr);
    }
    this.view.resize(width, height);
    this.invalidate("image", "shapes", "overlay");
  }

  /** `picture`: {width, height (image px), level(scale) → an image to draw}, or null. */
  setPicture(picture) {
    this.picture = picture;
    this.invalidate("image", "shapes", "overlay");
  }

  #adjust() {
    const { brightness, contrast } = this.view;
    const plain = brightness === 1 && contrast === 1;
    this.layers.image.style.filter = plain ? "" : `brightness(${brightness}) contrast(${contrast})`;
  }

  #frame() {
    this.#requested = false;
    const dirty = this.#dirty;
    this.#dirty = { image: false, shapes: false, overlay: false };
    const at = project(this.view, this.view.image, this.dpr ?? 1);
    if (dirty.image) this.#drawImage();
    if (dirty.shapes) this.#drawShapes(at);
    if (dirty.overlay) this.#drawOverlay(at);
    this.onFrame?.();
  }

  #clear(name) {
    const { width, height } = this.layers[name];
    this.contexts[name].clearRect(0, 0, width, height);
    return this.contexts[name];
  }

  #drawImage() {
    const context = this.contexts.image;
    const { width, height } = this.layers.image;
    context.fillStyle = this.background ?? "#1b1d21";
    context.fillRect(0, 0, width, height);
    if (!this.picture) return;
    const { view, dpr, picture } = this;
    const scale = view.scale * dpr;
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(picture.level(scale), view.tx * dpr, view.ty * dpr, view.image.width * scale, view.image.height * scale);
  }

  #drawShapes(at) {
    const context = this.#clear("shapes");
    const { store } = this;
    const resting = this.preview ?? store.visible().filter((shape) => !store.selection.has(shape.key));
    const { width, height } = this.layers.shapes;
    for (const [classId, shapes] of groupVisible(resting, at, width, height)) {
      const { color, name } = this.classes.get(classId);
      strokeShapes(context, shapes, at, color, { halo: true, dash: this.preview ? [2, 2] : null });
      const areas = shapes.filter((shape) => shape.type !== "box");
      if (areas.length) fillShapes(context, areas, at, color, 0.16);
      if (this.showLabels) for (const shape of shapes) drawLabel(context, shape, at, name, color);
    }
    if (!this.preview) this.#drawSuggestions(context, at);
  }

  #drawSuggestions(context, at) {
    for (const { shape, label } of this.suggestions()) {
      const { color } = this.classes.get(shape.classId);
      strokeShapes(context, [shape], at, "rgba(0, 0, 0, 0.6)", { width: 3 });
      strokeShapes(context, [shape], at, color, { dash: [6, 4] });
      drawLabel(context, shape, at, label, color);
    }
  }

  #drawOverlay(at) {
    const context = this.#clear("overlay");
    if (this.preview) return;
    const { store, tool } = this;
    const hovered = this.hover && !store.selection.has(this.hover) ? store.get(this.hover) : null;
    if (hovered && store.isVisible(hovered)) this.#drawHovered(context, at, hovered);
    const selected = store.selected.filter((shape) => store.isVisible(shape));
    for (const [classId, shapes] of groupVisible(selected, at, Infinity, Infinity)) {
      const { color } = this.classes.get(classId);
      fillShapes(context, shapes, at, color, 0.18);
      strokeShapes(context, shapes, at, "#fff", { width: 4 });
      strokeShapes(context, shapes, at, color, { width: 2 });
    }
    if (selected.length === 1) this.#drawSingle(context, at, selected[0]);
    if (tool?.draft) this.#drawDraft(context, at, tool.draft);
    if (tool?.marquee) this.#drawMarquee(context, at, tool.marquee);
    if (tool?.crosshair && this.pointer) this.#drawCrosshair(context);
  }

  #drawHovered(context, at, shape) {
    const { color, name } = this.classes.get(shape.classId);
    fillShapes(context, [shape], at, color, 0.22);
    drawLabel(context, shape, at, name, color, { always: true });
  }

  #drawSingle(context, at, shape) {
    const { color, name } = this.classes.get(shape.classId);
    const { width, height } = this.view.image;
    const size = `${Math.round(shape.w * width)} × ${Math.round(shape.h * height)}`;
    drawLabel(context, shape, at, `${name}  ${size}`, color, { always: true });
    // Handles are only drawn where the tool can take them.
    if (!this.store.locked.has(shape.key) && this.tool?.handleAt) drawHandles(context, shape, at, color);
  }

  #drawDraft(context, at, draft) {
    const { color } = this.classes.get(draft.classId);
    if (draft.open) return drawOpenPath(context, draft.points, at, color);
    fillShapes(context, [draft], at, color, 0.15);
    strokeShapes(context, [draft], at, color, { halo: true });
    this.#drawSize(context, at, draft);
  }

  #drawSize(context, at, draft) {
    const { width, height } = this.view.image;
    const text = `${Math.round(draft.w * width)} × ${Math.round(draft.h * height)}`;
    drawLabel(context, draft, at, text, this.classes.get(draft.classId).color, { always: true });
  }

  #drawMarquee(context, at, rect) {
    context.fillStyle = "rgba(255, 255, 255, 0.12)";
    context.strokeStyle = "#fff";
    context.lineWidth = at.dpr;
    context.setLineDash([4 * at.dpr, 3 * at.dpr]);
    const box = [at.x(rect.x0), at.y(rect.y0), (rect.x1 - rect.x0) * at.sx, (rect.y1 - rect.y0) * at.sy];
    context.fillRect(...box);
    context.strokeRect(...box);
    context.setLineDash([]);
  }

  #drawCrosshair(context) {
    const { width, height } = this.layers.overlay;
    const x = Math.round(this.pointer.x * this.dpr);
    const y = Math.round(this.pointer.y * this.dpr);
    context.fillStyle = "rgba(0, 0, 0, 0.35)";
    context.fillRect(x - 1, 0, 3, height);
    context.fillRect(0, y - 1, width, 3);
    context.fillStyle = "rgba(255, 255, 255, 0.9)";
    context.fillRect(x, 0, 1, height);
    context.fillRect(0, y, width, 1);
  }
}
