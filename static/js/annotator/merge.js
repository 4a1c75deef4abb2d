/**
 * Comparing and joining whole sets of annotations (as the server writes them), without DOM and network.
 */
import { boxToRect, iou, round7 } from "./geometry.js";

const SAME_IOU = 0.9;

const rectOf = (a) => boxToRect({ cx: a.x_center, cy: a.y_center, w: a.width, h: a.height });
const near = (a, b) => Math.abs(a - b) < 2e-5;

function samePoints(a, b) {
  if (!a || !b || a.length !== b.length) return !a?.length && !b?.length;
  return a.every(([x, y], i) => near(x, b[i][0]) && near(y, b[i][1]));
}

/** True when both say the same of the same place; ids, source and confidence aside. */
export function sameAnnotation(a, b) {
  return a.class_id === b.class_id && near(a.x_center, b.x_center) && near(a.y_center, b.y_center)
    && near(a.width, b.width) && near(a.height, b.height) && samePoints(a.points, b.points);
}

/**
 * A short text that is equal for equal sets whatever their order and ids. It lets a page recognize, after a lost
 * answer, that what the server holds is what it had sent itself.
 */
export function digest(annotations) {
  const text = annotations.map((a) => [a.class_id, a.x_center, a.y_center, a.width, a.height, ...(a.points ?? []).flat()]
    .map((n) => Number(n).toFixed(5)).join(",")).sort().join(";");
  let h1 = 0xdeadbeef;
  let h2 = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ code, 2654435761);
    h2 = Math.imul(h2 ^ code, 1597334677);
  }
  return `${annotations.length}:${(h1 >>> 0).toString(36)}${(h2 >>> 0).toString(36)}`;
}

/**
 * For each annotation, the key of the shape that it is, or null: by client_id, by row id, then by class and place.
 * `shapes` is Map key → shape, `ids` is Map key → row id.
 */
export function matchAnnotations(annotations, shapes, ids) {
  const byId = new Map([...ids].map(([key, id]) => [id, key]));
  const free = new Set(shapes.keys());
  const take = (key) => (key !== undefined && free.delete(key) ? key : null);
  const keys = annotations.map((a) => take(a.client_id) ?? take(byId.get(a.id)));
  const places = new Map();
  const place = (classId, ...numbers) => [classId, ...numbers.map((n) => round7(n).toFixed(4))].join();
  for (const key of free) {
    const s = shapes.get(key);
    places.set(place(s.classId, s.cx, s.cy, s.w, s.h), key);
  }
  return keys.map((key, i) => {
    const a = annotations[i];
    return key ?? take(places.get(place(a.class_id, a.x_center, a.y_center, a.width, a.height)));
  });
}

/** Mine, without the row ids that no longer exist on the other side. */
export function rebaseIds(mine, theirs) {
  const known = new Set(theirs.map((a) => a.id));
  return mine.map(({ id, ...rest }) => (id != null && known.has(id) ? { id, ...rest } : rest));
}

/**
 * How two sets differ: pairs that are one thing (by id, else same class and IoU ≥ 0.9), and what only one side has.
 * Returns {same, changed: [[mine, theirs]], onlyMine, onlyTheirs}.
 */
export function compareSets(mine, theirs) {
  const left = new Set(theirs);
  const result = { same: [], changed: [], onlyMine: [], onlyTheirs: [] };
  for (const a of mine) {
    let b = a.id == null ? undefined : [...left].find((t) => t.id === a.id);
    b ??= [...left].find((t) => sameAnnotation(a, t));
    b ??= [...left].find((t) => t.class_id === a.class_id && !a.points && !t.points && iou(rectOf(a), rectOf(t)) >= SAME_IOU);
    if (!b) result.onlyMine.push(a);
    else if (sameAnnotation(a, b)) result.same.push(b);
    else result.changed.push([a, b]);
    if (b) left.delete(b);
  }
  result.onlyTheirs = [...left];
  return result;
}

/** The union of both; of one thing that stands differently on both sides, mine is kept (under their row's id). */
export function mergeSets(mine, theirs) {
  const { same, changed, onlyMine, onlyTheirs } = compareSets(mine, theirs);
  const own = changed.map(([a, b]) => ({ ...a, id: b.id }));
  return [...same, ...own, ...onlyTheirs, ...rebaseIds(onlyMine, theirs)];
}
