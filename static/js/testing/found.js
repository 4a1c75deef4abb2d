/** The lists beside the picture: the objects of each side, and what the sides see differently. */
import { el } from "../annotator/dom.js";
import { colorFor } from "../annotator/palette.js";

const MOST_ROWS = 300;

const objects = (n) => `${n} object${n === 1 ? "" : "s"}`;

/** Fills the list of found objects; `onHover(object or null)` and `onPick(object, side)` are told. */
export function showFound(root, session, { onHover, onPick }) {
  const { current, sides } = session;
  const groups = sides.map((side) => ({ side, found: session.shown(current, side) }));
  root.replaceChildren(...groups.flatMap(({ side, found }) => [
    sides.length > 1 ? el("h3", { text: `${side.about.title}: ${found.length}` }) : null,
    el("div", { class: "test-objects" }, ...found.slice(0, MOST_ROWS).map((one) => row(one, side, session.names, onHover, onPick))),
    found.length > MOST_ROWS ? el("p", { class: "small muted", text: `The ${MOST_ROWS} surest are listed.` }) : null,
  ].filter(Boolean)));
  return groups.map(({ found }) => found.length);
}

function row(one, side, names, onHover, onPick) {
  const dot = el("i", { class: "dot" });
  dot.style.background = colorFor(names.indexOf(one.class_name));
  const over = () => onHover(one);
  const out = () => onHover(null);
  return el("button", { type: "button", title: "Look at it enlarged", onclick: () => onPick(one, side), onmouseenter: over, onfocus: over, onmouseleave: out, onblur: out },
    el("span", { class: "name" }, dot, one.class_name), el("span", { class: "num", text: one.confidence.toFixed(2) }));
}

/** Says in numbers what differs; `different` is from differences.js. */
export function showDifferences(root, session, different) {
  const [a, b] = session.sides.map((side) => side.about.title);
  const renamed = different.renamed.map(([one, other]) => `${one.class_name} / ${other.class_name}`);
  const list = el("dl", { class: "facts" });
  const add = (key, words, value) => list.append(el("dt", {}, key ? el("i", { class: `key ${key}` }) : null, words), el("dd", { class: "num", text: value }));
  add("", "Both find, as one class", different.both.length);
  add("differ-only", `Only ${a}`, different.onlyA.length);
  add("differ-only", `Only ${b}`, different.onlyB.length);
  add("differ-renamed", "Called differently", different.renamed.length);
  const note = el("p", { class: "small muted", text: "Boxes that overlap by IoU 0.5 are one object. What differs has thicker lines, dashed where the classes do." });
  const calls = renamed.length ? el("p", { class: "small", text: [...new Set(renamed)].slice(0, 8).join(", ") }) : null;
  root.replaceChildren(...[list, calls, note].filter(Boolean));
}

export { objects };
