import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

let calls, answers, store;
globalThis.fetch = async (url, { method, body }) => {
  calls.push(`${method} ${url}`);
  const answer = answers(url, body && JSON.parse(body));
  if (!answer) throw new TypeError("Failed to fetch");
  return { ok: answer.status < 300, status: answer.status, json: async () => answer.body };
};
globalThis.XMLHttpRequest = class {
  upload = {};
  open(method, url) { this.url = url; }
  send() { setTimeout(() => { this.status = store(this.url); this.onloadend(); }, 1); }
};
const { Batch, NoWay, takeBatch } = await import("../../static/js/direct_images.js");

const item = (name, size = 10) => ({ file: Object.assign(new Blob([new Uint8Array(size)]), { name }) });
const taken = (result) => ({ status: 200, body: { status: "completed", result: { created: [], duplicates: [], rejected: [], ...result } } });
const places = (...numbers) => ({ status: 201, body: { id: 7, files: numbers.map((number) => ({ number, url: `/store/${number}` })), rejected: [] } });
let told;
const begin = (items) => new Batch(items, { url: "/direct", headers: () => ({}), say: (one, what) => { if (what.kind) told.push([one.file.name, what.kind, what.words]); } });
beforeEach(() => { calls = []; told = []; store = () => 200; });

test("what goes together is bounded by number and by bytes, and a large one goes alone", () => {
  const sizes = (batch) => batch.map(({ file }) => file.size);
  const queue = [30, 30, 70, 1].map((mib) => ({ file: { size: mib * 2 ** 20 } }));
  assert.deepEqual([sizes(takeBatch(queue)).length, sizes(takeBatch(queue)).length, sizes(takeBatch(queue)).length], [2, 1, 1]);
  assert.equal(takeBatch(Array.from({ length: 150 }, () => ({ file: { size: 1 } }))).length, 100);
});

test("each picture is put at its address and gets its own answer when the worker has looked at all", async () => {
  let asked = 0;
  answers = (url, body) => {
    if (body) { assert.deepEqual(body.files[1], { filename: "b.png", size: 20 }); return places(1, 2, 3); }
    asked += 1;
    if (asked < 3) return { status: 202, body: { status: asked < 2 ? "pending" : "running", message: "1 of 3 looked at" } };
    return taken({ created: [{ number: 1 }], duplicates: [{ number: 2 }], rejected: [{ number: 3, reason: "Not an image." }] });
  };
  const batch = begin([item("a.png"), item("b.png", 20), item("c.txt")]);
  await batch.send();
  assert.equal(batch.sent.length, 3);
  const heard = [];
  await batch.settle((job) => heard.push(job.status));
  assert.deepEqual(heard, ["pending", "running"]);
  assert.deepEqual(told, [["a.png", "created", "in"], ["b.png", "duplicates", "already here"], ["c.txt", "rejected", "Not an image."]]);
  assert.deepEqual(calls, ["POST /direct", "POST /direct/7/complete", "GET /api/v1/jobs/7", "GET /api/v1/jobs/7"]);
});

test("what the store did not take is to be sent again, unless it arrived after all", async () => {
  answers = (url, body) => (body ? places(1, 2, 3) : taken({ created: [{ number: 1 }, { number: 2 }], rejected: [{ number: 3, reason: "did not come" }] }));
  store = (url) => (url === "/store/1" ? 200 : 0);
  const items = [item("a"), item("b"), item("c")];
  const batch = begin(items);
  await batch.send();
  assert.equal(batch.again.size, 2);
  await batch.settle();
  assert.deepEqual([...batch.again], [items[2]]);
  assert.deepEqual(told.map(([name, kind]) => [name, kind]), [["a", "created"], ["b", "created"]]);
});

test("where nothing arrived the job is ended and nothing is completed", async () => {
  answers = (url, body) => (body ? places(1) : { status: 200, body: {} });
  store = () => 403;
  const batch = begin([item("a")]);
  await batch.send();
  await batch.settle();
  batch.leave();
  assert.deepEqual(calls, ["POST /direct", "POST /api/v1/jobs/7/cancel"]);
  assert.equal(batch.again.size, 1);
});

test("a store that is not offered is said, and other refusals in the server's words", async () => {
  answers = () => ({ status: 409, body: { detail: "do not go straight" } });
  await assert.rejects(begin([item("a")]).send(), NoWay);
  answers = () => ({ status: 413, body: { detail: "You have no room." } });
  await assert.rejects(begin([item("a")]).send(), /You have no room/);
});

test("a server that is away for a moment is asked again, and a job that failed says why", async () => {
  let away = 2;
  answers = (url, body) => {
    if (body) return places(1);
    if (away > 0) { away -= 1; return away ? null : { status: 503, body: {} }; }
    return { status: 200, body: { status: "failed", error: "The dataset is gone." } };
  };
  const batch = begin([item("a")]);
  await batch.send();
  await assert.rejects(batch.settle(), /The dataset is gone/);
});

test("a page that is left has what arrived taken in", async () => {
  answers = (url, body) => (body ? places(1) : taken({}));
  const batch = begin([item("a")]);
  batch.leave();
  await batch.send();
  batch.leave();
  assert.deepEqual(calls, ["POST /direct", "POST /direct/7/complete"]);
});
