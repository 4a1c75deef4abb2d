/** What two models see differently on one image. No DOM. */
import { iou } from "../annotator/geometry.js";
import { rectOf } from "./answers.js";

export const SAME_IOU = 0.5;

/**
 * {both: [[a, b]], renamed: [[a, b]], onlyA: [a], onlyB: [b]} of two lists of objects. Boxes that overlap by IoU 0.5
 * are one object, the best pairs first and those of one class before those of two; each box is in one pair at most.
 */
export function differences(listA, listB, least = SAME_IOU) {
  const pairs = listA.flatMap((a) => listB.map((b) => ({ a, b, overlap: iou(rectOf(a), rectOf(b)), same: a.class_name === b.class_name })));
  const near = pairs.filter(({ overlap }) => overlap >= least).sort((p, q) => q.same - p.same || q.overlap - p.overlap);
  const taken = new Set();
  const found = { both: [], renamed: [], onlyA: [], onlyB: [] };
  for (const { a, b, same } of near) {
    if (taken.has(a) || taken.has(b)) continue;
    taken.add(a).add(b);
    found[same ? "both" : "renamed"].push([a, b]);
  }
  found.onlyA = listA.filter((a) => !taken.has(a));
  found.onlyB = listB.filter((b) => !taken.has(b));
  return found;
}

/** Map of each object to how it differs: "only" (this model alone finds it) or "renamed"; the others are not in it. */
export function marksOf({ renamed, onlyA, onlyB }) {
  return new Map([...[...onlyA, ...onlyB].map((one) => [one, "only"]), ...renamed.flat().map((one) => [one, "renamed"])]);
}
