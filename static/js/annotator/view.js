/**
 * How the picture lies on the screen: scale and offset, brightness and contrast. No DOM; sizes are told to it.
 * Event: change.
 */
import { Emitter } from "./emitter.js";
import { clamp, imageToScreen, screenToImage } from "./geometry.js";

const LARGEST_SCALE = 40;
const MARGIN = 24;

export class View extends Emitter {
  scale = 1;
  tx = 0;
  ty = 0;
  brightness = 1;
  contrast = 1;
  screen = { width: 1, height: 1 };
  image = { width: 1, height: 1 };
  fitted = true;

  get fitScale() {
    const { screen, image } = this;
    return Math.max(0.001, Math.min((screen.width - 2 * MARGIN) / image.width, (screen.height - 2 * MARGIN) / image.height));
  }

  /** Screen px → image px. */
  toImage(x, y) { return screenToImage(this, x, y); }

  /** Image px → screen px. */
  toScreen(x, y) { return imageToScreen(this, x, y); }

  /** The canvas' size in screen px; a fitted picture stays fitted. */
  resize(width, height) {
    this.screen = { width, height };
    if (this.fitted) this.fit(); else this.emit("change");
  }

  /** The picture's size in image px; a new picture starts fitted. */
  setImage(width, height) {
    this.image = { width, height };
    this.fit();
  }

  fit() {
    this.#place(this.fitScale, this.screen.width / 2, this.screen.height / 2, this.image.width / 2, this.image.height / 2);
    this.fitted = true;
    this.emit("change");
  }

  /** One image px on one screen px, around the middle of the canvas. */
  actualSize() {
    this.zoomTo(1, this.screen.width / 2, this.screen.height / 2);
  }

  /** Multiplies the scale; the image point under (x, y) screen px stays there. */
  zoomAt(x, y, factor) {
    this.zoomTo(this.scale * factor, x, y);
  }

  zoomTo(scale, x, y) {
    const fixed = this.toImage(x, y);
    this.#place(clamp(scale, Math.min(1, this.fitScale) / 4, LARGEST_SCALE), x, y, fixed.x, fixed.y);
    this.fitted = false;
    this.emit("change");
  }

  /** Shifts by screen px. */
  panBy(dx, dy) {
    this.#set(this.scale, this.tx + dx, this.ty + dy);
    this.fitted = false;
    this.emit("change");
  }

  /** Pans and, if need be, zooms out until a rect in image px is within the canvas. */
  reveal(rect) {
    const a = this.toScreen(rect.x0, rect.y0);
    const b = this.toScreen(rect.x1, rect.y1);
    const over = (low, high, size) => (low < MARGIN ? MARGIN - low : high > size - MARGIN ? size - MARGIN - high : 0);
    if (b.x - a.x > this.screen.width || b.y - a.y > this.screen.height) return this.fit();
    const dx = over(a.x, b.x, this.screen.width);
    const dy = over(a.y, b.y, this.screen.height);
    if (dx || dy) this.panBy(dx, dy);
  }

  adjust({ brightness = this.brightness, contrast = this.contrast }) {
    this.brightness = clamp(brightness, 0.2, 3);
    this.contrast = clamp(contrast, 0.2, 3);
    this.emit("adjust");
  }

  #place(scale, screenX, screenY, imageX, imageY) {
    this.#set(scale, screenX - imageX * scale, screenY - imageY * scale);
  }

  /** A strip of the picture always stays within the canvas, so that it cannot be lost. */
  #set(scale, tx, ty) {
    const keep = 48;
    this.scale = scale;
    this.tx = clamp(tx, keep - this.image.width * scale, this.screen.width - keep);
    this.ty = clamp(ty, keep - this.image.height * scale, this.screen.height - keep);
  }
}
