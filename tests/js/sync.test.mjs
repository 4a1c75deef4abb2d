import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeSets } from "../../static/js/annotator/merge.js";
import { describeStatus } from "../../static/js/annotator/status.js";
import { pauseBefore, Sync } from "../../static/js/annotator/sync.js";
import { box, FakeServer, FakeStorage, until } from "./fakes.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A page of a person: its own sync on a server and a storage; `close` is the tab's end without a word. */
function page(server = new FakeServer(), storage = new FakeStorage(), more = {}) {
  const alive = { yes: true };
  const ifAlive = () => (alive.yes ? null : new Promise(() => {}));
  const put = async (id, body) => {
    await ifAlive();
    try {
      return await server.put(id, body);
    } finally {
      await ifAlive();
    }
  };
  const sync = new Sync({ put, storage, user: 1, dataset: 7, delay: 10, longestDelay: 30, pause: () => 15, ...more });
  const events = { saved: [], conflict: [], refused: [] };
  for (const name of Object.keys(events)) sync.on(name, (event) => events[name].push(event));
  return { server, storage, sync, events, close: () => (alive.yes = false) };
}
const set = (...annotations) => ({ annotations, labeled: annotations.length > 0 });
const xs = (server, id = 5) => server.image(id).annotations.map((a) => a.x_center).sort();

test("a change is saved by itself a moment later, and nothing is left in the browser", async () => {
  const { server, storage, sync, events } = page();
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  assert.equal(sync.status.kind, "saving");
  assert.equal(storage.entries.size, 1);
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(xs(server), [0.1]);
  assert.equal(events.saved[0].body.revision, 1);
  await until(() => storage.entries.size === 0);
});

test("quick changes go together, and changes without a pause are not put off for ever", async () => {
  const { server, sync } = page();
  sync.track(5, 0, []);
  for (let i = 1; i <= 20; i += 1) {
    sync.change(5, set(box(i / 100)));
    await sleep(4);
  }
  assert.ok(server.puts.length >= 1, "sent while changes went on");
  assert.ok(server.puts.length < 20, "not one by one");
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(xs(server), [0.2]);
});

test("what is changed while a save is on its way is saved next, from the new revision", async () => {
  const { server, sync } = page();
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  await until(() => server.puts.length === 1 || sync.status.kind === "saving");
  sync.change(5, set(box(0.1), box(0.2)));
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(xs(server), [0.1, 0.2]);
});

test("without a network changes are kept and counted, and sent when it is back", async () => {
  const { server, storage, sync } = page();
  server.down = true;
  sync.track(5, 0, []);
  sync.track(6, 0, []);
  sync.change(5, set(box(0.1)));
  sync.change(5, set(box(0.1), box(0.2)));
  sync.change(6, set(box(0.3)));
  await until(() => sync.status.kind === "offline");
  assert.equal(sync.status.changes, 3);
  assert.equal(sync.status.images, 2);
  assert.equal(storage.entries.size, 2);
  assert.equal(describeStatus(sync.status).text, "Offline, 3 changes kept");
  server.down = false;
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(xs(server, 5), [0.1, 0.2]);
  assert.deepEqual(xs(server, 6), [0.3]);
});

test("a server that is overloaded or broken is asked again", async () => {
  const { server, sync } = page();
  server.answers = [503, 500, 429, 502];
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  await until(() => sync.status.kind === "saved");
  assert.equal(server.puts.length, 5);
});

test("pauses grow, have jitter, and stay below three quarters of a minute", () => {
  assert.equal(pauseBefore(1, () => 0.5), 1000);
  assert.equal(pauseBefore(3, () => 0.5), 4000);
  assert.ok(pauseBefore(1, () => 0) < pauseBefore(1, () => 1));
  assert.ok(pauseBefore(99, () => 1) <= 45000);
});

test("a closed page leaves its work, and the next page of the same person sends it", async () => {
  const first = page();
  first.server.down = true;
  first.sync.track(5, 0, []);
  first.sync.change(5, set(box(0.1)));
  await until(() => first.storage.entries.size === 1);
  first.close();
  first.server.down = false;
  const second = page(first.server, first.storage);
  assert.deepEqual(await second.sync.start(), [5]);
  assert.deepEqual(second.sync.unsent(5)?.annotations.map((a) => a.x_center), [0.1]);
  await until(() => second.sync.status.kind === "saved");
  assert.deepEqual(xs(first.server), [0.1]);
  await until(() => first.storage.entries.size === 0);
});

test("another person's unsent work in the same browser is not touched", async () => {
  const first = page();
  first.server.down = true;
  first.sync.change(5, set(box(0.1)));
  await until(() => first.storage.entries.size === 1);
  first.close();
  const other = page(new FakeServer(), first.storage, { user: 2 });
  assert.deepEqual(await other.sync.start(), []);
  assert.equal(first.storage.entries.size, 1);
});

test("a save whose answer was lost is no conflict", async () => {
  const { server, sync, events } = page();
  server.loseAnswers = 1;
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  await until(() => server.puts.length >= 1);
  sync.change(5, set(box(0.1), box(0.2)));
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(events.conflict, []);
  assert.deepEqual(xs(server), [0.1, 0.2]);
});

test("nor is it one after the page was closed and opened again with more changes", async () => {
  const first = page();
  first.server.loseAnswers = 1;
  first.sync.track(5, 0, []);
  first.sync.change(5, set(box(0.1)));
  await until(() => first.server.image(5).revision === 1);
  first.sync.change(5, set(box(0.1), box(0.2)));
  first.close();
  await sleep(5);
  const second = page(first.server, first.storage);
  await second.sync.start();
  await until(() => second.sync.status.kind === "saved");
  assert.deepEqual(second.events.conflict, []);
  assert.deepEqual(xs(first.server), [0.1, 0.2]);
});

test("a server killed and started again many times during 200 edits loses none", async () => {
  const { server, sync, events } = page();
  sync.track(5, 0, []);
  const all = [];
  for (let i = 1; i <= 200; i += 1) {
    all.push(box(i / 1000));
    if (i % 60 === 0) Object.assign(server, { down: true });
    if (i % 60 === 20) Object.assign(server, { down: false, loseAnswers: 2 });
    sync.change(5, set(...all));
    await sleep(2);
  }
  server.down = false;
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(events.conflict, []);
  assert.equal(server.image(5).annotations.length, 200);
});

test("a stale save overwrites nothing and raises a conflict with both sets", async () => {
  const { server, sync, events } = page();
  sync.track(5, 0, []);
  server.saveAs("bob", 5, [box(0.9)]);
  sync.change(5, set(box(0.1)));
  await until(() => events.conflict.length === 1);
  const [conflict] = events.conflict;
  assert.equal(conflict.author, "bob");
  assert.deepEqual(conflict.mine.map((a) => a.x_center), [0.1]);
  assert.deepEqual(conflict.theirs.map((a) => a.x_center), [0.9]);
  assert.equal(sync.status.kind, "conflict");
  sync.change(5, set(box(0.1), box(0.2)));
  await sleep(60);
  assert.equal(server.puts.length, 1, "it stops for that image");
  assert.deepEqual(xs(server), [0.9]);
  assert.equal(sync.conflict(5).mine.length, 2, "later changes are in the conflict too");
});

test("other images are saved while one is in conflict", async () => {
  const { server, sync, events } = page();
  sync.track(5, 0, []);
  sync.track(6, 0, []);
  server.saveAs("bob", 5, [box(0.9)]);
  sync.change(5, set(box(0.1)));
  await until(() => events.conflict.length === 1);
  sync.change(6, set(box(0.3)));
  await until(() => server.image(6).revision === 1);
});

for (const [choice, expected] of [["mine", [0.1]], ["theirs", [0.9]], ["merge", [0.1, 0.9]]]) {
  test(`a conflict is resolved: ${choice}`, async () => {
    const { server, storage, sync, events } = page();
    sync.track(5, 0, []);
    server.saveAs("bob", 5, [box(0.9)]);
    sync.change(5, set(box(0.1)));
    await until(() => events.conflict.length === 1);
    const { mine, theirs } = sync.conflict(5);
    const answer = { mine: set(...mine), theirs: null, merge: set(...mergeSets(mine, theirs)) }[choice];
    sync.resolve(5, answer);
    await until(() => sync.status.kind === "saved");
    assert.deepEqual(xs(server), expected);
    await until(() => storage.entries.size === 0);
  });
}

test("a conflict survives the closing of the page", async () => {
  const first = page();
  first.sync.track(5, 0, []);
  first.server.saveAs("bob", 5, [box(0.9)]);
  first.sync.change(5, set(box(0.1)));
  await until(() => first.events.conflict.length === 1);
  first.close();
  const second = page(first.server, first.storage);
  await second.sync.start();
  await until(() => second.events.conflict.length === 1);
  assert.deepEqual(xs(first.server), [0.9]);
});

test("a revision that changed no box (a reviewer's word) is no conflict", async () => {
  const { server, sync, events } = page();
  server.saveAs("import", 5, [box(0.4)]);
  const [row] = server.image(5).annotations;
  sync.track(5, 1, [row]);
  server.saveAs("carol", 5, [row]);
  sync.change(5, set(row, box(0.1)));
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(events.conflict, []);
  assert.deepEqual(xs(server), [0.1, 0.4]);
});

test("a set the server will not take is not sent again and again, and the next change is tried", async () => {
  const { server, sync, events } = page();
  server.answers = [400];
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  await until(() => events.refused.length === 1);
  assert.equal(sync.status.kind, "refused");
  assert.match(describeStatus(sync.status).hint, /as told/);
  await sleep(60);
  assert.equal(server.puts.length, 1);
  sync.change(5, set(box(0.2)));
  await until(() => sync.status.kind === "saved");
});

test("after signing in again, saving by hand sends what was refused", async () => {
  const { server, sync } = page();
  server.answers = [403];
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  await until(() => sync.status.kind === "refused");
  assert.match(describeStatus(sync.status).text, /^Not accepted, 1 change kept/);
  const signedOut = { ...sync.status, refused: { status: 403, body: { detail: "Authentication credentials were not provided." } } };
  assert.match(describeStatus(signedOut).text, /^Signed out, 1 change kept/);
  await sync.flush();
  assert.equal(sync.status.kind, "saved");
});

test("leaving is unsafe only while something is unsent and the storage failed", async () => {
  const { server, storage, sync } = page();
  server.down = true;
  storage.failing = true;
  sync.track(5, 0, []);
  assert.equal(sync.unsafe, false);
  sync.change(5, set(box(0.1)));
  await sleep(5);
  assert.equal(sync.unsafe, true);
  assert.equal(sync.status.kept, false);
  storage.failing = false;
  sync.change(5, set(box(0.1), box(0.2)));
  await sleep(5);
  assert.equal(sync.unsafe, false);
  server.down = false;
  await until(() => sync.status.kind === "saved");
  assert.equal(sync.unsafe, false);
});

test("a storage that never works stops neither start nor saving", async () => {
  const storage = new FakeStorage();
  storage.failing = true;
  const { server, sync } = page(new FakeServer(), storage);
  await sync.start();
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  await until(() => sync.status.kind === "saved");
  assert.deepEqual(xs(server), [0.1]);
});

test("two dead pages that left different work on one image: the second becomes a conflict, none is lost", async () => {
  const server = new FakeServer();
  const storage = new FakeStorage();
  for (const x of [0.1, 0.2]) {
    const dead = page(server, storage);
    server.down = true;
    dead.sync.track(5, 0, []);
    dead.sync.change(5, set(box(x)));
    await sleep(3);
    dead.close();
  }
  server.down = false;
  const next = page(server, storage);
  await next.sync.start();
  await until(() => next.events.conflict.length === 1);
  const { mine, theirs } = next.sync.conflict(5);
  assert.deepEqual([mine[0].x_center, theirs[0].x_center].sort(), [0.1, 0.2]);
});

test("a change on an image with unseen leftover work does not drop that work", async () => {
  const server = new FakeServer();
  const storage = new FakeStorage();
  const dead = page(server, storage);
  server.down = true;
  dead.sync.track(5, 0, []);
  dead.sync.change(5, set(box(0.1)));
  await sleep(3);
  dead.close();
  const next = page(server, storage);
  await next.sync.start();
  next.sync.change(5, set(box(0.7)));
  server.down = false;
  await next.sync.flush();
  await until(() => next.events.conflict.length === 1);
  const { mine, theirs } = next.sync.conflict(5);
  assert.deepEqual([mine[0].x_center, theirs[0].x_center].sort(), [0.1, 0.7]);
});

test("moving on to the next image sends the last one without waiting", async () => {
  const { server, sync } = page(undefined, undefined, { delay: 5000, longestDelay: 9000 });
  sync.track(5, 0, []);
  sync.change(5, set(box(0.1)));
  sync.hurry(5);
  await until(() => sync.status.kind === "saved");
  assert.equal(server.puts.length, 1);
});
