import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** A server of the protocol; `plan` has what becomes of the next PATCHes: a share of the bytes that arrive, or a status. */
class Server {
  constructor() { Object.assign(this, { bytes: 0, size: 0, known: false, plan: [], calls: [], away: false }); }

  answer(request, body) {
    this.calls.push(request.method);
    if (this.away) return request.fail();
    if (request.method === "POST") {
      Object.assign(this, { known: true, size: Number(request.sent["Upload-Length"]), bytes: 0 });
      return request.succeed(201, { Location: "/api/v1/uploads/one", "Upload-Part-Size": request.offered });
    }
    if (!this.known) return request.succeed(404, {}, { detail: "No such upload." });
    if (request.method === "HEAD") return request.succeed(200, { "Upload-Offset": this.bytes, "Upload-Part-Size": request.offered });
    if (request.method === "DELETE") { this.known = false; return request.succeed(204); }
    return this.take(request, body);
  }

  take(request, body) {
    const step = this.plan.shift() ?? 1;
    if (step > 1) return request.succeed(step, {}, { detail: `said ${step}` });
    assert.equal(Number(request.sent["Upload-Offset"]), this.bytes, "a piece follows on what is there");
    this.bytes += Math.floor(body.size * step);
    if (step < 1) { request.upload.onprogress?.({ loaded: body.size }); return request.fail(); }
    return request.succeed(204, { "Upload-Offset": this.bytes });
  }
}

let server;
let storage;
globalThis.addEventListener = () => {};
globalThis.removeEventListener = () => {};
globalThis.XMLHttpRequest = class {
  constructor() { Object.assign(this, { upload: {}, sent: {}, responseText: "", aborted: false }); }
  open(method, url) { Object.assign(this, { method, url }); }
  setRequestHeader(name, value) { this.sent[name] = String(value); }
  getResponseHeader(name) { return String(this.headers[name]); }
  send(body) { setTimeout(() => { if (!this.aborted) server.answer(this, body); }, 1); }
  abort() { this.aborted = true; this.onabort(); }
  fail() { this.onerror(); }
  succeed(status, headers = {}, body = null) { Object.assign(this, { status, headers, responseText: JSON.stringify(body) }); this.onload(); }
};
const { Upload, fingerprint, unfinished } = await import("../../static/js/tus.js");

class Memory {
  constructor() { Object.defineProperty(this, "at", { value: new Map() }); }
  getItem(key) { return this.at.get(key) ?? null; }
  setItem(key, value) { this.at.set(key, value); this[key] = value; }
  removeItem(key) { this.at.delete(key); delete this[key]; }
}

const file = (size = 1000) => Object.assign(new Blob([new Uint8Array(size)]), { name: "a b.zip", lastModified: 7 });
const begin = (more = {}) => new Upload(file(), { storage, piece: 300, ...more });
beforeEach(() => { server = new Server(); storage = new Memory(); });

test("a file goes up piece by piece and is forgotten by the browser when it is there", async () => {
  const shares = [];
  const id = await begin({ onchange: (upload) => shares.push(upload.share) }).run();
  assert.equal(id, "one");
  assert.deepEqual(server.calls, ["POST", "PATCH", "PATCH", "PATCH", "PATCH"]);
  assert.equal(server.bytes, 1000);
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(unfinished(storage), []);
});

test("a broken connection goes on where the server is, whatever the browser thought", async () => {
  server.plan = [1, 0.5];
  assert.equal(await begin().run(), "one");
  assert.equal(server.bytes, 1000);
  assert.equal(server.calls.filter((call) => call === "HEAD").length, 1);
});

for (const status of [409, 423, 500, 502, 503]) {
  test(`an answer of ${status} is tried again`, async () => {
    server.plan = [1, status];
    assert.equal(await begin().run(), "one");
    assert.equal(server.bytes, 1000);
  });
}

for (const status of [400, 403, 413, 507]) {
  test(`an answer of ${status} ends it with the server's words`, async () => {
    server.plan = [status];
    const upload = begin();
    await assert.rejects(upload.run(), { message: `said ${status}` });
    assert.equal(upload.state, "failed");
  });
}

test("another page goes on with the same file where the first one was", async () => {
  server.plan = [1, 1];
  const first = begin({ onchange: (upload) => { if (upload.offset >= 600) first.pause(); } });
  assert.equal(await first.run(), null);
  const [kept] = unfinished(storage);
  assert.deepEqual([kept.key, kept.name, kept.size], [fingerprint(file()), "a b.zip", 1000]);
  server.calls = [];
  const second = begin();
  assert.equal(await second.run(), "one");
  assert.ok(second.resumed);
  assert.deepEqual(server.calls, ["HEAD", "PATCH", "PATCH"]);
});

test("an upload that the server does not know any more starts anew", async () => {
  storage.setItem(fingerprint(file()), JSON.stringify({ url: "/api/v1/uploads/gone", name: "a b.zip", size: 1000, offset: 600, at: Date.now() }));
  assert.equal(await begin().run(), "one");
  assert.deepEqual(server.calls.slice(0, 2), ["HEAD", "POST"]);
  assert.equal(server.bytes, 1000);
});

test("paused and resumed, it sends each byte once", async () => {
  let paused = false;
  const upload = begin({ onchange: (now) => { if (!paused && now.offset >= 300) { paused = true; upload.pause(); } } });
  assert.equal(await upload.run(), null);
  assert.equal(upload.state, "paused");
  assert.equal(await upload.run(), "one");
  assert.equal(server.bytes, 1000);
});

test("cancelled, nothing is left on the server and in the browser", async () => {
  const upload = begin({ onchange: (now) => { if (now.offset >= 300 && now.state === "sending") upload.cancel(); } });
  assert.equal(await upload.run(), null);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(server.known, false);
  assert.deepEqual(unfinished(storage), []);
});

/** The same server, which hands out addresses of a store; `store` has what becomes of the next PUTs: a status, 0 for a broken connection. */
class WithStore extends Server {
  constructor() { super(); Object.assign(this, { part: 400, parts: new Map(), store: [], puts: [], whole: false }); }

  answer(request, body) {
    if (request.method === "PUT") return this.keep(request, body);
    const step = request.url.split("/").at(-1);
    if (step === "parts" && request.method === "POST") {
      const [number] = JSON.parse(body).numbers;
      return request.succeed(200, {}, { parts: [{ number, url: `https://store.example/${number}` }] });
    }
    if (step === "parts") return request.succeed(200, {}, { here: [...this.parts.keys()] });
    if (step === "complete") { this.whole = true; this.calls.push("complete"); return request.succeed(200); }
    if (request.method === "HEAD" && this.parts.size) this.bytes = [...this.parts.values()].reduce((a, b) => a + b, 0);
    return super.answer(Object.assign(request, { offered: this.part }), body);
  }

  keep(request, body) {
    const [number, step] = [Number(request.url.split("/").at(-1)), this.store.length > 1 ? this.store.shift() : this.store[0] ?? 200];
    this.puts.push(number);
    assert.deepEqual(request.sent, {}, "the address says all");
    if (step !== 200) return step ? request.succeed(step) : request.fail();
    this.parts.set(number, body.size);
    request.succeed(200);
  }
}

test("where the server offers it, parts go straight to the store and are put together", async () => {
  server = new WithStore();
  const shares = [];
  assert.equal(await begin({ onchange: (upload) => shares.push(upload.share) }).run(), "one");
  assert.deepEqual([...server.parts], [[1, 400], [2, 400], [3, 200]]);
  assert.deepEqual(server.calls, ["POST", "complete"]);
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(unfinished(storage), []);
});

test("another page sends the parts that are missing in the store", async () => {
  server = new WithStore();
  const first = begin({ onchange: (upload) => { if (upload.here.size === 2) first.pause(); } });
  assert.equal(await first.run(), null);
  server.puts = [];
  const second = begin();
  assert.equal(await second.run(), "one");
  assert.ok(second.resumed);
  assert.deepEqual(server.puts, [3]);
  assert.ok(server.whole);
});

test("an address that is too old is asked for anew", async () => {
  server = new WithStore();
  server.store = [200, 403, 200];
  assert.equal(await begin().run(), "one");
  assert.deepEqual(server.puts, [1, 2, 2, 3]);
});

test("where the store cannot be reached, the bytes go through the server", { timeout: 20_000 }, async () => {
  server = new WithStore();
  server.store = [0];
  assert.equal(await begin().run(), "one");
  assert.deepEqual(server.puts, [1, 1, 1]);
  assert.equal(server.bytes, 1000);
  assert.deepEqual(server.calls.filter((call) => call === "PATCH").length, 4);
  assert.ok(!server.whole);
});
