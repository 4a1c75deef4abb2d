/**
 * What a kind of shape can do. The store, the tools and the renderer speak only to this interface, so that key points
 * and oriented boxes are further entries here and a further tool each, not further editors.
 *
 * A shape is an immutable object in normalized units:
 *   {key, z, type, classId, cx, cy, w, h, points, confidence, source}
 * `key` names it in this browser, `z` orders it; `points` is null for a box and [[x, y], …] for a polygon, whose
 * cx, cy, w, h are always the box around its points.
 */
import { boxToRect, clamp, clipRect, distanceToSegment, pointInPolygon, pointsBounds, polygonArea, rectArea, rectContains, rectToBox, RECT_HANDLES, resizeRect, round7 } from "./geometry.js";

const CURSORS = { nw: "nwse-resize", se: "nwse-resize", ne: "nesw-resize", sw: "nesw-resize", n: "ns-resize", s: "ns-resize", e: "ew-resize", w: "ew-resize" };

/** x, y, width, height on whole device px, so that lines are crisp. */
function pixelRect(shape, at) {
  const x = Math.round(at.x(shape.cx - shape.w / 2));
  const y = Math.round(at.y(shape.cy - shape.h / 2));
  return [x, y, Math.round(at.x(shape.cx + shape.w / 2)) - x, Math.round(at.y(shape.cy + shape.h / 2)) - y];
}

const box = {
  name: "box",
  bounds: boxToRect,
  area: (shape) => shape.w * shape.h,
  contains: (shape, x, y, reach) => {
    const r = boxToRect(shape);
    return rectContains({ x0: r.x0 - reach.x, y0: r.y0 - reach.y, x1: r.x1 + reach.x, y1: r.y1 + reach.y }, x, y);
  },
  translate: (shape, dx, dy) => ({ ...shape, cx: shape.cx + dx, cy: shape.cy + dy }),
  handles(shape) {
    const r = boxToRect(shape);
    return Object.entries(RECT_HANDLES).map(([id, [fx, fy]]) => (
      { id, x: r.x0 + fx * shape.w, y: r.y0 + fy * shape.h, cursor: CURSORS[id] }
    ));
  },
  moveHandle(shape, handle, x, y, keepAspect) {
    const rect = resizeRect(boxToRect(shape), handle, clamp(x, 0, 1), clamp(y, 0, 1), keepAspect ? shape.w / shape.h : null);
    return { ...shape, ...rectToBox(clipRect(rect)) };
  },
  trace(path, shape, at) {
    path.rect(...pixelRect(shape, at));
  },
  /** Five times as fast as stroking a path of many rects, which is what a picture with a thousand boxes feels. */
  stroke: (context, shape, at) => context.strokeRect(...pixelRect(shape, at)),
};

/** The polygon with these normalized points; its box follows. */
export function withPoints(shape, points) {
  return { ...shape, points, ...rectToBox(pointsBounds(points)) };
}

const polygon = {
  name: "polygon",
  bounds: boxToRect,
  area: (shape) => polygonArea(shape.points),
  contains(shape, x, y, reach) {
    if (pointInPolygon(shape.points, x, y)) return true;
    return polygon.edgeAt(shape, x, y, reach) !== null;
  },
  translate: (shape, dx, dy) => withPoints(shape, shape.points.map(([x, y]) => [x + dx, y + dy])),
  handles: (shape) => shape.points.map(([x, y], i) => ({ id: i, x, y, cursor: "move", round: true })),
  moveHandle: (shape, handle, x, y) => withPoints(
    shape, shape.points.map((point, i) => (i === handle ? [clamp(x, 0, 1), clamp(y, 0, 1)] : point)),
  ),
  /** Index of the edge under (x, y), or null: a point put there comes after that index. */
  edgeAt(shape, x, y, reach) {
    // Distances are compared in units of the reach, because a normalized unit is not square.
    const scale = ([px, py]) => [px / reach.x, py / reach.y];
    const points = shape.points.map(scale);
    const index = points.findIndex((point, i) => (
      distanceToSegment(x / reach.x, y / reach.y, point, points[(i + 1) % points.length]) <= 1
    ));
    return index < 0 ? null : index;
  },
  insertPoint: (shape, edge, x, y) => withPoints(shape, shape.points.toSpliced(edge + 1, 0, [x, y])),
  /** Without that point, or null where fewer than three would be left. */
  removePoint: (shape, index) => (shape.points.length > 3 ? withPoints(shape, shape.points.toSpliced(index, 1)) : null),
  trace(path, shape, at) {
    shape.points.forEach(([x, y], i) => (i ? path.lineTo(at.x(x), at.y(y)) : path.moveTo(at.x(x), at.y(y))));
    path.closePath();
  },
  stroke(context, shape, at) {
    context.beginPath();
    polygon.trace(context, shape, at);
    context.stroke();
  },
};

const TYPES = { box, polygon };

/** The behaviour of a shape's kind. */
export const typeOf = (shape) => TYPES[shape.type];

/** Adds a kind of shape (key points, oriented box): the same functions as `box` above. */
export function registerType(type) {
  TYPES[type.name] = type;
}

/** The largest move ≤ (dx, dy), normalized, that keeps all the shapes inside the picture. */
export function allowedMove(shapes, dx, dy) {
  for (const shape of shapes) {
    const r = typeOf(shape).bounds(shape);
    dx = clamp(dx, Math.min(0, -r.x0), Math.max(0, 1 - r.x1));
    dy = clamp(dy, Math.min(0, -r.y0), Math.max(0, 1 - r.y1));
  }
  return { dx, dy };
}

/** True when the shape is too small to mean anything (under half an image px in one direction). */
export function isDegenerate(shape, image) {
  return !(shape.w * image.width >= 0.5 && shape.h * image.height >= 0.5);
}

/** A server annotation → a shape without key and z. */
export function fromAnnotation(a) {
  const common = { classId: a.class_id, confidence: a.confidence ?? null, source: a.source ?? "manual" };
  if (a.points?.length >= 3) return withPoints({ type: "polygon", ...common }, a.points);
  return { type: "box", ...common, cx: a.x_center, cy: a.y_center, w: a.width, h: a.height, points: null };
}

/** A shape → what the server takes: clipped to the picture, rounded, with its row's id where it has one. */
export function toAnnotation(shape, id = null) {
  const b = rectToBox(clipRect(typeOf(shape).bounds(shape)));
  const points = shape.points?.map(([x, y]) => [round7(clamp(x, 0, 1)), round7(clamp(y, 0, 1))]) ?? null;
  return {
    ...(id === null ? {} : { id }),
    client_id: shape.key, class_id: shape.classId,
    x_center: round7(b.cx), y_center: round7(b.cy), width: round7(b.w), height: round7(b.h),
    confidence: shape.confidence, source: shape.source, points,
  };
}

/** The shapes under (x, y) (normalized), smallest first, so that a nested one can be reached. */
export function shapesAt(shapes, x, y, reach) {
  const under = shapes.filter((shape) => typeOf(shape).contains(shape, x, y, reach));
  return under.sort((a, b) => typeOf(a).area(a) - typeOf(b).area(b) || b.z - a.z);
}

/** The rect around several shapes, normalized. */
export function shapesBounds(shapes) {
  return pointsBounds(shapes.flatMap((shape) => {
    const r = typeOf(shape).bounds(shape);
    return [[r.x0, r.y0], [r.x1, r.y1]];
  }));
}

export const boundsArea = (shape) => rectArea(typeOf(shape).bounds(shape));
