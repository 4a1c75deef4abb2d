// The rules of the operating point in the browser are those of the server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOn } from "../../static/js/evaluation/operating_point.js";

const curves = { precision: [0.2, 0.5, 0.9, 1], recall: [0.9, 0.8, 0.4, 0], f1: [0.33, 0.62, 0.55, 0] };

test("best F1 is the highest place", () => assert.equal(placeOn(curves, "best_f1"), 1));
test("of many places with the best F1 it is the middle one", () => assert.equal(placeOn({ ...curves, f1: [0.9, 0.9, 0.9, 0] }, "best_f1"), 1));
test("a class that is never right has no best F1", () => assert.equal(placeOn({ ...curves, f1: [0, 0, 0, 0] }, "best_f1"), null));
test("a wanted precision is the lowest confidence that reaches it", () => assert.equal(placeOn(curves, "precision", 0.5), 1));
test("a wanted recall is the highest confidence that reaches it", () => assert.equal(placeOn(curves, "recall", 0.4), 2));
test("where nothing is found, precision does not count", () => assert.equal(placeOn(curves, "precision", 0.95), null));
test("what cannot be reached is null", () => assert.equal(placeOn(curves, "recall", 0.95), null));
