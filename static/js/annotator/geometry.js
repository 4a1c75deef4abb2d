/**
 * Plane geometry, without DOM and without state.
 *
 * Three spaces: normalized (0..1 of the image, what is stored), image px (the picture's own pixels) and screen px
 * (CSS pixels of the canvas). A rect is {x0, y0, x1, y1}; a box is {cx, cy, w, h} as YOLO writes it.
 */

export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Rounds to 7 decimals: a hundredth of a pixel on any picture, and short in JSON. */
export const round7 = (value) => Math.round(value * 1e7) / 1e7;

/** Centre and size → edges, in any space. */
export function boxToRect({ cx, cy, w, h }) {
  return { x0: cx - w / 2, y0: cy - h / 2, x1: cx + w / 2, y1: cy + h / 2 };
}

/** Edges → centre and size, in any space. */
export function rectToBox({ x0, y0, x1, y1 }) {
  return { cx: (x0 + x1) / 2, cy: (y0 + y1) / 2, w: x1 - x0, h: y1 - y0 };
}

/** The rect with these two opposite corners, whichever way they were dragged. */
export function rectFromCorners(ax, ay, bx, by) {
  return { x0: Math.min(ax, bx), y0: Math.min(ay, by), x1: Math.max(ax, bx), y1: Math.max(ay, by) };
}

/** Cuts a normalized rect at the picture's edges. */
export function clipRect({ x0, y0, x1, y1 }) {
  return { x0: clamp(x0, 0, 1), y0: clamp(y0, 0, 1), x1: clamp(x1, 0, 1), y1: clamp(y1, 0, 1) };
}

export const rectArea = ({ x0, y0, x1, y1 }) => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

/** Intersection over union of two rects of one space, 0..1. */
export function iou(a, b) {
  const shared = rectArea({
    x0: Math.max(a.x0, b.x0), y0: Math.max(a.y0, b.y0), x1: Math.min(a.x1, b.x1), y1: Math.min(a.y1, b.y1),
  });
  const union = rectArea(a) + rectArea(b) - shared;
  return union > 0 ? shared / union : 0;
}

export function rectsTouch(a, b) {
  return a.x0 <= b.x1 && b.x0 <= a.x1 && a.y0 <= b.y1 && b.y0 <= a.y1;
}

export function rectContains({ x0, y0, x1, y1 }, x, y) {
  return x >= x0 && x <= x1 && y >= y0 && y <= y1;
}

/** The rect around a list of [x, y]. */
export function pointsBounds(points) {
  const rect = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (const [x, y] of points) {
    rect.x0 = Math.min(rect.x0, x);
    rect.y0 = Math.min(rect.y0, y);
    rect.x1 = Math.max(rect.x1, x);
    rect.y1 = Math.max(rect.y1, y);
  }
  return rect;
}

/** Even-odd test, so a polygon that crosses itself has holes as on the screen. */
export function pointInPolygon(points, x, y) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    const [xi, yi] = points[i];
    const [xj, yj] = points[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Area by the shoelace formula, always positive, in the square of the points' unit. */
export function polygonArea(points) {
  let twice = 0;
  for (let i = 0, j = points.length - 1; i < points.length; j = i, i += 1) {
    twice += points[j][0] * points[i][1] - points[i][0] * points[j][1];
  }
  return Math.abs(twice) / 2;
}

/** Distance of (x, y) from the segment a–b, in the unit of the arguments. */
export function distanceToSegment(x, y, [ax, ay], [bx, by]) {
  const dx = bx - ax;
  const dy = by - ay;
  const length2 = dx * dx + dy * dy;
  const t = length2 ? clamp(((x - ax) * dx + (y - ay) * dy) / length2, 0, 1) : 0;
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}

/** The eight handles of a rect: which edges each moves, and where it sits (0, ½ or 1 of width and height). */
export const RECT_HANDLES = {
  nw: [0, 0], n: [0.5, 0], ne: [1, 0], e: [1, 0.5], se: [1, 1], s: [0.5, 1], sw: [0, 1], w: [0, 0.5],
};

/**
 * The rect after dragging one of its handles to (x, y); an edge dragged past its opposite turns the rect over.
 * `aspect` (width / height, or null) keeps the proportions for the corner handles.
 */
export function resizeRect(rect, handle, x, y, aspect = null) {
  const [fx, fy] = RECT_HANDLES[handle];
  const anchorX = fx === 0 ? rect.x1 : rect.x0;
  const anchorY = fy === 0 ? rect.y1 : rect.y0;
  if (fx === 0.5) return rectFromCorners(rect.x0, anchorY, rect.x1, y);
  if (fy === 0.5) return rectFromCorners(anchorX, rect.y0, x, rect.y1);
  if (!aspect) return rectFromCorners(anchorX, anchorY, x, y);
  const height = Math.max(Math.abs(y - anchorY), Math.abs(x - anchorX) / aspect);
  return rectFromCorners(
    anchorX, anchorY,
    anchorX + height * aspect * (x < anchorX ? -1 : 1), anchorY + height * (y < anchorY ? -1 : 1),
  );
}

/** Screen px → image px under a transform {scale, tx, ty}. */
export function screenToImage({ scale, tx, ty }, x, y) {
  return { x: (x - tx) / scale, y: (y - ty) / scale };
}

/** Image px → screen px under a transform {scale, tx, ty}. */
export function imageToScreen({ scale, tx, ty }, x, y) {
  return { x: x * scale + tx, y: y * scale + ty };
}

/** A closed outline in fewer points, none farther than `tolerance` from its lines (Douglas and Peucker). */
export function simplifyRing(points, tolerance) {
  if (points.length < 5) return points;
  const gaps = points.map(([x, y]) => Math.hypot(x - points[0][0], y - points[0][1]));
  const far = gaps.indexOf(Math.max(...gaps));
  const back = simplifyLine([...points.slice(far), points[0]], tolerance);
  const ring = [...simplifyLine(points.slice(0, far + 1), tolerance), ...back.slice(1, -1)];
  return ring.length >= 3 ? ring : points;
}

function simplifyLine(points, tolerance) {
  const [first, last] = [points[0], points.at(-1)];
  const gaps = points.map(([x, y]) => distanceToSegment(x, y, first, last));
  const worst = Math.max(...gaps);
  if (worst <= tolerance) return [first, last];
  const place = gaps.indexOf(worst);
  return [...simplifyLine(points.slice(0, place + 1), tolerance), ...simplifyLine(points.slice(place), tolerance).slice(1)];
}
