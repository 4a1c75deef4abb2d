/** The sliders: least confidence overall and by class, and the overlap at which boxes are one; one group for each side. */
import { el, icon } from "../annotator/dom.js";
import { colorFor } from "../annotator/palette.js";
import { countByClass, leastOf } from "./answers.js";

const LATER = 350; // ms after the last move of the IoU slider: it asks the model again

const two = (value) => value.toFixed(2);

export class Sliders {
  #later = new Map();
  #rows = [];

  constructor(root, session) {
    Object.assign(this, { root, session });
    session.on("sides", () => this.build());
    session.on("answers", () => this.#classes());
    session.on("current", () => this.#classes());
    session.on("thresholds", () => this.#show());
  }

  /** Anew: another model, or the sides went apart or together. */
  build() {
    const { session } = this;
    const groups = session.shared ? session.sides.slice(0, 1) : session.sides;
    const together = el("label", { class: "check small" }, el("input", { type: "checkbox", checked: session.shared, onchange: (event) => session.setShared(event.target.checked) }), " Both by the same thresholds");
    this.groups = groups.map((side, place) => this.#group(side, place));
    this.root.replaceChildren(...(session.sides.length > 1 ? [together] : []), ...this.groups.map((group) => group.root));
    this.#classes();
  }

  #group(side, place) {
    const { session } = this;
    const thresholds = session.thresholdsOf(side);
    const conf = this.#slider(`conf-${place}`, "Least confidence", 0.01, thresholds.conf, (value) => session.setThreshold(side, { conf: value }));
    conf.input.title = "Of all classes at once";
    const again = el("button", { type: "button", class: "button ghost small", text: "By class again", title: "The thresholds that it came with, one for each class", onclick: () => session.byClassAgain(side) });
    conf.root.append(again);
    const iou = this.#slider(`iou-${place}`, "Overlap as one box (IoU)", 0.05, thresholds.iou, (value) => {
      clearTimeout(this.#later.get(place));
      this.#later.set(place, setTimeout(() => session.setIou(side, value), LATER));
    });
    iou.input.title = "Boxes of one class that overlap more than this are one; asks the model again";
    const classes = el("div", { class: "test-classes" });
    const head = session.shared ? null : el("h3", { text: side.about.title });
    return { side, conf, iou, again, classes, root: el("div", { class: "test-sliders" }, head, conf.root, iou.root, classes) };
  }

  #slider(id, words, least, value, changed) {
    const output = el("output", { text: two(value), for: id });
    const input = el("input", { type: "range", id, min: least, max: 0.99, step: 0.01, value, oninput: () => { output.textContent = two(input.valueAsNumber); changed(input.valueAsNumber); } });
    return { input, output, root: el("div", { class: "field" }, el("label", { for: id }, `${words}: `, output), input) };
  }

  /** The rows of classes, of what was found on the current picture; kept while they are the same, for a drag goes on. */
  #classes() {
    const { current, names: order } = this.session;
    for (const group of this.groups ?? []) {
      const found = this.#counts(group).map((row) => row.name);
      // From frame to frame of a video classes come and go: a row that was there stays under the pointer.
      const before = group.item === current ? (group.rows ?? []).map((row) => row.name) : [];
      const names = [...new Set([...before, ...found])].sort((a, b) => order.indexOf(a) - order.indexOf(b));
      group.item = current;
      if (names.join("\n") === group.names && group.rows) continue;
      group.names = names.join("\n");
      group.rows = names.map((name) => this.#row(group.side, name));
      const head = names.length ? el("p", { class: "small muted", text: "By class: shown of all down to 0.01" }) : null;
      group.classes.replaceChildren(...[head, ...group.rows.map((row) => row.root)].filter(Boolean));
    }
    this.#show();
  }

  #counts({ side }) {
    const { session } = this;
    const sides = session.shared ? session.sides : [side];
    const found = sides.map((one) => countByClass(session.answerOf(session.current, one).answer?.predictions ?? [], session.thresholdsOf(one), session.names));
    const [first, second = []] = found;
    return [...first, ...second.filter((row) => !first.some((other) => other.name === row.name))];
  }

  #row(side, name) {
    const { session } = this;
    const own = el("input", { type: "range", min: 0.01, max: 0.99, step: 0.01, aria: { label: `Least confidence of ${name}` }, oninput: () => session.setThreshold(side, { name, least: own.valueAsNumber }) });
    const value = el("output", { class: "num" });
    const reset = el("button", { type: "button", class: "icon-button", title: "As all classes", aria: { label: `${name} as all classes` }, onclick: () => session.setThreshold(side, { name, least: null }) }, icon("undo-2"));
    const eye = el("button", { type: "button", class: "icon-button", onclick: () => session.toggleClass(name) });
    const count = el("span", { class: "num small" });
    const dot = el("i", { class: "dot" });
    dot.style.background = colorFor(session.names.indexOf(name));
    const root = el("div", { class: "test-class", data: { name } }, eye, el("span", { class: "name", title: name }, dot, name), count, own, value, reset);
    return { name, own, value, reset, eye, count, root };
  }

  #show() {
    const { session } = this;
    for (const group of this.groups ?? []) {
      const thresholds = session.thresholdsOf(group.side);
      group.conf.input.value = thresholds.conf;
      group.conf.output.textContent = two(thresholds.conf);
      group.again.hidden = !session.hasLeftClasses(group.side);
      const counts = new Map(this.#counts(group).map((row) => [row.name, row]));
      for (const row of group.rows ?? []) this.#showRow(row, thresholds, counts.get(row.name));
    }
  }

  #showRow(row, thresholds, count) {
    const hidden = this.session.hidden.has(row.name);
    row.own.value = leastOf(thresholds, row.name);
    row.value.textContent = two(leastOf(thresholds, row.name));
    row.reset.style.visibility = row.name in thresholds.perClass ? "" : "hidden";
    row.count.textContent = count ? `${hidden ? 0 : count.shown} of ${count.found}` : "";
    row.root.classList.toggle("off", hidden);
    if (row.eye.dataset.hidden === String(hidden)) return;
    row.eye.dataset.hidden = String(hidden);
    row.eye.replaceChildren(icon(hidden ? "eye-off" : "eye"));
    row.eye.title = hidden ? "Show" : "Hide";
    row.eye.setAttribute("aria-label", `${hidden ? "Show" : "Hide"} ${row.name}`);
  }
}
