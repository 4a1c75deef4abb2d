// The testing page's rules: thresholds filter what was asked once, differences pair boxes, a busy server is waited for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { asLabel, countByClass, shownOf, startingThresholds } from "../../static/js/testing/answers.js";
import { Asker, Refused, wordsFor } from "../../static/js/testing/ask.js";
import { differences, marksOf } from "../../static/js/testing/differences.js";
import { kindOf, sort } from "../../static/js/testing/intake.js";
import { ADD, OUT, chosenLabels } from "../../static/js/testing/send.js";
import { Session } from "../../static/js/testing/session.js";
import { until } from "./fakes.mjs";

const found = (class_name, confidence, x = 0.5, size = 0.2) => ({ class_name, confidence, x_center: x, y_center: 0.5, width: size, height: size });
const thresholds = (conf, perClass = {}, iou = 0.7) => ({ conf, perClass, iou });

test("a class's own threshold holds instead of the overall one", () => {
  const all = [found("cat", 0.4), found("dog", 0.4), found("dog", 0.9)];
  assert.deepEqual(shownOf(all, thresholds(0.5, { cat: 0.3 })).map((one) => one.confidence), [0.9, 0.4]);
  assert.deepEqual(shownOf(all, thresholds(0.3), new Set(["dog"])).map((one) => one.class_name), ["cat"]);
});

test("counts are of the classes that were found, in the model's order", () => {
  const rows = countByClass([found("dog", 0.9), found("cat", 0.1), found("dog", 0.2)], thresholds(0.25), ["cat", "dog"]);
  assert.deepEqual(rows, [{ name: "cat", shown: 0, found: 1 }, { name: "dog", shown: 1, found: 2 }]);
});

test("the server's thresholds by class id become thresholds by name", () => {
  assert.deepEqual(startingThresholds({ conf: 0.4, per_class: { 1: 0.6, 9: 0.1 }, iou: 0.7 }, ["cat", "dog"]), thresholds(0.4, { dog: 0.6 }));
});

test("a found object becomes a label with its outline, and says that a model found it", () => {
  const points = [[0.4, 0.4], [0.6, 0.4], [0.5, 0.6]];
  const label = asLabel({ ...found("cat", 0.9), points, parts: [points], class_id: 3, box: {} });
  const box = { x_center: 0.5, y_center: 0.5, width: 0.2, height: 0.2 };  // the outline's, not the model's
  for (const [name, value] of Object.entries(box)) assert.ok(Math.abs(label[name] - value) < 1e-9, name);
  assert.deepEqual({ ...label, ...box }, { ...found("cat", 0.9), ...box, points, source: "model" });
  assert.equal(asLabel(found("cat", 0.9)).points, null);
});

test("an outline loses points by what people see, not by shares of each side", () => {
  const stairs = Array.from({ length: 40 }, (_, i) => [0.4 + i * 0.0001, 0.4 + (i % 2) * 0.003]);
  const points = [...stairs, [0.45, 0.5], [0.4, 0.5]];
  const [wide, square] = [asLabel({ ...found("cat", 0.9), points }, 4), asLabel({ ...found("cat", 0.9), points }, 1)];
  assert.ok(wide.points.length < square.points.length);  // 0.003 of a height that is a quarter of the width
});

test("boxes that overlap by half are one object; one class before two, and each box once", () => {
  const a = [found("cat", 0.9, 0.2), found("dog", 0.8, 0.5), found("cat", 0.5, 0.8)];
  const b = [found("cat", 0.7, 0.21), found("cat", 0.6, 0.2), found("cat", 0.6, 0.51)];
  const { both, renamed, onlyA, onlyB } = differences(a, b);
  assert.deepEqual(both, [[a[0], b[1]]]);
  assert.deepEqual(renamed, [[a[1], b[2]]]);
  assert.deepEqual([onlyA, onlyB], [[a[2]], [b[0]]]);
  const marks = marksOf({ both, renamed, onlyA, onlyB });
  assert.deepEqual([a[0], a[1], a[2], b[0]].map((one) => marks.get(one)), [undefined, "renamed", "only", "only"]);
});

test("a lone overlap below half is two objects", () => {
  const { both, onlyA, onlyB } = differences([found("cat", 0.9, 0.5)], [found("cat", 0.9, 0.6)]); // IoU 1/3
  assert.deepEqual([both.length, onlyA.length, onlyB.length], [0, 1, 1]);
});

// Asking --------------------------------------------------------------------------------------------------------

const response = (status, body, headers = {}) => new Response(body === null ? "<h1>no</h1>" : JSON.stringify(body), { status, headers: { "Content-Type": body === null ? "text/html" : "application/json", ...headers } });

function asker(answers) {
  const seen = { forms: [], waits: [] };
  const fetch = async (_, { body }) => { seen.forms.push(body); return answers.shift(); };
  const wait = async (ms) => { seen.waits.push(ms); };
  return { seen, asker: new Asker({ endpoint: "/infer", csrf: () => "t", fetch, wait, onWait: (seconds) => seen.waits.push(`${seconds} s`) }) };
}

test("a busy server is asked again after the time that it says", async () => {
  const { seen, asker: one } = asker([response(503, { detail: "full" }, { "Retry-After": "2" }), response(429, {}), response(200, { predictions: [] })]);
  const answer = await one.ask({ key: "deployment:line: 3", picture: new Blob(["x"]), iou: 0.6 });
  assert.deepEqual(answer.predictions, []);
  assert.deepEqual(seen.waits, ["2 s", 2000, "0 s", "1 s", 1000, "0 s"]);
  const form = Object.fromEntries(seen.forms[2]);
  assert.deepEqual([form.model, form.conf, form.iou, "model_id" in form], ["line: 3", "0.01", "0.6", false]);
});

test("a refusal is the server's words, or words for its status", async () => {
  const { asker: one } = asker([response(400, { image: ["Half an image."] }), response(413, null)]);
  await assert.rejects(one.ask({ key: "model:1", picture: new Blob([]), iou: 0.7 }), new Refused("Half an image.", 400));
  await assert.rejects(one.ask({ key: "model:1", picture: new Blob([]), iou: 0.7 }), /too large/);
  assert.match(wordsFor(415, null), /JPEG/);
  assert.match(wordsFor(403, { detail: "CSRF Failed: no cookie" }), /signed out/);
});

test("no network is said so", async () => {
  const one = new Asker({ endpoint: "/", csrf: () => "", fetch: async () => { throw new TypeError("failed"); } });
  await assert.rejects(one.ask({ key: "model:1", picture: new Blob([]), iou: 0.7 }), /network/);
});

// The session ---------------------------------------------------------------------------------------------------

const about = (key, conf = 0.25) => ({ key, title: key, class_names: ["cat", "dog"], thresholds: { conf, per_class: {}, iou: 0.7 } });
const file = (name) => ({ name, file: new Blob([name]) });

function session() {
  const asked = [];
  const one = new Session({ ask: async ({ key, name, iou }) => {
    asked.push(`${key} ${name} ${iou}`);
    await new Promise((resolve) => { setTimeout(resolve, 1); });
    if (name === "bad") throw new Refused("Not an image.");
    return { predictions: [found("cat", 0.9), found("dog", 0.2, key === "model:2" ? 0.9 : 0.1)], image: {}, speed: {}, ms: 1 };
  } });
  return { asked, session: one };
}

test("each picture is asked once; thresholds and going back ask nothing, another IoU does", async () => {
  const { asked, session: s } = session();
  s.setSide(0, about("model:1"));
  const [a, b] = s.add([file("a"), file("b")]);
  await until(() => s.answerOf(b, s.sides[0]).answer);
  s.setThreshold(s.sides[0], { conf: 0.1 });
  s.go(b);
  s.go(a);
  assert.equal(s.shown(a, s.sides[0]).length, 2);
  assert.deepEqual(asked, ["model:1 a 0.7", "model:1 b 0.7"]);
  s.setIou(s.sides[0], 0.5);
  await until(() => s.answerOf(b, s.sides[0]).answer);
  s.setIou(s.sides[0], 0.7);
  assert.deepEqual(asked.slice(2), ["model:1 a 0.5", "model:1 b 0.5"]);
});

test("the current picture is asked about before the others", async () => {
  const { asked, session: s } = session();
  s.setSide(0, about("model:1"));
  const [, , c] = s.add([file("a"), file("b"), file("c")]);
  s.go(c);
  await until(() => asked.length === 3);
  assert.deepEqual(asked.map((one) => one.split(" ")[1]), ["a", "c", "b"]);
});

test("the overall slider moves all classes, and one click gives the model's own thresholds by class back", async () => {
  const { session: s } = session();
  const own = about("model:1", 0.4);
  own.thresholds.per_class = { 0: 0.7, 1: 0.2 };
  s.setSide(0, own);
  const side = s.sides[0];
  assert.equal(s.hasLeftClasses(side), false);
  s.setThreshold(side, { conf: 0.1 });
  assert.deepEqual(s.thresholdsOf(side), thresholds(0.1));
  assert.equal(s.hasLeftClasses(side), true);
  s.setThreshold(side, { name: "cat", least: 0.5 });
  s.byClassAgain(side);
  assert.deepEqual(s.thresholdsOf(side), thresholds(0.4, { cat: 0.7, dog: 0.2 }));
  assert.equal(s.hasLeftClasses(side), false);
});

test("two sides share thresholds until they go apart, from where they were", async () => {
  const { session: s } = session();
  s.setSide(0, about("model:1", 0.4));
  s.setSide(1, about("model:2", 0.6));
  const [item] = s.add([file("a")]);
  await until(() => s.sides.every((side) => s.answerOf(item, side).answer));
  s.setThreshold(s.sides[1], { conf: 0.1 });
  assert.deepEqual(s.sides.map((side) => s.shown(item, side).length), [2, 2]);
  assert.deepEqual(Object.values(s.differences(item)).map((list) => list.length), [1, 0, 1, 1]);
  s.setShared(false);
  s.setThreshold(s.sides[1], { name: "dog", least: 0.5 });
  assert.deepEqual(s.sides.map((side) => s.shown(item, side).length), [2, 1]);
  s.setSide(1, null);
  assert.equal(s.differences(item), null);
});

test("a failed question says why and is asked again when told", async () => {
  const { asked, session: s } = session();
  s.setSide(0, about("model:1"));
  const [item] = s.add([file("bad")]);
  await until(() => s.answerOf(item, s.sides[0]).status === "failed");
  assert.equal(s.answerOf(item, s.sides[0]).words, "Not an image.");
  s.pump();
  assert.equal(asked.length, 1);
  s.again(item);
  assert.equal(asked.length, 2);
});

test("taking the current one away goes to its neighbour, and live sources are not asked about", () => {
  const { asked, session: s } = session();
  s.setSide(0, about("model:1"));
  const [a, b] = s.add([{ kind: "video", name: "v" }, { kind: "camera", name: "c" }]);
  s.go(b);
  s.remove(b);
  assert.equal(s.current, a);
  s.remove(a);
  assert.equal(s.current, null);
  assert.deepEqual(asked, []);
});

// In and out ----------------------------------------------------------------------------------------------------

test("files are sorted into pictures, videos and what nothing looks at", () => {
  assert.equal(kindOf({ type: "image/png", name: "a" }), "image");
  assert.equal(kindOf({ type: "", name: "a.TIF" }), "image");
  assert.equal(kindOf({ type: "video/mp4", name: "a" }), "video");
  assert.equal(kindOf({ type: "", name: "a.mkv" }), "video");
  assert.equal(kindOf({ type: "image/svg+xml", name: "a.svg" }), null);
  const files = [{ type: "image/png", name: "a.png", size: 5 }, { type: "image/png", name: "b.png", size: 50 }, { type: "text/html", name: "c" }, { type: "image/png", name: "d.png", size: 5 }];
  const { items, words } = sort(files, 10, 1);
  assert.deepEqual(items.map((one) => one.name), ["a.png"]);
  assert.match(words, /“c”: neither.*“b.png”: larger.*At most 200 at once/);
});

test("labels are sent in the classes that were chosen for them", () => {
  const labels = ["cat", "dog", "cow", "cat"].map((class_name) => ({ class_name }));
  const names = ({ labels: sent }) => sent.map((label) => label.class_name);
  assert.deepEqual(names(chosenLabels(labels, { cat: "Katze", dog: OUT, cow: "" })), ["Katze", "cow", "Katze"]);
  const adding = chosenLabels(labels, { cat: ADD, dog: "", cow: OUT });
  assert.deepEqual([names(adding), adding.addClasses], [["cat", "cat"], true]);
});
