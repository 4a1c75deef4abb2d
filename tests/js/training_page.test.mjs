// What the page of a training keeps of its log and its epochs, without a browser.

import assert from "node:assert/strict";
import test from "node:test";

import { Epochs } from "../../static/js/training/epochs.js";
import { LogText, kindOf } from "../../static/js/training/log_text.js";
import { duration, roughly } from "../../static/js/training/words.js";

/** A server's log: `ask` counts characters, as Python does. */
function served(whole) {
  const characters = [...whole];
  return { ask: async (offset, limit) => characters.slice(offset, offset + limit).join(""), length: characters.length };
}

test("lines that come in pieces are whole lines", () => {
  const log = new LogText();
  log.append({ start: 0, text: "one\ntw" });
  log.append({ start: 6, text: "" });
  log.append({ start: 6, text: "o\nthree" });
  log.append({ start: 13, text: "\n" });
  log.append({ start: 14, text: "four\n" });
  assert.deepEqual(log.lines, ["one", "two", "three", "four"]);
});

test("earlier lines come before the others, whatever characters they have", async () => {
  const lines = Array.from({ length: 40_000 }, (_, n) => `🚀 line ${n} ⚠️`);
  const { ask, length } = served(lines.join("\n") + "\n");
  const tail = lines.slice(-3).join("\n") + "\n";
  const log = new LogText(ask);
  log.append({ start: length - [...tail].length, text: tail });
  let fetched = 0;
  while (!log.isWhole) {
    fetched += 1;
    assert.ok(await log.earlier() > 0);
  }
  assert.ok(fetched > 2);
  assert.deepEqual(log.lines, lines);
  assert.equal(await log.earlier(), 0);
});

test("a question that fails can be asked again", async () => {
  let fails = true;
  const log = new LogText(async () => {
    if (fails) throw new Error("503");
    return "one\n";
  });
  log.append({ start: 4, text: "two\n" });
  await assert.rejects(log.earlier());
  fails = false;
  assert.equal(await log.earlier(), 1);
  assert.deepEqual(log.lines, ["one", "two"]);
});

test("errors and warnings are told apart from other lines", () => {
  assert.equal(kindOf("RuntimeError: CUDA out of memory"), "bad");
  assert.equal(kindOf("torch.cuda.Error: no"), "bad");
  assert.equal(kindOf("WARNING ⚠️ a label is empty"), "warning");
  assert.equal(kindOf("— It goes on from its last checkpoint."), "own");
  assert.equal(kindOf("  1/300  0G  1.23  Nantes"), "");
});

test("epochs grow, may bring a new metric, and are told anew after a restart", () => {
  const epochs = new Epochs();
  assert.ok(epochs.take({ epoch: [1, 2], mAP50: [0.1, 0.2], is_best: [1, 1] }, true));
  assert.ok(!epochs.take({}, false));
  assert.ok(epochs.take({ epoch: [3], mAP50: [0.15], is_best: [0], val_box: [1] }, false));
  assert.deepEqual(epochs.columns, { epoch: [1, 2, 3], mAP50: [0.1, 0.2, 0.15], is_best: [1, 1, 0], val_box: [null, null, 1] });
  assert.equal(epochs.best(null), 1);
  assert.equal(epochs.best(3), 2);
  assert.ok(epochs.take({ epoch: [1], mAP50: [0.3], is_best: [1] }, true));
  assert.deepEqual([epochs.count, epochs.last, epochs.best(null)], [1, 1, 0]);
});

test("a job that begins again from nothing has no epochs", () => {
  const epochs = new Epochs();
  assert.ok(!epochs.take({}, true));
  epochs.take({ epoch: [1], is_best: [1] }, true);
  assert.ok(epochs.take({}, true));
  assert.deepEqual([epochs.count, epochs.best(null)], [0, -1]);
});

test("times are said with as many digits as are known", () => {
  assert.deepEqual([12, 90, 3700].map(duration), ["12 s", "1 min 30 s", "1 h 1 min"]);
  assert.deepEqual([3, 42, 710, 7900, 200_000].map(roughly), ["5 s", "40 s", "12 min", "2 h 10 min", "2.3 days"]);
});
