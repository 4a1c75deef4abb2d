import assert from "node:assert/strict";
import { test } from "node:test";
import { compareSets, digest, mergeSets, rebaseIds } from "../../static/js/annotator/merge.js";
import { Store } from "../../static/js/annotator/store.js";
import { Suggestions } from "../../static/js/annotator/suggestions.js";
import { box } from "./fakes.mjs";

function offered(labels, predictions) {
  const store = new Store();
  const suggestions = new Suggestions({ store });
  store.open(5);
  store.load(labels);
  suggestions.set(5, predictions);
  return { store, suggestions };
}
const predicted = (x, confidence, classId = 0) => box(x, classId, { confidence });

test("the slider hides weak ones and brings them back", () => {
  const { suggestions } = offered([], [predicted(0.1, 0.9), predicted(0.3, 0.5), predicted(0.5, 0.2)]);
  assert.equal(suggestions.visible.length, 2);
  suggestions.setThreshold(0.6);
  assert.equal(suggestions.visible.length, 1);
  suggestions.setThreshold(0.1);
  assert.deepEqual(suggestions.visible.map((s) => s.confidence), [0.9, 0.5, 0.2]);
});

test("what is already labelled with the same class is not offered; another class is", () => {
  const { suggestions } = offered([box(0.1, 0, { id: 1 })], [predicted(0.1, 0.9), predicted(0.11, 0.9), predicted(0.13, 0.9), predicted(0.1, 0.9, 1)]);
  assert.deepEqual(suggestions.visible.map((s) => [s.cx, s.classId]), [[0.13, 0], [0.1, 1]]);
});

test("suggestions are never among what is saved until they are accepted", () => {
  const { store, suggestions } = offered([], [predicted(0.1, 0.9)]);
  assert.equal(store.snapshot().annotations.length, 0);
  suggestions.acceptAll();
  const [saved] = store.snapshot().annotations;
  assert.equal(saved.source, "model");
  assert.equal(saved.confidence, 0.9);
});

test("accepting all takes what is shown, in one step, and undo offers it again", () => {
  const { store, suggestions } = offered([], [predicted(0.1, 0.9), predicted(0.5, 0.8), predicted(0.9, 0.1)]);
  suggestions.acceptAll();
  assert.equal(store.shapes.length, 2);
  assert.equal(suggestions.visible.length, 0);
  store.undo();
  assert.equal(store.shapes.length, 0);
  assert.equal(suggestions.visible.length, 2);
});

test("one can be accepted and one rejected", () => {
  const { store, suggestions } = offered([], [predicted(0.1, 0.9), predicted(0.5, 0.8)]);
  suggestions.accept([suggestions.at(0.1, 0.5, { x: 0.01, y: 0.01 })]);
  suggestions.reject(suggestions.at(0.5, 0.5, { x: 0.01, y: 0.01 }));
  assert.equal(store.shapes.length, 1);
  assert.equal(suggestions.visible.length, 0);
  assert.equal(suggestions.at(0.5, 0.5, { x: 0.01, y: 0.01 }), null);
});

test("offers belong to their image", () => {
  const { store, suggestions } = offered([], [predicted(0.1, 0.9)]);
  store.open(6);
  assert.equal(suggestions.visible.length, 0);
  store.open(5);
  assert.equal(suggestions.visible.length, 1);
});

test("equal sets have equal digests whatever the order, ids and sources", () => {
  const a = [box(0.1, 0, { id: 1 }), box(0.2)];
  const b = [box(0.2, 0, { source: "model" }), box(0.1, 0, { id: 9 })];
  assert.equal(digest(a), digest(b));
  assert.notEqual(digest(a), digest([box(0.1), box(0.2, 1)]));
  assert.notEqual(digest([]), digest(a));
});

test("merging is a union: one thing on both sides stays one, by id or by overlap", () => {
  const mine = [box(0.1, 0, { id: 1 }), box(0.3, 0, { id: 2 }), box(0.501), box(0.8, 1)];
  const theirs = [box(0.1, 0, { id: 1 }), box(0.35, 0, { id: 2 }), box(0.5, 0, { id: 3 }), box(0.9, 0, { id: 4 })];
  const merged = mergeSets(mine, theirs);
  assert.deepEqual(merged.map((a) => [a.id, a.x_center]).sort(), [[1, 0.1], [2, 0.3], [3, 0.501], [4, 0.9], [undefined, 0.8]].sort());
});

test("equal places of different classes are two things", () => {
  const { onlyMine, onlyTheirs } = compareSets([box(0.1, 0)], [box(0.1, 1, { id: 1 })]);
  assert.equal(onlyMine.length + onlyTheirs.length, 2);
});

test("ids that the other side deleted are not sent", () => {
  assert.deepEqual(rebaseIds([box(0.1, 0, { id: 1 }), box(0.2, 0, { id: 2 })], [{ id: 2 }]).map((a) => a.id), [undefined, 2]);
});
