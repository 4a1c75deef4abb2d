import assert from "node:assert/strict";
import { test } from "node:test";
import { Layout } from "../../static/js/gallery/layout.js";
import { Selection } from "../../static/js/gallery/selection.js";
import { Windows } from "../../static/js/gallery/windows.js";
import { until } from "./fakes.mjs";

const grid = (count) => new Layout({ count, columns: 4, pitch: 100, gap: 10 });

test("only whole rows in view are in the range, whatever the scroll position", () => {
  assert.deepEqual(grid(100_000).range(-500, 250), { first: 0, end: 12 });
  assert.deepEqual(grid(100_000).range(1_000_050, 1_000_500), { first: 40_000, end: 40_020 });
  assert.deepEqual(grid(10).range(150, 5_000), { first: 4, end: 10 });
  assert.deepEqual(grid(10).range(9_000, 9_900), { first: 8, end: 10 });
  assert.deepEqual(grid(0).range(0, 900), { first: 0, end: 0 });
  assert.equal(grid(10).height, 290);
  assert.equal(grid(100_000).top(40_001), 1_000_000);
});

test("keys move within the list and never out of it", () => {
  const list = grid(10); // rows of 4, 4, 2
  const moves = [
    [0, "ArrowRight", 1], [0, "ArrowLeft", 0], [9, "ArrowRight", 9], [1, "ArrowDown", 5], [1, "ArrowUp", 1],
    [7, "ArrowDown", 9], [9, "ArrowDown", 9], [9, "ArrowUp", 5], [3, "Home", 0], [3, "End", 9], [3, "PageDown", 9],
    [1, "PageDown", 9], [9, "PageUp", 1], [5, "PageUp", 1], [5, "x", null],
  ];
  for (const [from, key, to] of moves) assert.equal(list.move(from, key, 2), to, `${key} from ${from}`);
  assert.equal(grid(0).move(0, "End"), null);
});

test("a selection is ids, or all but a few", () => {
  const chosen = new Selection();
  let changes = 0;
  chosen.on("change", () => { changes += 1; });
  chosen.toggle(5);
  chosen.add([6, 7]);
  chosen.toggle(6);
  assert.deepEqual([chosen.has(5), chosen.has(6), chosen.count(100), chosen.only], [true, false, 2, null]);
  assert.deepEqual(chosen.body({ split: "val" }), { ids: [5, 7] });
  chosen.selectAll();
  assert.deepEqual([chosen.has(6), chosen.count(100)], [true, 100]);
  assert.deepEqual(chosen.body({ split: "val" }), { filter: { split: "val" } });
  chosen.toggle(6);
  chosen.toggle(7);
  chosen.add([7]);
  assert.deepEqual([chosen.has(6), chosen.has(7), chosen.count(100)], [false, true, 99]);
  assert.deepEqual(chosen.body({}), { filter: {}, except_ids: [6] });
  chosen.clear();
  assert.deepEqual([chosen.isEmpty, chosen.count(100), chosen.body({})], [true, 0, { ids: [] }]);
  assert.equal(changes, 8);
});

/** A server with a list of `count` numbers. */
function server(count) {
  const asked = [];
  const list = { count, asked, down: false, hold: null };
  list.fetchWindow = async (from, size, signal) => {
    asked.push(from);
    await (list.hold ?? Promise.resolve());
    if (signal.aborted) throw new DOMException("given up", "AbortError");
    if (list.down) throw new Error("no network");
    const items = [];
    for (let n = from; n < Math.min(from + size, list.count); n += 1) items.push({ id: n });
    return { items, count: list.known ? list.count : null };
  };
  return list;
}

test("windows are fetched once where they are looked at, and the farthest are forgotten", async () => {
  const list = server(100_000);
  const windows = new Windows({ ...list, size: 100, kept: 3 });
  windows.reset(100_000, 0, [...Array(60).keys()].map((id) => ({ id })));
  assert.equal(windows.item(59).id, 59);
  assert.equal(windows.item(60), null);
  windows.want(0, 40);
  windows.want(50_050, 50_120);
  await until(() => windows.item(50_119));
  assert.deepEqual(list.asked, [0, 50_000, 50_100]);
  windows.want(50_050, 50_120);
  assert.equal(list.asked.length, 3);
  assert.equal(windows.item(50_050).id, 50_050);
  assert.equal(windows.indexOf(50_050), 50_050);
  windows.want(99_950, 100_000);
  await until(() => windows.item(99_999));
  windows.want(99_850, 100_000);
  await until(() => windows.item(99_850));
  assert.equal(windows.item(0), null);
});

test("what is scrolled past is given up and its late answer shows nothing", async () => {
  const list = server(10_000);
  let go;
  list.hold = new Promise((resolve) => { go = resolve; });
  const windows = new Windows({ fetchWindow: list.fetchWindow, size: 100 });
  const errors = [];
  windows.on("error", (error) => errors.push(error));
  windows.reset(10_000);
  windows.want(0, 100);
  windows.want(5_000, 5_100);
  go();
  await until(() => windows.item(5_000));
  assert.equal(windows.item(0), null);
  assert.deepEqual(errors, []);
});

test("another list forgets the windows of the one before", async () => {
  const list = server(1_000);
  const windows = new Windows({ fetchWindow: list.fetchWindow, size: 100 });
  windows.reset(1_000);
  windows.want(0, 100);
  windows.reset(500, 100, [{ id: "new" }]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(windows.item(0), null);
  assert.equal(windows.item(100).id, "new");
});

test("a list that got shorter, or whose length is told, is noticed", async () => {
  const list = server(1_000);
  const windows = new Windows({ fetchWindow: list.fetchWindow, size: 100 });
  const counts = [];
  windows.on("count", (count) => counts.push(count));
  windows.reset(1_000);
  list.count = 950;
  windows.want(900, 1_000);
  await until(() => counts.length === 1);
  list.count = 970;
  list.known = true;
  windows.want(0, 50);
  await until(() => counts.length === 2);
  assert.deepEqual(counts, [950, 970]);
  assert.equal(windows.count, 970);
});

test("a failed fetch is told once and tried again at the next look", async () => {
  const list = server(1_000);
  const windows = new Windows({ fetchWindow: list.fetchWindow, size: 100 });
  const errors = [];
  windows.on("error", (error) => errors.push(error.message));
  windows.reset(1_000);
  list.down = true;
  windows.want(0, 100);
  await until(() => errors.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual([errors, list.asked], [["no network"], [0]]);
  list.down = false;
  windows.want(0, 100);
  await until(() => windows.item(0));
});
