/**
 * Predictions of a model, offered beside the labels and never silently among them. No DOM, no network.
 *
 * What is offered is derived: above the threshold, not rejected, and not already there (a label of the same class with
 * IoU ≥ 0.7). So accepting one makes it vanish by itself, and undoing that brings it back.
 * Events: change, decided ({imageId, ids}: of those that the server keeps, these were accepted or rejected).
 */
import { Emitter } from "./emitter.js";
import { iou } from "./geometry.js";
import { fromAnnotation, shapesAt, typeOf } from "./shapes.js";

export const SAME_IOU = 0.7;

export class Suggestions extends Emitter {
  threshold = 0.4;
  #byImage = new Map();
  #cache = { version: -1 };
  #counter = 0;

  constructor({ store }) {
    super();
    this.store = store;
    store.on("document", () => this.#changed());
  }

  /** Offers predictions (annotation fields with a confidence) for an image, in place of earlier ones. */
  set(imageId, predictions) {
    const shapes = predictions.map((p) => {
      this.#counter += 1;
      return { ...fromAnnotation({ ...p, source: "model" }), key: `p${this.#counter}`, z: this.#counter, confidence: p.confidence ?? 0, stored: p.id ?? null };
    });
    this.#byImage.set(imageId, shapes);
    this.#changed();
  }

  has(imageId) {
    return this.#byImage.has(imageId);
  }

  /** Everything that was offered for the current image and is not rejected, however weak. */
  get all() {
    return this.#byImage.get(this.store.doc.imageId) ?? [];
  }

  /** What is shown now, strongest first. */
  get visible() {
    const { store } = this;
    // While something is dragged the offers stand still; a thousand comparisons a frame would be felt.
    if (this.#cache.version !== store.version && !store.isOpen) this.#cache = { version: store.version, shapes: this.#offered() };
    return this.#cache.shapes ?? [];
  }

  #offered() {
    const labels = new Map();
    for (const shape of this.store.shapes) labels.set(shape.classId, [...(labels.get(shape.classId) ?? []), typeOf(shape).bounds(shape)]);
    const isNew = (shape) => !(labels.get(shape.classId) ?? []).some((rect) => iou(rect, typeOf(shape).bounds(shape)) >= SAME_IOU);
    return this.all.filter((shape) => shape.confidence >= this.threshold && isNew(shape)).sort((a, b) => b.confidence - a.confidence);
  }

  /** The offer under a point (normalized), the smallest first, or null. */
  at(x, y, reach) {
    return shapesAt(this.visible, x, y, reach)[0] ?? null;
  }

  setThreshold(threshold) {
    this.threshold = threshold;
    this.#changed();
  }

  /** Makes labels of these offers, as one step of undo; answers the new shapes' keys. */
  accept(shapes, label = "Accept a suggestion") {
    if (!shapes.length) return [];
    this.#decide(shapes);
    return this.store.add(shapes.map(({ key, z, stored, ...shape }) => shape), label);
  }

  acceptAll() {
    return this.accept(this.visible, "Accept suggestions");
  }

  reject(shape) {
    this.#decide([shape]);
    this.#byImage.set(this.store.doc.imageId, this.all.filter((other) => other.key !== shape.key));
    this.#changed();
  }

  rejectAll() {
    this.#decide(this.all);
    this.#byImage.delete(this.store.doc.imageId);
    this.#changed();
  }

  #decide(shapes) {
    const ids = shapes.map((shape) => shape.stored).filter((id) => id !== null);
    if (ids.length) this.emit("decided", { imageId: this.store.doc.imageId, ids });
  }

  #changed() {
    this.#cache = { version: -1 };
    this.emit("change");
  }
}
