/**
 * Draws what the store, the view and the tool say on two stacked canvases: the picture with the resting shapes, and what
 * moves (selection, draft). Each is drawn again only when something of it changed, once a frame at most; so dragging one
 * box among a thousand draws one box. The crosshair is two thin elements, because moving those touches few pixels.
 */
import { drawHandles, drawLabel, drawOpenPath, fillShapes, groupVisible, project, strokeShapes } from "./draw.js";

/** More shapes than this in sight are a crowd. */
const CROWD = 150;

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
  #dirty = { base: true, overlay: true };
  #requested = false;
  #overlayUsed = false;

  /** `base` and `overlay` are canvases; `crosshair` is {x, y}: the upright and the level line. */
  constructor({ base, overlay, crosshair, store, view, classes }) {
    this.layers = { base, overlay };
    Object.assign(this, { crosshair, store, view, classes });
    this.contexts = { base: base.getContext("2d", { alpha: false }), overlay: overlay.getContext("2d") };
    const all = () => this.invalidate("base", "overlay");
    view.on("change", all);
    view.on("adjust", all);
    store.on("shapes", () => (store.isOpen ? this.invalidate("overlay") : all()));
    store.on("selection", all);
    store.on("visibility", all);
    classes.on("change", all);
  }

  /** Marks layers ("base", "overlay") to be drawn in the next frame. */
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
    this.invalidate("base", "overlay");
  }

  /** `picture`: {width, height (image px), level(scale) → an image to draw}, or null. */
  setPicture(picture) {
    this.picture = picture;
    this.invalidate("base", "overlay");
  }

  #frame() {
    this.#requested = false;
    const dirty = this.#dirty;
    this.#dirty = { base: false, overlay: false };
    const at = project(this.view, this.view.image, this.dpr ?? 1, this.view.screen.width > 2000 ? 1.35 : 1);
    if (dirty.base) {
      this.#drawImage();
      this.#drawShapes(at);
    }
    if (dirty.overlay) this.#drawOverlay(at);
  }

  #drawImage() {
    const context = this.contexts.base;
    const { view, dpr, picture } = this;
    const { width, height } = this.layers.base;
    const scale = view.scale * dpr;
    const place = [view.tx * dpr, view.ty * dpr, view.image.width * scale, view.image.height * scale];
    context.fillStyle = this.background ?? "#1b1d21";
    context.fillRect(0, 0, width, height);
    if (!picture) return;
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(picture.level(scale, view), ...place);
  }

  #drawShapes(at) {
    const context = this.contexts.base;
    const { store } = this;
    const resting = this.preview ?? store.visible().filter((shape) => !store.selection.has(shape.key));
    const { width, height } = this.layers.base;
    const groups = groupVisible(resting, at, width, height);
    // In a crowd names and dark rims would hide the picture; the name is still there under the pointer.
    const crowded = [...groups.values()].reduce((sum, shapes) => sum + shapes.length, 0) > CROWD;
    for (const [classId, shapes] of groups) {
      const { color, name } = this.classes.get(classId);
      strokeShapes(context, shapes, at, color, { halo: !crowded, dash: this.preview ? [2, 2] : null });
      const areas = shapes.filter((shape) => shape.type !== "box");
      if (areas.length) fillShapes(context, areas, at, color, 0.16);
      if (this.showLabels) for (const shape of shapes) drawLabel(context, shape, at, name, color, { least: crowded ? 90 : 34 });
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
    const context = this.contexts.overlay;
    const { store, tool } = this;
    const { width, height } = this.layers.overlay;
    this.#placeCrosshair();
    // Clearing a canvas that is clear already would still cost a frame of its size.
    const used = !this.preview && (this.hover || store.selection.size > 0 || tool?.draft || tool?.marquee);
    if (this.#overlayUsed) context.clearRect(0, 0, width, height);
    this.#overlayUsed = Boolean(used);
    if (!used) return;
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
    context.lineWidth = at.px;
    context.setLineDash([4 * at.px, 3 * at.px]);
    const box = [at.x(rect.x0), at.y(rect.y0), (rect.x1 - rect.x0) * at.sx, (rect.y1 - rect.y0) * at.sy];
    context.fillRect(...box);
    context.strokeRect(...box);
    context.setLineDash([]);
  }

  #placeCrosshair() {
    const shown = Boolean(this.tool?.crosshair && this.pointer && !this.preview);
    const { x, y } = this.crosshair;
    x.hidden = !shown;
    y.hidden = !shown;
    if (!shown) return;
    x.style.transform = `translateX(${Math.round(this.pointer.x)}px)`;
    y.style.transform = `translateY(${Math.round(this.pointer.y)}px)`;
  }
}
