/** Drawing of shapes on a 2D context in device px. Reads what it is given and keeps only a cache of label pictures. */
import { inkOn } from "./palette.js";
import { typeOf } from "./shapes.js";

const FONT = "600 11px system-ui, sans-serif";
const sprites = new Map();

/**
 * Normalized → device px for a view, a picture and a device pixel ratio; what `trace` of a shape type takes. `px` is
 * the size of one px of lines, labels and handles, which `zoom` makes larger on very wide screens.
 */
export function project(view, image, dpr, zoom = 1) {
  const sx = view.scale * image.width * dpr;
  const sy = view.scale * image.height * dpr;
  const tx = view.tx * dpr;
  const ty = view.ty * dpr;
  return { sx, sy, tx, ty, px: dpr * zoom, x: (n) => n * sx + tx, y: (n) => n * sy + ty };
}

/** A label as a picture, drawn once: text costs a hundred times what copying it costs. */
function labelSprite(text, color, dpr) {
  const id = `${text}|${color}|${dpr}`;
  if (sprites.has(id)) return sprites.get(id);
  if (sprites.size > 2000) sprites.clear();
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  context.font = FONT;
  canvas.width = Math.ceil((context.measureText(text).width + 10) * dpr);
  canvas.height = Math.ceil(16 * dpr);
  context.scale(dpr, dpr);
  context.font = FONT;
  context.fillStyle = color;
  context.beginPath();
  context.roundRect(0, 0, canvas.width / dpr, 16, 3);
  context.fill();
  context.fillStyle = inkOn(color);
  context.textBaseline = "middle";
  context.fillText(text, 5, 8.5);
  sprites.set(id, canvas);
  return canvas;
}

/**
 * Puts a label on top of a shape's upper left corner, or inside where there is no room above. Without `always`, only
 * shapes at least `least` CSS px wide get one.
 */
export function drawLabel(context, shape, at, text, color, { always = false, least = 34 } = {}) {
  const r = typeOf(shape).bounds(shape);
  const width = (r.x1 - r.x0) * at.sx;
  if (!always && width < least * at.px) return;
  const sprite = labelSprite(text, color, at.px);
  if (!always && sprite.width > width * 1.6) return;
  const y = at.y(r.y0) - sprite.height - at.px;
  const x = Math.max(0, at.x(r.x0) - at.px);
  context.drawImage(sprite, Math.round(x), Math.round(y < 0 ? Math.max(0, at.y(r.y0) + at.px) : y));
}

/** Shapes that touch the canvas, by class, so that each class costs one stroke. */
export function groupVisible(shapes, at, width, height) {
  const groups = new Map();
  for (const shape of shapes) {
    const r = typeOf(shape).bounds(shape);
    if (at.x(r.x1) < 0 || at.y(r.y1) < 0 || at.x(r.x0) > width || at.y(r.y0) > height) continue;
    if (!groups.has(shape.classId)) groups.set(shape.classId, []);
    groups.get(shape.classId).push(shape);
  }
  return groups;
}

/** Outlines shapes of one colour, in CSS px of line width. */
export function strokeShapes(context, shapes, at, color, { width = 2, dash = null, halo = false } = {}) {
  if (halo) strokeEach(context, shapes, at, "rgba(0, 0, 0, 0.55)", width + 2);
  if (dash) context.setLineDash(dash.map((n) => n * at.px));
  strokeEach(context, shapes, at, color, width);
  if (dash) context.setLineDash([]);
}

function strokeEach(context, shapes, at, color, width) {
  context.lineWidth = width * at.px;
  context.strokeStyle = color;
  for (const shape of shapes) typeOf(shape).stroke(context, shape, at);
}

export function fillShapes(context, shapes, at, color, opacity) {
  context.globalAlpha = opacity;
  context.fillStyle = color;
  context.beginPath();
  for (const shape of shapes) typeOf(shape).trace(context, shape, at);
  context.fill("evenodd");
  context.globalAlpha = 1;
}

/** The grips of a selected shape. */
export function drawHandles(context, shape, at, color) {
  const size = 4 * at.px;
  context.fillStyle = "#fff";
  context.strokeStyle = color;
  context.lineWidth = 1.5 * at.px;
  for (const handle of typeOf(shape).handles(shape)) {
    const x = at.x(handle.x);
    const y = at.y(handle.y);
    context.beginPath();
    if (handle.round) context.arc(x, y, size, 0, 2 * Math.PI); else context.rect(x - size, y - size, 2 * size, 2 * size);
    context.fill();
    context.stroke();
  }
}

/** The unfinished polygon: its points and the line to the pointer. */
export function drawOpenPath(context, points, at, color) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(at.x(x), at.y(y)) : context.moveTo(at.x(x), at.y(y))));
  context.lineWidth = 2 * at.px;
  context.strokeStyle = color;
  context.stroke();
  context.fillStyle = "#fff";
  points.slice(0, -1).forEach(([x, y], i) => {
    context.beginPath();
    context.arc(at.x(x), at.y(y), (i ? 3.5 : 5.5) * at.px, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  });
}
