import assert from "node:assert/strict";
import { test } from "node:test";
import { boxToRect, distanceToSegment, iou, pointInPolygon, polygonArea, rectToBox, resizeRect, simplifyRing } from "../../static/js/annotator/geometry.js";
import { allowedMove, fromAnnotation, isDegenerate, shapesAt, toAnnotation, typeOf } from "../../static/js/annotator/shapes.js";
import { View } from "../../static/js/annotator/view.js";

const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) < by, `${a} is not ${b}`);
const box = (cx, cy, w, h, more = {}) => ({ type: "box", classId: 0, cx, cy, w, h, points: null, source: "manual", confidence: null, key: "k", z: 1, ...more });
const square = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]];
const polygon = (points = square) => fromAnnotation({ class_id: 1, points });
const reach = { x: 0.01, y: 0.01 };

test("a box turns into edges and back", () => {
  const { cx, cy, w, h } = rectToBox(boxToRect({ cx: 0.3, cy: 0.4, w: 0.2, h: 0.1 }));
  [[cx, 0.3], [cy, 0.4], [w, 0.2], [h, 0.1]].forEach(([a, b]) => near(a, b));
});

test("IoU is 1 for the same, 0 for apart, a third for half shared", () => {
  const a = { x0: 0, y0: 0, x1: 2, y1: 1 };
  near(iou(a, a), 1);
  near(iou(a, { x0: 3, y0: 0, x1: 4, y1: 1 }), 0);
  near(iou(a, { x0: 1, y0: 0, x1: 3, y1: 1 }), 1 / 3);
  near(iou({ x0: 0, y0: 0, x1: 0, y1: 0 }, { x0: 0, y0: 0, x1: 0, y1: 0 }), 0);
});

test("each of the eight handles moves only its own edges", () => {
  const r = { x0: 2, y0: 2, x1: 6, y1: 6 };
  assert.deepEqual(resizeRect(r, "e", 8, 99), { x0: 2, y0: 2, x1: 8, y1: 6 });
  assert.deepEqual(resizeRect(r, "w", 1, 99), { x0: 1, y0: 2, x1: 6, y1: 6 });
  assert.deepEqual(resizeRect(r, "n", 99, 1), { x0: 2, y0: 1, x1: 6, y1: 6 });
  assert.deepEqual(resizeRect(r, "s", 99, 9), { x0: 2, y0: 2, x1: 6, y1: 9 });
  assert.deepEqual(resizeRect(r, "nw", 1, 0), { x0: 1, y0: 0, x1: 6, y1: 6 });
  assert.deepEqual(resizeRect(r, "se", 7, 9), { x0: 2, y0: 2, x1: 7, y1: 9 });
  assert.deepEqual(resizeRect(r, "ne", 7, 1), { x0: 2, y0: 1, x1: 7, y1: 6 });
  assert.deepEqual(resizeRect(r, "sw", 1, 7), { x0: 1, y0: 2, x1: 6, y1: 7 });
});

test("a handle dragged past the opposite edge turns the box over", () => {
  assert.deepEqual(resizeRect({ x0: 2, y0: 2, x1: 6, y1: 6 }, "e", 1, 0), { x0: 1, y0: 2, x1: 2, y1: 6 });
});

test("a corner keeps the proportions when asked to", () => {
  assert.deepEqual(resizeRect({ x0: 0, y0: 0, x1: 4, y1: 2 }, "se", 8, 2, 2), { x0: 0, y0: 0, x1: 8, y1: 4 });
});

test("points are in or out of a polygon, its area and its edges are right", () => {
  assert.ok(pointInPolygon(square, 0.4, 0.4));
  assert.ok(!pointInPolygon(square, 0.7, 0.4));
  near(polygonArea(square), 0.16);
  near(distanceToSegment(0, 1, [0, 0], [2, 0]), 1);
  near(distanceToSegment(3, 0, [0, 0], [2, 0]), 1);
});

test("a resized box stays inside the picture and a moved group stops at its edge as one", () => {
  const grown = typeOf(box(0.5, 0.5, 0.2, 0.2)).moveHandle(box(0.5, 0.5, 0.2, 0.2), "se", 1.5, 0.7);
  near(grown.cx + grown.w / 2, 1);
  const { dx, dy } = allowedMove([box(0.9, 0.5, 0.1, 0.1), box(0.2, 0.5, 0.1, 0.1)], 0.5, -0.1);
  near(dx, 0.05);
  near(dy, -0.1);
});

test("polygon points are moved, inserted and removed, but never fewer than three", () => {
  const type = typeOf(polygon());
  const moved = type.moveHandle(polygon(), 2, 0.9, 0.8);
  near(moved.w, 0.7);
  near(moved.h, 0.6);
  assert.equal(type.edgeAt(polygon(), 0.4, 0.2, reach), 0);
  assert.equal(type.edgeAt(polygon(), 0.4, 0.4, reach), null);
  assert.deepEqual(type.insertPoint(polygon(), 0, 0.4, 0.2).points[1], [0.4, 0.2]);
  assert.equal(type.removePoint(polygon(), 0).points.length, 3);
  assert.equal(type.removePoint(polygon(square.slice(1)), 0), null);
});

test("of overlapping shapes the smallest comes first", () => {
  const big = box(0.5, 0.5, 0.8, 0.8, { key: "big" });
  const small = box(0.5, 0.5, 0.1, 0.1, { key: "small" });
  assert.deepEqual(shapesAt([small, big], 0.5, 0.5, reach).map((s) => s.key), ["small", "big"]);
  assert.deepEqual(shapesAt([small, big], 0.2, 0.5, reach).map((s) => s.key), ["big"]);
});

test("a shape survives the way to the server and back", () => {
  const sent = toAnnotation({ ...box(0.3, 0.4, 0.2, 0.1), key: "a" }, 12);
  assert.deepEqual(sent, { id: 12, client_id: "a", class_id: 0, x_center: 0.3, y_center: 0.4, width: 0.2, height: 0.1, confidence: null, source: "manual", points: null });
  const back = toAnnotation({ ...polygon(), key: "b" });
  assert.deepEqual(back.points, square);
  assert.ok(!("id" in back));
});

test("what sticks out is cut at the picture's edge", () => {
  const { x_center: x, width } = toAnnotation({ ...box(0.99, 0.5, 0.1, 0.1), key: "a" });
  near(x + width / 2, 1, 1e-6);
});

test("a box without extent is told apart, NaN included", () => {
  const image = { width: 100, height: 100 };
  assert.ok(isDegenerate(box(0.5, 0.5, 0, 0.5), image));
  assert.ok(isDegenerate(box(0.5, 0.5, NaN, 0.5), image));
  assert.ok(!isDegenerate(box(0.5, 0.5, 0.1, 0.1), image));
});

test("zooming keeps the image point under the pointer, fitting shows the whole picture", () => {
  const view = new View();
  view.resize(800, 600);
  view.setImage(4000, 3000);
  near(view.scale, (600 - 48) / 3000);
  const before = view.toImage(300, 200);
  view.zoomAt(300, 200, 2);
  const after = view.toImage(300, 200);
  near(before.x, after.x, 1e-6);
  near(before.y, after.y, 1e-6);
  assert.equal(view.fitted, false);
  const screen = view.toScreen(after.x, after.y);
  near(screen.x, 300, 1e-6);
  view.fit();
  near(view.toScreen(2000, 1500).x, 400, 1e-6);
});

test("the picture cannot be panned out of sight", () => {
  const view = new View();
  view.resize(800, 600);
  view.setImage(400, 300);
  view.panBy(1e6, -1e6);
  assert.ok(view.tx < 800 && view.ty + 300 * view.scale > 0);
});

test("an outline keeps its corners and loses the stairs between them", () => {
  const stairs = Array.from({ length: 20 }, (_, i) => [0.2 + Math.floor((i + 1) / 2) * 0.001, 0.2 + Math.floor(i / 2) * 0.001]);
  const ring = [...stairs, [0.9, 0.21], [0.9, 0.9], [0.2, 0.9]];
  const fewer = simplifyRing(ring, 0.0012);
  assert.deepEqual(fewer.slice(-3), ring.slice(-3));
  assert.ok(fewer.length < 7);
  near(polygonArea(fewer), polygonArea(ring), 2e-3);
  const triangle = [[0, 0], [1, 0], [0, 1]];
  assert.deepEqual(simplifyRing(triangle, 1), triangle);
  assert.deepEqual(simplifyRing(ring.map(() => [0.5, 0.5]), 0.1).length, ring.length); // never fewer than three
});
