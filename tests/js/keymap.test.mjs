import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS, Keymap, keyOf, PRESETS } from "../../static/js/annotator/keymap.js";

const press = (key, more = {}) => keyOf({ key, ...more });

test("keys are named the same whatever the case and the layout", () => {
  assert.equal(press("w"), "W");
  assert.equal(press("W", { shiftKey: true }), "Shift+W");
  assert.equal(press("z", { metaKey: true }), "Ctrl+Z");
  assert.equal(press("Z", { ctrlKey: true, shiftKey: true }), "Ctrl+Shift+Z");
  assert.equal(press("в", { code: "KeyD" }), "D");
  assert.equal(press("&", { code: "Digit1" }), "1");
  assert.equal(press("?", { shiftKey: true, code: "Slash" }), "?");
  assert.equal(press(" "), "Space");
  assert.equal(press("Tab", { shiftKey: true }), "Shift+Tab");
  assert.equal(press("+", { shiftKey: true, code: "Equal" }), "+");
  assert.equal(press("Shift"), null);
});

test("the defaults are those of the handbook", () => {
  const keymap = new Keymap();
  const table = {
    W: "tool.box", B: "tool.box", V: "tool.select", Escape: "cancel", D: "next", A: "previous", "Shift+D": "nextUnlabelled",
    1: "class.1", 9: "class.9", 0: "class.10", Tab: "shape.next", "Shift+Tab": "shape.previous", "Ctrl+Z": "undo", "Ctrl+Y": "redo",
    "Ctrl+Shift+Z": "redo", "Ctrl+V": "paste", R: "copyPrevious", "Ctrl+A": "selectAll", "Shift+H": "hideAll", "Shift+L": "lockAll",
    "Ctrl+0": "fit", Space: "pan", P: "prelabel", Enter: "accept", N: "empty", "Ctrl+S": "save", G: "goto", "?": "help",
  };
  for (const [key, action] of Object.entries(table)) assert.equal(keymap.action(key), action, key);
  const selected = { selection: true };
  for (const [key, action] of Object.entries({ Delete: "delete", Backspace: "delete", "Ctrl+C": "copy", "Ctrl+D": "duplicate", H: "hide", L: "lock" })) {
    assert.equal(keymap.action(key, selected), action, key);
  }
});

test("arrows nudge while something is selected and change the image otherwise", () => {
  const keymap = new Keymap();
  assert.equal(keymap.action("ArrowRight"), "next");
  assert.equal(keymap.action("ArrowRight", { selection: true }), "nudge.right");
  assert.equal(keymap.action("Shift+ArrowUp", { selection: true }), "nudge.up10");
  assert.equal(keymap.action("Shift+ArrowUp"), null);
});

test("while a polygon is drawn Enter closes it and Backspace takes a point back", () => {
  const keymap = new Keymap();
  assert.equal(keymap.action("Enter", { drawing: true }), "draw.close");
  assert.equal(keymap.action("Backspace", { drawing: true, selection: true }), "draw.back");
});

test("no preset has two actions of one context on one key", () => {
  for (const preset of Object.keys(PRESETS)) {
    const found = new Keymap({ preset }).allConflicts().map(({ key, actions }) => `${preset} ${key}: ${actions.map((a) => a.id)}`);
    assert.deepEqual(found, []);
  }
});

test("presets name only actions that exist", () => {
  const ids = new Set(ACTIONS.map((action) => action.id));
  for (const keys of Object.values(PRESETS)) for (const id of Object.keys(keys)) assert.ok(ids.has(id), id);
});

test("a key that is taken is told, and can be taken over", () => {
  const keymap = new Keymap();
  assert.deepEqual(keymap.conflicts("tool.polygon", "N").map((a) => a.id), ["empty"]);
  assert.deepEqual(keymap.conflicts("delete", "N"), []);
  keymap.set("tool.polygon", ["N"], { take: true });
  assert.equal(keymap.action("N"), "tool.polygon");
  assert.deepEqual(keymap.keys("empty"), []);
  assert.deepEqual(keymap.allConflicts(), []);
});

test("keys are stored for the user and come back", () => {
  let stored = null;
  const keymap = new Keymap(null, (saved) => (stored = saved));
  keymap.usePreset("CVAT");
  keymap.set("tool.box", ["X"]);
  const again = new Keymap(JSON.parse(JSON.stringify(stored)));
  assert.equal(again.action("X"), "tool.box");
  assert.equal(again.action("F"), "next");
  again.reset("tool.box");
  assert.equal(again.action("N"), "tool.box");
});

test("a stored keymap with nonsense in it does no harm", () => {
  const keymap = new Keymap({ preset: "nope", keys: { gone: ["X"], next: "D" } });
  assert.equal(keymap.preset, "default");
  assert.equal(keymap.action("D"), "next");
  assert.equal(new Keymap({}).action("W"), "tool.box");
});
