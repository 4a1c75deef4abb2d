import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_MARK, Store } from "../../static/js/annotator/store.js";

const annotation = (id, classId = 0, x = 0.5) => ({ id, class_id: classId, x_center: x, y_center: 0.5, width: 0.1, height: 0.1, confidence: null, source: "manual", points: null });
const shape = (cx, classId = 0) => ({ type: "box", classId, cx, cy: 0.5, w: 0.1, h: 0.1, points: null, confidence: null, source: "manual" });

function opened(annotations = [annotation(1), annotation(2, 1, 0.2)]) {
  const store = new Store();
  store.open(7);
  store.load(annotations);
  store.changes = [];
  store.on("changed", (change) => store.changes.push(change));
  return store;
}
const xs = (store) => store.shapes.map((s) => s.cx);

test("what was loaded is there and is not a change to be saved", () => {
  const store = opened();
  assert.deepEqual(xs(store), [0.5, 0.2]);
  assert.equal(store.doc.undo.length, 0);
  assert.equal(store.changes.length, 0);
});

test("adding, changing and removing are undone and redone one by one", () => {
  const store = opened([]);
  const [key] = store.add([shape(0.1)]);
  store.update(key, { classId: 3 });
  store.remove([key]);
  assert.equal(store.shapes.length, 0);
  store.undo();
  assert.equal(store.get(key).classId, 3);
  store.undo();
  assert.equal(store.get(key).classId, 0);
  store.undo();
  assert.equal(store.shapes.length, 0);
  assert.equal(store.undo(), null);
  store.redo();
  store.redo();
  store.redo();
  assert.equal(store.shapes.length, 0);
  assert.equal(store.redo(), null);
  assert.equal(store.changes.length, 9);
});

test("a drag of many steps is one step of undo", () => {
  const store = opened();
  const [first] = store.shapes;
  store.begin("Move");
  for (let i = 1; i <= 50; i += 1) store.put(first.key, { ...first, cx: 0.5 + i / 200 });
  store.commit();
  assert.equal(store.changes.length, 1);
  store.undo();
  assert.equal(store.get(first.key), first);
});

test("a drag that is cancelled, or comes back to where it began, leaves no trace", () => {
  const store = opened();
  const [first] = store.shapes;
  store.begin("Move");
  store.put(first.key, { ...first, cx: 0.9 });
  store.rollback();
  assert.equal(store.get(first.key), first);
  store.begin("Move");
  store.put(first.key, { ...first, cx: 0.9 });
  store.put(first.key, first);
  store.commit();
  assert.equal(store.doc.undo.length, 0);
  assert.equal(store.changes.length, 0);
});

test("a thousand steps are all undone, without limit", () => {
  const store = opened([]);
  for (let i = 0; i < 1000; i += 1) store.add([shape(i / 1000)]);
  for (let i = 0; i < 1000; i += 1) store.undo();
  assert.equal(store.shapes.length, 0);
  for (let i = 0; i < 1000; i += 1) store.redo();
  assert.equal(store.shapes.length, 1000);
});

test("accepting many at once is one step", () => {
  const store = opened();
  store.add([shape(0.1), shape(0.3), shape(0.7)], "Accept");
  assert.equal(store.shapes.length, 5);
  assert.equal(store.undo(), "Accept");
  assert.equal(store.shapes.length, 2);
});

test("a new change after an undo forgets what could have been redone", () => {
  const store = opened([]);
  store.add([shape(0.1)]);
  store.undo();
  store.add([shape(0.2)]);
  assert.equal(store.redo(), null);
  assert.deepEqual(xs(store), [0.2]);
});

test("an error inside a transaction takes it back whole", () => {
  const store = opened();
  assert.throws(() => store.transact("Bad", () => {
    store.add([shape(0.9)]);
    throw new Error("no");
  }), /no/);
  assert.deepEqual(xs(store), [0.5, 0.2]);
  assert.equal(store.isOpen, false);
});

test("each image has its own history, which is there again on the way back", () => {
  const store = opened();
  store.add([shape(0.1)]);
  store.open(8);
  store.load([annotation(9)]);
  assert.equal(store.undo(), null);
  store.open(7);
  store.load([annotation(1), annotation(2, 1, 0.2), annotation(3, 0, 0.1)]);
  assert.equal(store.shapes.length, 3);
  store.undo();
  assert.deepEqual(xs(store), [0.5, 0.2]);
});

test("undo of one's own work leaves alone what another person added meanwhile", () => {
  const store = opened();
  const [key] = store.add([shape(0.1)]);
  store.load([annotation(1), annotation(2, 1, 0.2), { ...annotation(3, 0, 0.1), client_id: key }, annotation(4, 0, 0.8)]);
  store.undo();
  assert.deepEqual(xs(store), [0.5, 0.2, 0.8]);
});

test("ids given by the server stay with their shapes, and moved shapes keep them", () => {
  const store = opened([]);
  const [key] = store.add([shape(0.1)]);
  assert.ok(!("id" in store.snapshot().annotations[0]));
  store.adoptIds(7, [{ ...annotation(55, 0, 0.1) }]);
  store.update(key, { cx: 0.4 });
  assert.equal(store.snapshot().annotations[0].id, 55);
  store.adoptIds(7, [{ ...annotation(55, 0, 0.4) }]);
  assert.equal(store.snapshot().annotations[0].id, 55);
});

test("a shape whose row the server no longer has is sent as new", () => {
  const store = opened();
  const [first] = store.shapes;
  store.remove([first.key]);
  store.adoptIds(7, [annotation(2, 1, 0.2)]);
  store.undo();
  const ids = store.snapshot().annotations.map((a) => a.id);
  assert.deepEqual(ids.sort(), [2, undefined]);
});

test("no objects here is labelled and empty, and undo makes it unlabelled again", () => {
  const store = opened([]);
  assert.deepEqual(store.snapshot(), { annotations: [], labeled: false });
  store.put(EMPTY_MARK, true, "No objects");
  assert.equal(store.snapshot().labeled, true);
  store.undo();
  assert.equal(store.snapshot().labeled, false);
});

test("locked shapes are not removed", () => {
  const store = opened();
  const keys = store.shapes.map((s) => s.key);
  store.toggleFlag("locked", [keys[0]]);
  store.remove(keys);
  assert.deepEqual(store.shapes.map((s) => s.key), [keys[0]]);
});

test("hidden shapes and classes are not visible, and hiding all hides all", () => {
  const store = opened();
  store.toggleFlag("hiddenClasses", [1]);
  assert.equal(store.visible().length, 1);
  store.toggleFlag("hidden", [store.shapes[0].key]);
  assert.equal(store.visible().length, 0);
  store.toggleFlag("hidden", [store.shapes[0].key]);
  store.setAllHidden(true);
  assert.equal(store.visible().length, 0);
});

test("a removed shape is no longer selected, and undo selects what came back", () => {
  const store = opened();
  const [first] = store.shapes;
  store.select([first.key]);
  store.remove([first.key]);
  assert.equal(store.selection.size, 0);
  store.undo();
  assert.deepEqual([...store.selection], [first.key]);
});

test("replacing the whole set is one step and keeps the keys of what stays", () => {
  const store = opened();
  const [first] = store.shapes;
  store.replaceAll([annotation(1, 0, 0.55), annotation(77, 0, 0.9)], "Take theirs");
  assert.equal(store.get(first.key).cx, 0.55);
  assert.deepEqual(xs(store), [0.55, 0.9]);
  store.undo();
  assert.deepEqual(xs(store), [0.5, 0.2]);
});
