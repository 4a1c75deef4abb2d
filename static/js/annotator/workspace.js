/**
 * The open image: brings store, sync, cache, view and renderer together. It knows the canvas but none of the panels;
 * they listen. Events: image (item), state (review state), tool, error.
 */
import { Emitter } from "./emitter.js";
import { fromAnnotation, shapesAt, shapesBounds, typeOf } from "./shapes.js";
import { BoxTool } from "./tools/box.js";
import { PolygonTool } from "./tools/polygon.js";
import { SelectTool } from "./tools/select.js";

const FRESH_FOR = 4000;

export class Workspace extends Emitter {
  item = null;
  /** False until the annotations are there; nothing can be drawn before, so nothing can be overwritten. */
  ready = false;
  state = "unlabelled";
  clipboard = [];
  previewing = null;

  constructor(parts) {
    super();
    Object.assign(this, parts);
    const context = {
      store: this.store, image: () => this.view.image, canEdit: this.canEdit, pick: (p) => this.#pickSuggestion(p),
    };
    this.tools = { select: new SelectTool(context), box: new BoxTool(context), polygon: new PolygonTool(context) };
    this.setTool(this.canEdit ? "box" : "select");
    this.store.on("changed", ({ imageId }) => this.#keep(imageId));
    this.sync.on("saved", ({ imageId, body, current }) => this.#saved(imageId, body, current));
    this.suggestions.on("change", () => this.renderer.invalidate("base"));
  }

  /** Only the select tool is there for who may not change anything. */
  setTool(name) {
    if (!this.canEdit && name !== "select") return;
    this.tool?.cancel();
    this.tool = this.tools[name];
    this.renderer.tool = this.tool;
    this.renderer.invalidate("overlay");
    this.emit("tool", name);
  }

  // Opening ---------------------------------------------------------------------------------------------------

  /** Opens an image of the list by its id (null: the list's first). */
  async openById(imageId) {
    return this.open(await this.navigation.start(imageId));
  }

  /** Opens an item of the list; says that there is none where it is null. */
  async open(item) {
    if (item) return this.show(item);
    this.emit("error", { item: null, error: null });
  }

  /** Another filter for the list; stays on the image where the list still has it. */
  async setQuery(query) {
    const item = await this.navigation.setQuery(query);
    if (item === undefined) return; // a newer one was chosen meanwhile
    if (!item) return this.emit("error", { item: null, error: null });
    if (item.id !== this.item?.id) await this.show(item);
    if (item.id === this.item?.id) this.emit("image", item);
  }

  /** Puts an image on the screen: at once what is there already, the rest as it comes. */
  async show(item, startedAt = performance.now()) {
    this.tool.cancel();
    this.endPreview();
    if (this.item) this.sync.hurry(this.item.id);
    Object.assign(this, { item, ready: false });
    this.store.open(item.id);
    this.view.setImage(item.width || 1, item.height || 1);
    this.emit("image", item);
    const picture = this.cache.picture(item);
    const set = this.cache.annotations(item.id);
    this.renderer.setPicture(picture.value);
    if (set.value) this.#fill(set.value);
    if (picture.value && set.value) this.#measure(startedAt);
    try {
      await Promise.all([this.#whenPicture(item, picture), set.value ? this.#refresh(item, set.at) : set.promise.then((value) => this.#stillOn(item) && this.#fill(value))]);
    } catch (error) {
      if (this.#stillOn(item)) this.#failed(item, error);
    }
    if (this.#stillOn(item)) this.cache.prefetch(item, this.navigation.neighbours);
  }

  #stillOn(item) {
    return this.item === item;
  }

  async #whenPicture(item, entry) {
    const picture = await entry.promise;
    if (!this.#stillOn(item) || this.renderer.picture === picture) return;
    this.view.setImage(picture.width, picture.height);
    this.renderer.setPicture(picture);
  }

  /** A set from the cache may have been changed by somebody since: looks, and takes the newer where nothing is unsent. */
  async #refresh(item, at) {
    if (Date.now() - at < FRESH_FOR) return;
    const fresh = await this.api.annotations(item.id).catch(() => null);
    if (!fresh) return;
    this.cache.setAnnotations(item.id, fresh);
    const newer = fresh.revision > (this.sync.revision(item.id) ?? -1);
    if (this.#stillOn(item) && newer && !this.sync.unsent(item.id) && !this.store.isOpen) this.#fill(fresh);
  }

  #failed(item, error) {
    // Unsent work of an earlier page can be gone on with even while the server is away.
    const unsent = this.sync.unsent(item.id);
    if (unsent && !this.ready) this.#fill({ revision: this.sync.revision(item.id), state: item.state, annotations: [] });
    this.emit("error", { item, error });
  }

  #fill(set) {
    const { item } = this;
    this.sync.track(item.id, set.revision, set.annotations);
    const unsent = this.sync.takeUnsent(item.id);
    const { annotations } = unsent ?? set;
    this.store.load(annotations, { empty: unsent ? unsent.labeled : set.state !== "unlabelled" });
    this.ready = true;
    this.#setState(set.state ?? item.state ?? "unlabelled");
    this.emit("ready", item);
    if (annotations.some((a) => !this.classes.has(a.class_id))) this.#refreshClasses();
  }

  /** Somebody added a class since this page was opened. */
  async #refreshClasses() {
    const answer = await this.api.classes().catch(() => null);
    if (answer) this.classes.set(answer.classes);
  }

  #setState(state) {
    this.state = state;
    this.navigation.update(this.item.id, { state, is_labeled: state !== "unlabelled" });
    this.emit("state", state);
  }

  /** From the key to the picture with its boxes painted, for the benchmark: performance measure "next-image". */
  #measure(start) {
    requestAnimationFrame(() => setTimeout(() => {
      performance.clearMeasures("next-image");
      performance.measure("next-image", { start, end: performance.now() });
    }));
  }

  // Keeping ---------------------------------------------------------------------------------------------------

  #keep(imageId) {
    if (!this.ready) return;
    const snapshot = this.store.snapshot();
    this.sync.change(imageId, snapshot);
    const labelled = this.state === "unlabelled" ? "labelled" : this.state;
    this.#setState(snapshot.labeled ? labelled : "unlabelled");
  }

  #saved(imageId, body, current) {
    const annotations = body.annotations ?? [];
    this.store.adoptIds(imageId, annotations);
    if (!current) return;
    const item = this.navigation.item(imageId);
    const state = body.state ?? item?.state ?? "labelled";
    this.cache.setAnnotations(imageId, { revision: body.revision, state, annotations });
    if (this.item?.id === imageId) this.#setState(state);
    else this.navigation.update(imageId, { state, is_labeled: state !== "unlabelled" });
  }

  /** After a conflict: goes on with `choice` (annotations), or with theirs where it is null. */
  resolveConflict(imageId, choice) {
    const { theirs } = this.sync.conflict(imageId);
    const set = choice ?? theirs;
    this.sync.resolve(imageId, choice && { annotations: choice, labeled: choice.length > 0 });
    this.cache.forget(imageId);
    if (this.item?.id !== imageId) return;
    this.#quietly(() => this.store.replaceAll(set, choice ? "Merge" : "Take theirs"));
    this.store.adoptIds(imageId, theirs);
  }

  /** Shows what the server already holds (a restored revision, theirs) as a step of undo that is not sent again. */
  takeFromServer(set, label) {
    this.sync.track(this.item.id, set.revision, set.annotations);
    this.#quietly(() => this.store.replaceAll(set.annotations, label));
    this.store.adoptIds(this.item.id, set.annotations);
    this.cache.setAnnotations(this.item.id, set);
    if (set.state) this.#setState(set.state);
  }

  #quietly(work) {
    this.ready = false;
    try {
      work();
    } finally {
      this.ready = true;
    }
  }

  /** Copies of another image's shapes (without key and z): as this page has them, else from the server. */
  async shapesOf(imageId) {
    const set = this.sync.unsent(imageId) ?? await this.cache.annotations(imageId).promise;
    return set.annotations.map(fromAnnotation);
  }

  /** After a reviewer's word: the state, and the revision where the server counts it as one. */
  reviewed(item, state, revision) {
    this.cache.forget(item.id);
    if (revision != null) this.sync.track(item.id, revision, this.store.snapshot().annotations);
    if (this.#stillOn(item)) this.#setState(state);
    else this.navigation.update(item.id, { state });
  }

  // Looking ---------------------------------------------------------------------------------------------------

  /** Shows shapes in the place of the image's own (an old revision), read-only. */
  preview(shapes, name) {
    this.previewing = name;
    this.renderer.preview = shapes;
    this.renderer.invalidate("base", "overlay");
    this.emit("preview", name);
  }

  endPreview() {
    if (!this.previewing) return;
    this.previewing = null;
    this.renderer.preview = null;
    this.renderer.invalidate("base", "overlay");
    this.emit("preview", null);
  }

  /** Pans until shapes are in sight. */
  reveal(shapes) {
    if (!shapes.length) return;
    const { width, height } = this.view.image;
    const r = shapesBounds(shapes);
    this.view.reveal({ x0: r.x0 * width, y0: r.y0 * height, x1: r.x1 * width, y1: r.y1 * height });
  }

  /** A click on a suggestion takes it (Alt: rejects it), unless a smaller label lies over it. */
  #pickSuggestion(p) {
    const offer = this.canEdit && this.suggestions.at(p.x, p.y, p.reach);
    if (!offer) return false;
    const [label] = shapesAt(this.store.visible(), p.x, p.y, p.reach);
    if (label && typeOf(label).area(label) < typeOf(offer).area(offer)) return false;
    if (p.alt) this.suggestions.reject(offer); else this.suggestions.accept([offer]);
    return true;
  }
}
