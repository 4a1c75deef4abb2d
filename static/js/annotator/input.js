/**
 * Pointer events of the canvas: wheel and pinch zoom, Space or the middle button pan, everything else goes to the tool.
 * A second finger takes the gesture away from the tool, so a pinch never leaves a stray box.
 */

const REACH = { mouse: 7, pen: 10, touch: 16 };

export class PointerInput {
  panHeld = false;
  #pointers = new Map();
  #mode = null;
  #last = null;

  /** `element` takes the events; `tool()` is the current tool; `after()` is called when something may have changed. */
  constructor({ element, view, tool, enabled, after, onDoubleClick }) {
    Object.assign(this, { element, view, tool, enabled, after, onDoubleClick });
    const on = (name, fn, options) => element.addEventListener(name, fn, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event, true));
    on("pointerleave", () => this.after(null));
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("dblclick", (event) => this.onDoubleClick(this.point(event)));
    on("contextmenu", (event) => event.preventDefault());
  }

  /** A pointer event as tools take it: x, y and reach in normalized units, plus screen px and modifier keys. */
  point(event) {
    const frame = this.element.getBoundingClientRect();
    const screen = { x: event.clientX - frame.left, y: event.clientY - frame.top };
    const { image, scale } = this.view;
    const at = this.view.toImage(screen.x, screen.y);
    const reach = (REACH[event.pointerType] ?? REACH.mouse) / scale;
    return {
      x: at.x / image.width, y: at.y / image.height, reach: { x: reach / image.width, y: reach / image.height },
      screen, shift: event.shiftKey, ctrl: event.ctrlKey || event.metaKey, alt: event.altKey,
    };
  }

  #down(event) {
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    const p = this.point(event);
    this.#pointers.set(event.pointerId, p.screen);
    if (this.#pointers.size === 2) return this.#beginPinch();
    if (this.#pointers.size > 2) return;
    if (this.panHeld || event.button === 1) this.#mode = "pan";
    else if (event.button === 0 && this.enabled()) this.#mode = "tool";
    else return;
    event.preventDefault();
    this.#last = p.screen;
    if (this.#mode === "tool") this.tool().down(p);
    this.after(p);
  }

  #beginPinch() {
    if (this.#mode === "tool") this.tool().cancel();
    this.#mode = "pinch";
    this.#last = this.#spread();
  }

  /** Middle and distance of the first two pointers, screen px. */
  #spread() {
    const [a, b] = [...this.#pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)) };
  }

  #move(event) {
    const p = this.point(event);
    if (this.#pointers.has(event.pointerId)) this.#pointers.set(event.pointerId, p.screen);
    if (this.#mode === "pinch") return this.#pinch();
    if (this.#mode === "pan") {
      this.view.panBy(p.screen.x - this.#last.x, p.screen.y - this.#last.y);
      this.#last = p.screen;
    } else if (this.#mode === "tool" || this.#pointers.size === 0) {
      if (this.enabled()) this.tool().move(p);
    }
    this.after(event.pointerType === "touch" && !this.#pointers.size ? null : p);
  }

  #pinch() {
    if (this.#pointers.size < 2) return;
    const now = this.#spread();
    this.view.panBy(now.x - this.#last.x, now.y - this.#last.y);
    this.view.zoomAt(now.x, now.y, now.distance / this.#last.distance);
    this.#last = now;
  }

  #up(event, cancelled = false) {
    if (!this.#pointers.delete(event.pointerId)) return;
    const p = this.point(event);
    if (this.#mode === "tool") {
      if (cancelled) this.tool().cancel(); else this.tool().up(p);
    }
    if (this.#mode !== "pinch" || this.#pointers.size === 0) this.#mode = null;
    this.after(event.pointerType === "touch" ? null : p);
  }

  #wheel(event) {
    event.preventDefault();
    const { screen } = this.point(event);
    // A mouse notch is about 100 px; a trackpad's pinch comes as small steps with Ctrl.
    const pixels = event.deltaMode === 1 ? event.deltaY * 33 : event.deltaY;
    if (event.shiftKey) this.view.panBy(-pixels, 0);
    else this.view.zoomAt(screen.x, screen.y, Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0018)));
    this.after(this.point(event));
  }
}
