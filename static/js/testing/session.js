/**
 * The state of the testing page: what lies before the models, which models answer, with which thresholds, and what they
 * answered. No DOM. Each picture is asked once of each model and IoU; going back to it, or another threshold, asks nothing.
 *
 * Events: items, current, sides, thresholds, answers.
 */
import { Emitter } from "../annotator/emitter.js";
import { shownOf, startingThresholds, unionOf } from "./answers.js";
import { differences } from "./differences.js";

export const MOST_ITEMS = 200;

export class Session extends Emitter {
  items = [];
  current = null;
  sides = []; // one or two of {about, thresholds}
  hidden = new Set(); // names of classes
  shared = true; // both sides by the thresholds of the first
  #counter = 0;
  #asking = new Set();

  constructor(asker) {
    super();
    this.asker = asker;
  }

  // What lies before the models -----------------------------------------------------------------------------

  /** Adds pictures, or one live source; the first of them becomes the current one unless one is to `stay`. */
  add(list, { stay = false } = {}) {
    const added = list.slice(0, Math.max(0, MOST_ITEMS - this.items.length)).map((one) => {
      this.#counter += 1;
      return { kind: "image", ...one, id: this.#counter, answers: one.answers ?? new Map() };
    });
    this.items.push(...added);
    this.emit("items");
    if (added.length && !stay) this.go(added[0]);
    else this.pump();
    return added;
  }

  remove(item) {
    const place = this.items.indexOf(item);
    if (place < 0) return;
    this.items.splice(place, 1);
    this.emit("items");
    if (item === this.current) this.go(this.items[place] ?? this.items[place - 1] ?? null);
  }

  go(item) {
    this.current = item;
    this.emit("current");
    this.pump();
  }

  step(by) {
    const next = this.items[this.items.indexOf(this.current) + by];
    if (next) this.go(next);
  }

  // Who answers ---------------------------------------------------------------------------------------------

  /** Puts a model (what the server tells about it) at a place; null takes the second away. */
  setSide(place, about) {
    if (about) this.sides[place] = { about, thresholds: startingThresholds(about.thresholds, about.class_names) };
    else this.sides.splice(place, 1);
    this.emit("sides");
    this.pump();
  }

  get names() {
    return unionOf(this.sides.map((side) => side.about.class_names));
  }

  thresholdsOf(side) {
    return this.shared ? this.sides[0].thresholds : side.thresholds;
  }

  setShared(shared) {
    if (shared === this.shared) return;
    // Going apart, the second starts from what it was shown with, so that nothing jumps.
    if (!shared && this.sides[1]) this.sides[1].thresholds = structuredClone(this.sides[0].thresholds);
    this.shared = shared;
    this.emit("sides");
    this.pump();
  }

  /** Whether the model came with thresholds by class and they do not hold any more. */
  hasLeftClasses(side) {
    const own = this.#startOf(side);
    const names = Object.keys(own.perClass);
    const { conf, perClass } = this.thresholdsOf(side);
    const same = conf === own.conf && names.length === Object.keys(perClass).length && names.every((name) => perClass[name] === own.perClass[name]);
    return names.length > 0 && !same;
  }

  /** Back to the thresholds that the model came with, for each class its own. Asks nothing. */
  byClassAgain(side) {
    const { conf, perClass } = this.#startOf(side);
    Object.assign(this.thresholdsOf(side), { conf, perClass });
    this.emit("thresholds");
  }

  #startOf(side) {
    const { about } = this.shared ? this.sides[0] : side;
    return startingThresholds(about.thresholds, about.class_names);
  }

  /** Changes `conf` of all classes, or the threshold of one ({name, least}; least null: as all). Asks nothing. */
  setThreshold(side, { conf, name, least }) {
    const thresholds = this.thresholdsOf(side);
    if (conf !== undefined) Object.assign(thresholds, { conf, perClass: {} });
    else if (least === null) delete thresholds.perClass[name];
    else thresholds.perClass[name] = least;
    this.emit("thresholds");
  }

  /** Another IoU is another question. */
  setIou(side, iou) {
    this.thresholdsOf(side).iou = iou;
    this.emit("answers");
    this.pump();
  }

  toggleClass(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.emit("thresholds");
  }

  // Answers -------------------------------------------------------------------------------------------------

  keyOf(side) {
    return `${side.about.key}|${this.thresholdsOf(side).iou}`;
  }

  /** {status: "waiting", "done" or "failed", answer, words} of an item by a side. */
  answerOf(item, side) {
    return item?.answers.get(this.keyOf(side)) ?? { status: "waiting" };
  }

  /** The objects of an item that are shown for a side. */
  shown(item, side) {
    const { answer } = this.answerOf(item, side);
    return answer ? shownOf(answer.predictions, this.thresholdsOf(side), this.hidden) : [];
  }

  /** What the two sides see differently on an item; null where there are not two answers. */
  differences(item) {
    if (this.sides.length < 2 || !this.sides.every((side) => this.answerOf(item, side).answer)) return null;
    return differences(...this.sides.map((side) => this.shown(item, side)));
  }

  /** Asks what is not answered yet: of each side one question at a time, the current picture before the others. */
  pump() {
    for (const side of this.sides) {
      if (this.#asking.has(side)) continue;
      const key = this.keyOf(side);
      const waiting = this.items.filter((item) => item.kind === "image" && !item.answers.has(key));
      const item = waiting.includes(this.current) ? this.current : waiting[0];
      if (item) this.#ask(side, item, key);
    }
  }

  async #ask(side, item, key) {
    this.#asking.add(side);
    item.answers.set(key, { status: "waiting" });
    try {
      const answer = await this.asker.ask({ key: side.about.key, picture: item.file, name: item.name, iou: this.thresholdsOf(side).iou });
      item.answers.set(key, { status: "done", answer });
    } catch (error) {
      item.answers.set(key, { status: "failed", words: error.message });
    }
    this.#asking.delete(side);
    this.emit("answers", item);
    this.pump();
  }

  /** Asks again about an item whose answers failed. */
  again(item) {
    for (const [key, { status }] of item.answers) if (status === "failed") item.answers.delete(key);
    this.emit("answers", item);
    this.pump();
  }

  /** Live sources bring their answers themselves: `answers` is a Map by the sides' keys. */
  setAnswers(item, answers) {
    item.answers = answers;
    this.emit("answers", item);
  }
}
