/** The page where two people's work on one image is laid side by side, and one chooses what stands. */
import { drawLabel, groupVisible, project, strokeShapes } from "./draw.js";
import { el, openDialog } from "./dom.js";
import { compareSets, mergeSets, rebaseIds } from "./merge.js";
import { fromAnnotation } from "./shapes.js";

const SIDE = { width: 584, height: 440 };

const asShapes = (annotations) => annotations.map((a, i) => ({ ...fromAnnotation(a), key: `c${i}`, z: i }));

/** One side as a canvas: what both share is faint, what only this side has is strong. */
function drawSide(picture, image, classes, shared, own) {
  const dpr = window.devicePixelRatio || 1;
  const scale = Math.min(SIDE.width / image.width, SIDE.height / image.height);
  const canvas = el("canvas", { width: image.width * scale * dpr, height: image.height * scale * dpr });
  const context = canvas.getContext("2d");
  const view = { scale, tx: 0, ty: 0 };
  const at = project(view, image, dpr);
  if (picture) context.drawImage(picture.level(scale * dpr), 0, 0, canvas.width, canvas.height);
  context.fillStyle = "rgba(0, 0, 0, 0.25)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.55;
  for (const [classId, shapes] of groupVisible(asShapes(shared), at, canvas.width, canvas.height)) {
    strokeShapes(context, shapes, at, classes.get(classId).color, { width: 1 });
  }
  context.globalAlpha = 1;
  for (const [classId, shapes] of groupVisible(asShapes(own), at, canvas.width, canvas.height)) {
    const { color, name } = classes.get(classId);
    strokeShapes(context, shapes, at, "#fff", { width: 5 });
    strokeShapes(context, shapes, at, color, { width: 3 });
    for (const shape of shapes) drawLabel(context, shape, at, name, color, { always: own.length < 30 });
  }
  return canvas;
}

function side(title, note, canvas, button) {
  return el("section", { class: "ws-side-by-side" }, el("h3", { text: title }), el("p", { class: "ws-note", text: note }), canvas, button);
}

const plural = (n) => `${n} ${n === 1 ? "box" : "boxes"}`;

/**
 * Asks what is to stand. `conflict` is {mine, theirs, author, savedAt}; resolves with the annotations to go on with,
 * null for theirs, or undefined where the person put the question off.
 */
export async function askConflict({ conflict, picture, image, classes, filename }) {
  const { mine, theirs, author } = conflict;
  const { same, changed, onlyMine, onlyTheirs } = compareSets(mine, theirs);
  const merged = mergeSets(mine, theirs);
  const answers = { mine: rebaseIds(mine, theirs), theirs: null, merge: merged };
  const button = (value, text, primary) => el("button", {
    type: "button", class: primary ? "ws-button is-primary" : "ws-button", text, onclick: () => opened.dialog.close(value), autofocus: Boolean(primary),
  });
  const who = author || "Somebody";
  const when = conflict.savedAt ? ` at ${new Date(conflict.savedAt).toLocaleTimeString()}` : "";
  const facts = (own, n) => [plural(n), own.length && `${own.length} only here`, changed.length && `${changed.length} different`].filter(Boolean).join(" · ");
  const body = el("div", { class: "ws-conflict" },
    el("p", { text: `${who} saved ${filename}${when} while you were working on it. Nothing is lost: choose what is to stand. Boxes that differ are drawn strong.` }),
    el("div", { class: "ws-conflict-sides" },
      side("Yours", facts(onlyMine, mine.length), drawSide(picture, image, classes, same, [...onlyMine, ...changed.map(([a]) => a)]), button("mine", "Keep mine")),
      side(`Theirs (${who})`, facts(onlyTheirs, theirs.length), drawSide(picture, image, classes, same, [...onlyTheirs, ...changed.map(([, b]) => b)]), button("theirs", "Take theirs"))),
    el("footer", { class: "ws-dialog-foot" },
      el("p", { class: "ws-note", text: `Merging keeps what both have drawn, ${plural(merged.length)}; where one box differs, yours.` }),
      button("merge", `Merge both (${merged.length})`, true)));
  const opened = openDialog("Two versions of this image", [body], { wide: true });
  const answer = await opened.closed;
  return answer in answers ? answers[answer] : undefined;
}
