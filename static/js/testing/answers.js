/**
 * What of a model's answer is shown. No DOM. A model is asked once with the least confidence; everything here filters
 * that one answer. Classes go by name, so that thresholds hold for two models whose ids differ.
 *
 * Thresholds are {conf, perClass: {class name: least confidence}, iou}.
 */

import { pointsBounds, rectToBox, simplifyRing } from "../annotator/geometry.js";

// The stairs of a mask's edge become lines; they leave it by no more than these shares of the picture and of the object.
const FINEST = 1 / 400;
const OF_ITSELF = 0.02;

/** The least confidence of a class. */
export const leastOf = (thresholds, name) => thresholds.perClass[name] ?? thresholds.conf;

/** The objects that are sure enough and of a class that is not hidden, the surest first. */
export function shownOf(predictions, thresholds, hidden = new Set()) {
  const kept = predictions.filter((one) => !hidden.has(one.class_name) && one.confidence >= leastOf(thresholds, one.class_name));
  return kept.sort((a, b) => b.confidence - a.confidence);
}

/** [{name, shown, found}] of the classes that an answer has, in the order of `names`: found counts weaker ones too. */
export function countByClass(predictions, thresholds, names) {
  const counts = new Map();
  for (const one of predictions) {
    const row = counts.get(one.class_name) ?? { name: one.class_name, shown: 0, found: 0 };
    row.found += 1;
    row.shown += one.confidence >= leastOf(thresholds, one.class_name) ? 1 : 0;
    counts.set(one.class_name, row);
  }
  const place = (name) => (names.includes(name) ? names.indexOf(name) : names.length);
  return [...counts.values()].sort((a, b) => place(a.name) - place(b.name));
}

/** A server's thresholds, whose classes are ids, by the names of the classes. */
export function startingThresholds({ conf, per_class: byId, iou }, classNames) {
  const named = Object.entries(byId).filter(([id]) => classNames[id] !== undefined);
  return { conf, iou, perClass: Object.fromEntries(named.map(([id, least]) => [classNames[id], least])) };
}

/** The classes of several models, each name once, in the order of the first that has it. */
export const unionOf = (lists) => [...new Set(lists.flat())];

/**
 * An object as a label that names its class; of one that has an outline (its largest part) that is the label, in as few
 * points as people can take hold of, and its box is the outline's.
 */
export function asLabel({ class_name, x_center, y_center, width, height, points = null, confidence }, ratio = 1) {
  const label = { class_name, x_center, y_center, width, height, points: null, confidence, source: "model" };
  if (!points) return label;
  const fewer = fewerPoints(points, ratio);  // on the picture's edge it may have no area, which labels need
  const { cx, cy, w, h } = rectToBox(pointsBounds(fewer));
  return w && h ? { ...label, points: fewer, x_center: cx, y_center: cy, width: w, height: h } : label;
}

/** An outline in 0..1 with fewer points, measured in shares of the longer side of a picture that is `ratio` times as wide as high. */
function fewerPoints(points, ratio) {
  const [wide, high] = [Math.min(1, ratio), Math.min(1, 1 / ratio)];
  const even = points.map(([x, y]) => [x * wide, y * high]);
  const { w, h } = rectToBox(pointsBounds(even));
  const tolerance = Math.min(FINEST, OF_ITSELF * Math.max(w, h));
  return simplifyRing(even, tolerance).map(([x, y]) => [x / wide, y / high]);
}

/** Its edges in 0..1 of the image. */
export function rectOf({ x_center: x, y_center: y, width, height }) {
  return { x0: x - width / 2, y0: y - height / 2, x1: x + width / 2, y1: y + height / 2 };
}
