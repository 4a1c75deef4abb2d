/**
 * The state of the workspace: the shapes of each image opened in this session, what is selected, the current class, and
 * undo and redo. It knows no DOM, no canvas and no network.
 *
 * A change is {key, before, after}: what stood under that key, and what stands there now (null for nothing). A
 * transaction is a set of changes that undo takes back at once. Because a change only speaks of its own keys, undoing
 * one's own work leaves alone what another person has added to the image meanwhile.
 */
import { Emitter } from "./emitter.js";
import { fromAnnotation, toAnnotation } from "./shapes.js";
import { matchAnnotations } from "./merge.js";

/** The pseudo key under which "this image has no objects" is kept, so that undo covers it too. */
export const EMPTY_MARK = "@empty";

function newDocument(imageId) {
  return { imageId, shapes: new Map(), ids: new Map(), empty: null, undo: [], redo: [] };
}

/** Events: document, shapes, selection, class, visibility, changed ({imageId, label}: a change to be saved). */
export class Store extends Emitter {
  doc = newDocument(null);
  selection = new Set();
  hidden = new Set();
  locked = new Set();
  hiddenClasses = new Set();
  allHidden = false;
  classId = null;
  version = 0;
  #documents = new Map();
  #counter = 0;
  #open = null;
  #sorted = null;

  /** Shapes of the current image, bottom first. */
  get shapes() {
    this.#sorted ??= [...this.doc.shapes.values()].sort((a, b) => a.z - b.z);
    return this.#sorted;
  }

  get selected() {
    return this.shapes.filter((shape) => this.selection.has(shape.key));
  }

  get(key) {
    return this.doc.shapes.get(key) ?? null;
  }

  isVisible(shape) {
    return !this.allHidden && !this.hidden.has(shape.key) && !this.hiddenClasses.has(shape.classId);
  }

  /** Shapes that are shown, and (with `editable`) may be changed. */
  visible({ editable = false } = {}) {
    return this.shapes.filter((shape) => this.isVisible(shape) && !(editable && this.locked.has(shape.key)));
  }

  /** Makes an image current; its history of this session, if any, comes back with it. */
  open(imageId) {
    this.rollback();
    if (this.doc.undo.length + this.doc.redo.length === 0) this.#documents.delete(this.doc.imageId);
    if (!this.#documents.has(imageId)) this.#documents.set(imageId, newDocument(imageId));
    this.doc = this.#documents.get(imageId);
    this.selection.clear();
    this.#touch();
    this.emit("document", imageId);
    this.emit("selection");
  }

  /**
   * Sets the shapes of the current image to what the server holds; not a change of the user's, so not in the history.
   * Shapes already known keep their keys: by their row's id, then by place and class.
   */
  load(annotations, { empty = false } = {}) {
    const { doc } = this;
    const keys = matchAnnotations(annotations, doc.shapes, doc.ids);
    const shapes = new Map();
    doc.ids = new Map();
    annotations.forEach((annotation, i) => {
      const key = keys[i] ?? annotation.client_id ?? this.newKey();
      shapes.set(key, { key, z: doc.shapes.get(key)?.z ?? this.#nextZ(), ...fromAnnotation(annotation) });
      if (annotation.id != null) doc.ids.set(key, annotation.id);
    });
    doc.shapes = shapes;
    doc.empty = empty && !annotations.length ? true : null;
    this.#pruneSelection();
    this.#touch();
  }

  /** After a save: learns the row ids the server gave, in whichever document it was. */
  adoptIds(imageId, annotations) {
    const doc = this.#documents.get(imageId);
    if (!doc) return;
    const keys = matchAnnotations(annotations, doc.shapes, doc.ids);
    doc.ids = new Map(annotations.flatMap((a, i) => (keys[i] && a.id != null ? [[keys[i], a.id]] : [])));
  }

  /** What is to be saved of the current image: {annotations, labeled}. */
  snapshot() {
    const { doc } = this;
    const annotations = this.shapes.map((shape) => toAnnotation(shape, doc.ids.get(shape.key) ?? null));
    return { annotations, labeled: annotations.length > 0 || doc.empty === true };
  }

  newKey() {
    this.#counter += 1;
    return `s${this.#counter}-${Math.random().toString(36).slice(2, 8)}`;
  }

  #nextZ() {
    this.#counter += 1;
    return this.#counter;
  }

  // Changes ---------------------------------------------------------------------------------------------------

  get isOpen() {
    return this.#open !== null;
  }

  /** Starts a transaction; everything until `commit` is one step of undo. */
  begin(label) {
    if (this.#open) throw new Error(`"${this.#open.label}" is still open`);
    this.#open = { label, changes: new Map() };
  }

  commit() {
    const { label, changes } = this.#open;
    this.#open = null;
    for (const [key, change] of changes) if (change.before === change.after) changes.delete(key);
    // The renderer rests while a transaction is open; now the moved shapes stand where they stand.
    this.emit("shapes");
    if (!changes.size) return;
    this.doc.undo.push({ label, changes });
    this.doc.redo.length = 0;
    this.emit("changed", { imageId: this.doc.imageId, label });
  }

  /** Takes back what the open transaction did; nothing where none is open. */
  rollback() {
    if (!this.#open) return;
    const { changes } = this.#open;
    this.#open = null;
    this.#write(changes, "before");
  }

  /** Runs `fn` as one step of undo. */
  transact(label, fn) {
    this.begin(label);
    try {
      const result = fn();
      this.commit();
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Puts a shape (or null) under a key, inside the open transaction or as one of its own. */
  put(key, after, label = "Change") {
    if (!this.#open) return this.transact(label, () => this.put(key, after));
    const before = this.#read(key);
    const known = this.#open.changes.get(key);
    this.#open.changes.set(key, { before: known ? known.before : before, after });
    this.#set(key, after);
    this.#touch();
  }

  /** Adds shapes (without key and z) and returns their keys. */
  add(shapes, label = "Draw") {
    const work = () => shapes.map((shape) => {
      const key = this.newKey();
      this.put(key, { ...shape, key, z: this.#nextZ() });
      return key;
    });
    return this.#open ? work() : this.transact(label, work);
  }

  update(key, patch, label = "Change") {
    this.put(key, { ...this.get(key), ...patch }, label);
  }

  remove(keys, label = "Delete") {
    const work = () => [...keys].filter((key) => !this.locked.has(key)).forEach((key) => this.put(key, null));
    if (this.#open) work(); else this.transact(label, work);
    this.#pruneSelection();
  }

  /** Replaces the whole set by annotations, as one step of undo (take theirs, merge, restore a revision). */
  replaceAll(annotations, label, empty = false) {
    const keys = matchAnnotations(annotations, this.doc.shapes, this.doc.ids);
    this.transact(label, () => {
      const kept = new Set(keys.filter(Boolean));
      for (const key of [...this.doc.shapes.keys()]) if (!kept.has(key)) this.put(key, null);
      annotations.forEach((annotation, i) => {
        const old = keys[i] && this.get(keys[i]);
        const key = keys[i] ?? this.newKey();
        this.put(key, { key, z: old?.z ?? this.#nextZ(), ...fromAnnotation(annotation) });
      });
      this.put(EMPTY_MARK, empty || null);
    });
    this.#pruneSelection();
  }

  undo() {
    return this.#step(this.doc.undo, this.doc.redo, "before");
  }

  redo() {
    return this.#step(this.doc.redo, this.doc.undo, "after");
  }

  /** Moves one transaction from one stack to the other; its label, or null where there is none. */
  #step(from, to, side) {
    if (this.#open || !from.length) return null;
    const entry = from.pop();
    to.push(entry);
    this.#write(entry.changes, side);
    this.select([...entry.changes.keys()].filter((key) => this.doc.shapes.has(key)));
    this.emit("changed", { imageId: this.doc.imageId, label: entry.label });
    return entry.label;
  }

  #write(changes, side) {
    for (const [key, change] of changes) this.#set(key, change[side]);
    this.#pruneSelection();
    this.#touch();
  }

  #read(key) {
    return key === EMPTY_MARK ? this.doc.empty : this.get(key);
  }

  #set(key, value) {
    if (key === EMPTY_MARK) this.doc.empty = value;
    else if (value === null) this.doc.shapes.delete(key);
    else this.doc.shapes.set(key, value);
  }

  #touch() {
    this.#sorted = null;
    this.version += 1;
    this.emit("shapes");
  }

  // Selection, class, visibility -------------------------------------------------------------------------------

  select(keys) {
    this.selection = new Set(keys);
    this.emit("selection");
  }

  toggleSelected(key) {
    if (!this.selection.delete(key)) this.selection.add(key);
    this.emit("selection");
  }

  #pruneSelection() {
    const before = this.selection.size;
    for (const key of this.selection) if (!this.doc.shapes.has(key)) this.selection.delete(key);
    if (this.selection.size !== before) this.emit("selection");
  }

  setClass(classId) {
    this.classId = classId;
    this.emit("class");
  }

  /** Adds to or takes from one of `hidden`, `locked`, `hiddenClasses`: all of `items`, or none if all were in. */
  toggleFlag(name, items) {
    const set = this[name];
    const all = items.every((item) => set.has(item));
    items.forEach((item) => (all ? set.delete(item) : set.add(item)));
    this.emit("visibility");
  }

  setAllHidden(hidden) {
    this.allHidden = hidden;
    this.emit("visibility");
  }
}
