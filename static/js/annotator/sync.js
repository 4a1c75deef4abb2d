/**
 * Brings every change to the server, and keeps it in the browser until the server has answered.
 *
 * One record an image. `change` replaces what is to be sent and writes it to the storage at once; a moment later it is
 * PUT with the revision it started from. No network, a timeout or a 5xx: again, after growing pauses. 409: the image
 * stops and a conflict is raised with both sets, unless what the server holds is what this page itself had sent (an
 * answer was lost) or had started from. What another page of this user left unsent is found by `start` and sent.
 *
 * Events: status (see `status`), saved {imageId, body}, conflict {imageId, mine, theirs, …}, refused {imageId, reason}.
 */
import { Emitter } from "./emitter.js";
import { digest, rebaseIds } from "./merge.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30000;
const AT_ONCE = 2;

/** Pause before the n-th try (n ≥ 1), in ms: doubling, with jitter so that many pages do not come back together. */
export function pauseBefore(failures, random = Math.random) {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1)) * (0.6 + 0.8 * random());
}

export class Sync extends Emitter {
  #records = new Map();
  #timer = null;
  #failures = 0;
  #pausedUntil = 0;
  #inFlight = 0;
  #writes = 0;
  #unstored = new Set();

  /**
   * `put(imageId, body)` answers {status, body, retryAfter} or throws; `storage` has all/put/delete; times in ms.
   */
  constructor({ put, storage, user, dataset, page = Math.random().toString(36).slice(2), delay = 600, longestDelay = 2000, now = Date.now, pause = pauseBefore }) {
    super();
    Object.assign(this, { put, storage, user, dataset, page, delay, longestDelay, now, pause });
  }

  /** Finds what earlier pages of this user left unsent in this dataset, and sends it. Answers the images' ids. */
  async start() {
    let entries = [];
    try {
      entries = await this.storage.all();
    } catch {
      this.#unstored.add("start");
    }
    const mine = entries.filter((e) => e.user === this.user && e.dataset === this.dataset && e.page !== this.page);
    mine.sort((a, b) => a.at - b.at);
    for (const entry of mine) this.#takeOver(entry);
    this.#emitStatus();
    this.#schedule();
    return mine.map((entry) => entry.imageId);
  }

  #takeOver(entry) {
    const record = this.#record(entry.imageId, entry.revision);
    record.leftovers.push(entry);
    if (!record.pending) this.#promoteLeftover(record);
  }

  /** Makes the oldest leftover of an image what is to be sent next. */
  #promoteLeftover(record) {
    const entry = record.leftovers.shift();
    if (!entry) return;
    record.fromKeys.push(entry.key);
    Object.assign(record, { revision: entry.revision, sent: [...(entry.sent ?? [])], baseDigest: entry.baseDigest ?? null, dueAt: 0 });
    record.pending = { annotations: entry.annotations, labeled: entry.labeled, changes: entry.changes };
    record.promoted = entry;
    this.#persist(record);
  }

  #record(imageId, revision) {
    if (!this.#records.has(imageId)) {
      this.#records.set(imageId, {
        imageId, revision, seq: 0, pending: null, sent: [], baseDigest: null, inFlight: null, conflict: null, refused: null,
        dueAt: 0, failures: 0, firstAt: 0, leftovers: [], promoted: null, fromKeys: [],
      });
    }
    return this.#records.get(imageId);
  }

  /** Tells which revision the page has read from the server; ignored while the image has something unsent. */
  track(imageId, revision, annotations) {
    const record = this.#record(imageId, revision);
    if (record.pending) return;
    record.revision = revision;
    record.baseDigest = digest(annotations);
  }

  /** What is unsent of an image: {annotations, labeled}, or null. */
  unsent(imageId) {
    return this.#records.get(imageId)?.pending ?? null;
  }

  /** The same, when it is put on the screen: later changes go on from it and replace it. */
  takeUnsent(imageId) {
    const record = this.#records.get(imageId);
    if (record) record.promoted = null;
    return record?.pending ?? null;
  }

  revision(imageId) {
    return this.#records.get(imageId)?.revision ?? null;
  }

  conflict(imageId) {
    return this.#records.get(imageId)?.conflict ?? null;
  }

  /** A new state of an image, to be kept now and sent a moment later. */
  change(imageId, { annotations, labeled }) {
    const record = this.#record(imageId, 0);
    record.seq += 1;
    // Work of an earlier page that nobody has seen yet is not replaced by this change; it comes after it.
    if (record.promoted) record.leftovers.unshift(record.promoted);
    record.promoted = null;
    if (!record.pending || record.inFlight) record.firstAt = this.now();
    record.pending = { annotations, labeled, changes: (record.pending?.changes ?? 0) + 1 };
    record.refused = null;
    record.failures = 0;
    record.dueAt = Math.min(this.now() + this.delay, record.firstAt + this.longestDelay);
    if (record.conflict) record.conflict.mine = annotations;
    this.#persist(record);
    this.#emitStatus();
    this.#schedule();
  }

  /** Sends what waits without waiting longer; resolves when nothing more can be done now. */
  async flush() {
    this.#pausedUntil = 0;
    for (const record of this.#records.values()) Object.assign(record, { dueAt: 0, refused: null });
    this.#pump();
    while (this.#inFlight > 0) await Promise.all([...this.#records.values()].map((record) => record.inFlight));
  }

  /** Sends one image's changes now rather than in a moment; a pause after a failure is still kept. */
  hurry(imageId) {
    const record = this.#records.get(imageId);
    if (!record?.pending || record.failures) return;
    record.dueAt = 0;
    this.#schedule();
  }

  // Sending ---------------------------------------------------------------------------------------------------

  #ready(record) {
    return record.pending && !record.inFlight && !record.conflict && !record.refused;
  }

  #schedule() {
    clearTimeout(this.#timer);
    const waiting = [...this.#records.values()].filter((record) => this.#ready(record));
    if (!waiting.length || this.#inFlight >= AT_ONCE) return;
    const due = Math.max(this.#pausedUntil, Math.min(...waiting.map((record) => record.dueAt)));
    this.#timer = setTimeout(() => this.#pump(), Math.max(0, due - this.now()));
  }

  #pump() {
    if (this.now() >= this.#pausedUntil) {
      for (const record of this.#records.values()) {
        if (this.#inFlight >= AT_ONCE) break;
        if (this.#ready(record) && record.dueAt <= this.now()) this.#begin(record);
      }
    }
    this.#schedule();
  }

  #begin(record) {
    this.#inFlight += 1;
    record.inFlight = this.#send(record).finally(() => {
      this.#inFlight -= 1;
      record.inFlight = null;
      this.#emitStatus();
      this.#pump();
    });
    this.#emitStatus();
  }

  async #send(record) {
    const { seq, pending } = record;
    const { annotations, labeled } = pending;
    const sending = digest(annotations);
    if (!record.sent.includes(sending)) record.sent.push(sending);
    let answer;
    try {
      answer = await this.put(record.imageId, { revision: record.revision, annotations, labeled });
    } catch {
      return this.#retryLater(record, 0, true);
    }
    const { status, body, retryAfter = 0 } = answer;
    if (status >= 200 && status < 300) return this.#saved(record, seq, pending, body);
    this.#failures = 0;
    if (status === 409) return this.#stale(record, body);
    if (status >= 500 || status === 429 || status === 408) return this.#retryLater(record, retryAfter, status !== 500);
    record.sent = record.sent.filter((held) => held !== sending);
    record.refused = { status, body };
    return this.emit("refused", { imageId: record.imageId, status, body });
  }

  #saved(record, seq, pending, body) {
    this.#failures = 0;
    Object.assign(record, { revision: body.revision, sent: [], failures: 0, baseDigest: digest(body.annotations ?? pending.annotations) });
    if (record.seq === seq) {
      record.pending = null;
      this.#forget(record);
      this.#promoteLeftover(record);
    } else {
      record.pending.changes -= pending.changes;
      this.#persist(record);
    }
    this.emit("saved", { imageId: record.imageId, body, current: record.seq === seq });
  }

  /** `everywhere`: the server is away, so every image waits; otherwise only this one. */
  #retryLater(record, retryAfter, everywhere) {
    record.failures += 1;
    if (everywhere) this.#failures += 1;
    const wait = Math.max(retryAfter, this.pause(everywhere ? this.#failures : record.failures));
    if (everywhere) this.#pausedUntil = this.now() + wait;
    record.dueAt = this.now() + wait;
  }

  #stale(record, body) {
    const theirs = body.annotations ?? [];
    const held = digest(theirs);
    const ownWork = record.sent.includes(held) || held === record.baseDigest;
    if (ownWork && body.revision !== record.revision) {
      // Only this page's own work is there: go on from that revision, under the row ids it has now.
      Object.assign(record, { revision: body.revision, sent: [], baseDigest: held, dueAt: 0 });
      record.pending.annotations = rebaseIds(record.pending.annotations, theirs);
      this.#persist(record);
      return;
    }
    record.conflict = {
      imageId: record.imageId, mine: record.pending.annotations, theirs,
      revision: body.revision, author: body.author ?? "", savedAt: body.saved_at ?? null,
    };
    this.emit("conflict", record.conflict);
  }

  /** Ends a conflict: `choice` is the set to go on with ({annotations, labeled}), or null to take theirs. */
  resolve(imageId, choice) {
    const record = this.#records.get(imageId);
    const { theirs, revision } = record.conflict;
    Object.assign(record, { conflict: null, revision, baseDigest: digest(theirs), sent: [], dueAt: 0 });
    record.seq += 1;
    if (choice) {
      record.pending = { ...choice, changes: record.pending?.changes ?? 1 };
      this.#persist(record);
    } else {
      record.pending = null;
      this.#forget(record);
      this.#promoteLeftover(record);
    }
    this.#emitStatus();
    this.#schedule();
  }

  // Keeping ---------------------------------------------------------------------------------------------------

  #key(imageId) {
    return `${this.user}:${this.dataset}:${imageId}:${this.page}`;
  }

  #persist(record) {
    const { imageId, revision, sent, baseDigest, pending } = record;
    const key = this.#key(imageId);
    this.#write(key, () => this.storage.put({
      key, user: this.user, dataset: this.dataset, page: this.page, at: this.now(),
      imageId, revision, sent: [...sent], baseDigest, ...pending,
    }));
  }

  #forget(record) {
    const keys = [this.#key(record.imageId), ...record.fromKeys.splice(0)];
    for (const key of keys) this.#write(key, () => this.storage.delete(key));
  }

  async #write(key, work) {
    this.#writes += 1;
    try {
      await work();
      this.#unstored.delete(key);
    } catch {
      this.#unstored.add(key);
      this.#emitStatus();
    }
    this.#writes -= 1;
  }

  // Telling ---------------------------------------------------------------------------------------------------

  /** {kind: saved | saving | offline | conflict | refused, changes, images, kept}: `kept` is whether the browser has them. */
  get status() {
    const open = [...this.#records.values()].filter((record) => record.pending);
    const changes = open.reduce((sum, record) => sum + record.pending.changes, 0);
    const kind = open.some((r) => r.conflict) ? "conflict"
      : open.some((r) => r.refused) ? "refused"
        : open.length && (this.#failures > 0 || open.some((r) => r.failures > 0)) ? "offline"
          : open.length ? "saving" : "saved";
    const refused = open.find((record) => record.refused)?.refused ?? null;
    return { kind, changes, images: open.length, kept: this.#unstored.size === 0, refused };
  }

  /** True when closing the page now could lose work. */
  get unsafe() {
    return this.status.changes > 0 && (this.#unstored.size > 0 || this.#writes > 0);
  }

  #emitStatus() {
    this.emit("status", this.status);
  }
}
