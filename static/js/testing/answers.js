/**
 * What of a model's answer is shown. No DOM. A model is asked once with the least confidence; everything here filters
 * that one answer. Classes go by name, so that thresholds hold for two models whose ids differ.
 *
 * Thresholds are {conf, perClass: {class name: least confidence}, iou}.
 */

import { simplifyRing } from "../annotator/geometry.js";

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
  const [xs, ys] = [fewer.map(([x]) => x), fewer.map(([, y]) => y)];
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  if (x0 === x1 || y0 === y1) return label;
  return { ...label, points: fewer, x_center: (x0 + x1) / 2, y_center: (y0 + y1) / 2, width: x1 - x0, height: y1 - y0 };
}

/** An outline in 0..1 with fewer points, measured in shares of the longer side of a picture that is `ratio` times as wide as high. */
function fewerPoints(points, ratio) {
  const [wide, high] = [Math.min(1, ratio), Math.min(1, 1 / ratio)];
  const even = points.map(([x, y]) => [x * wide, y * high]);
  const spread = (place) => Math.max(...even.map((p) => p[place])) - Math.min(...even.map((p) => p[place]));
  const tolerance = Math.min(FINEST, OF_ITSELF * Math.max(spread(0), spread(1)));
  return simplifyRing(even, tolerance).map(([x, y]) => [x / wide, y / high]);
}

/** Its edges in 0..1 of the image. */
export function rectOf({ x_center: x, y_center: y, width, height }) {
  return { x0: x - width / 2, y0: y - height / 2, x1: x + width / 2, y1: y + height / 2 };
}
