// The statistics page's charts: the server's figures in, bars with their links and tables out.

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = { documentElement: {}, addEventListener() {} };
globalThis.getComputedStyle = () => ({ getPropertyValue: (name) => name });
const { perClass, together } = await import("../../static/js/statistics/classes.js");
const { perImage, positions, shapes, sizes } = await import("../../static/js/statistics/boxes.js");
const { brightness, bySplit, imageSizes, overTime } = await import("../../static/js/statistics/images.js");

const split = (images, boxes) => ({ images, boxes });
const classes = (count) => Array.from({ length: count }, (_, id) => ({
  class_id: id, class_name: `a class with a long name ${id}`, boxes: id + 1, images: 1,
  splits: { train: split(1, id), val: split(0, 1), test: split(0, 0), "": split(0, 0) },
}));
const splits = [{ split: "train", images: 3 }, { split: "val", images: 1 }, { split: "test", images: 0 }, { split: "", images: 0 }];

test("each class has a bar for each split that has images, in the order of the classes, with a link to its images", () => {
  const figure = perClass({ classes: classes(3), splits }, "boxes");
  assert.deepEqual(figure.traces.map((trace) => [trace.name, trace.x]), [["train", [0, 1, 2]], ["val", [1, 1, 1]]]);
  assert.equal(figure.traces[1].customdata[2], "?class_id=2&split=val");
  assert.deepEqual(figure.layout.yaxis.range, [2.5, -0.5]);
  assert.ok(figure.layout.yaxis.ticktext.every((name) => name.length <= 18));
});

test("of very many classes the chart shows those with most boxes, and the table all", () => {
  const figure = perClass({ classes: classes(200), splits }, "boxes");
  assert.equal(figure.traces[0].y.length, 150);
  assert.match(figure.note, /150 classes/);
  assert.equal(figure.table.rows.length, 200);
  assert.deepEqual(figure.table.rows[7].slice(0, 2), [{ text: "a class with a long name 7", query: "?class_id=7" }, 8]);
});

test("the matrix says shares of the row's images, and nothing is divided by nothing", () => {
  const data = { classes: classes(2), co_occurrence: { class_ids: [0, 1], images: [[4, 1], [1, 0]] } };
  assert.deepEqual(together(data).traces[0].z, [[1, 0.25], [0, 0]]);
});

test("a histogram's bars link to the images where a filter knows them", () => {
  const data = { boxes_per_image: [{ from: 0, to: 1, images: 2 }, { from: 2, to: 3, images: 5 }] };
  assert.deepEqual(perImage(data, (from, to) => `?${from}-${to}`).traces[0].customdata, ["?0-1", "?2-3"]);
  assert.deepEqual(perImage(data).table.rows, [[{ text: "0 to 1", query: undefined }, 2], [{ text: "2 to 3", query: undefined }, 5]]);
});

test("sizes and shapes leave out the empty bars at both ends but none in between", () => {
  const edges = [1, 2, 4, 8, 16];
  const data = {
    box_sides: { edges, boxes: [0, 0, 3, 0, 1, 0] }, box_sizes: [{ range: "to 16²", boxes: 4 }],
    box_size_groups: [{ range: "small", boxes: 4 }, { range: "medium", boxes: 0 }, { range: "large", boxes: 0 }],
    box_ratios: { edges: [0.5, 1, 2], boxes: [0, 2, 2, 0] }, box_shapes: [{ range: "about square", boxes: 4 }],
  };
  assert.deepEqual(sizes(data).traces[0].y, [0, 3, 0, 1, 0]);
  assert.match(sizes(data).note, /small \(to 32² px\) 100 %/);
  assert.deepEqual(shapes(data).traces[0].text, ["below 1:2", "1:2 to 1:1", "1:1 to 2:1", "from 2:1"]);
});

test("a map has the top of the image on top", () => {
  const figure = positions([[1, 2], [3, 4]], { boxes: 1, name: "all classes" });
  assert.deepEqual(figure.layout.yaxis.range, [1, 0]);
  assert.equal(figure.traces[0].zmax, 4);
  assert.equal(figure.note, "1 box of all classes.");
});

test("what is known for some images only says for how many", () => {
  const data = { images: 5, brightness: { known: 3, bars: [{ from: 0, to: 15, images: 3 }] } };
  assert.equal(brightness(data).note, "Known for 3 of 5 images.");
});

test("one size is said in words", () => {
  const data = { image_sizes: { distinct: 1, step: 1, sizes: [{ width: 640, height: 480, images: 5 }] } };
  assert.equal(imageSizes(data).note, "All images are 640 × 480 px.");
});

test("labelled over time adds up day by day for each person", () => {
  const data = { labelling: {
    days: [{ day: "2026-01-01", images: { ada: 2 } }, { day: "2026-01-03", images: { ada: 1, ben: 4 } }],
    people: [{ name: "ada" }, { name: "ben" }], without_history: 3,
  } };
  const figure = overTime(data);
  assert.deepEqual(figure.traces.map((trace) => [trace.name, trace.y]), [["ada", [2, 3]], ["ben", [0, 4]]]);
  assert.match(figure.note, /^3 labelled images have no history/);
});

test("the images of a split are parted by whether they are labelled, and splits without images are left out", () => {
  const rows = [
    { split: "train", images: 9, boxes: 30, labeled: 7, without_boxes: 2 }, { split: "val", images: 0, boxes: 0, labeled: 0, without_boxes: 0 },
    { split: "", images: 1, boxes: 0, labeled: 0, without_boxes: 0 },
  ];
  const figure = bySplit({ splits: rows });
  assert.deepEqual(figure.traces.map((trace) => [trace.name, trace.x]), [["with boxes", [5, 0]], ["labelled as empty", [2, 0]], ["not labelled", [2, 1]]]);
  assert.equal(figure.traces[2].customdata[1], "?split=none&labeled=false");
  assert.deepEqual(figure.table.rows[0].slice(1), [9, 30, 5, 2, 2]);
});
