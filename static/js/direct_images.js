// Pictures that go from here straight to the store: announced some at a time, each put at its own address, and then
// looked at by a worker. It knows no page: what happens to a picture is said through its `item`.

const AT_ONCE = 100; // pictures that are announced together,
const AT_ONCE_BYTES = 64 * 2 ** 20; // or so many bytes of them: their addresses are good for some minutes
const PARALLEL = 4;
const LONGEST_WAIT = 2000;
const ENDED = ["completed", "failed", "cancelled"];

/** The store is not offered, or cannot be reached from here: the pictures go through the server. */
export class NoWay extends Error {}

/** Take from the front of `queue` (items with a `file`) what goes together. */
export function takeBatch(queue) {
  const batch = [];
  let bytes = 0;
  while (queue.length && batch.length < AT_ONCE && (!batch.length || bytes + queue[0].file.size <= AT_ONCE_BYTES)) {
    batch.push(queue.shift());
    bytes += batch.at(-1).file.size;
  }
  return batch;
}

export class Batch {
  /** `say(item, {share, words} | {kind, words})` hears how much of an item has gone, and what became of it. */
  constructor(items, { url, headers, say }) {
    Object.assign(this, { items, url, headers, say, job: null });
    this.sent = []; // items that the store took,
    this.again = new Set(); // and those that it did not: they are to be sent again
  }

  /** Announce the items and put each at its address. Throws NoWay where no way leads to the store. */
  async send() {
    const files = this.items.map(({ file }) => ({ filename: file.name, size: file.size }));
    const answer = await this.#until(() => this.#ask("POST", this.url, { files }), 5);
    for (const { number, reason } of answer.rejected) this.say(this.items[number - 1], { kind: "rejected", words: reason });
    this.job = answer.id;
    const places = [...answer.files];
    const lane = async () => { while (places.length) await this.#put(places.shift()); };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    if (this.job && !this.sent.length) await this.#ask("POST", `/api/v1/jobs/${this.job}/cancel`).catch(() => {}); // else it is given up later
  }

  /** Have a worker look at what was sent, and say of each item what became of it; `told(job)` hears how far it is. */
  async settle(told = () => {}) {
    if (!this.sent.length) return;
    let job = await this.#until(() => this.#ask("POST", `${this.url}/${this.job}/complete`));
    for (let wait = 150; !ENDED.includes(job.status); wait = Math.min(wait * 1.5, LONGEST_WAIT)) {
      told(job);
      await pause(wait);
      job = await this.#until(() => this.#ask("GET", `/api/v1/jobs/${this.job}`));
    }
    if (job.status !== "completed") throw new Error(job.error || "This was cancelled.");
    const { created, duplicates, rejected } = job.result;
    for (const row of created) this.#answered(row, "created", "in");
    for (const row of duplicates) this.#answered(row, "duplicates", "already here");
    for (const row of rejected) if (!this.again.has(this.items[row.number - 1])) this.#answered(row, "rejected", row.reason);
  }

  /** The page is left: what has arrived is taken in all the same. */
  leave() {
    if (this.sent.length) fetch(`${this.url}/${this.job}/complete`, { method: "POST", headers: this.headers(), keepalive: true });
  }

  #answered({ number }, kind, words) {
    const item = this.items[number - 1];
    this.again.delete(item); // it arrived, only the store's answer did not
    this.say(item, { kind, words });
  }

  /** What the server answers; where it is away for a moment, or busy, again. */
  async #until(ask, tries = Infinity) {
    for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
      try {
        return await ask();
      } catch (error) {
        tries -= 1;
        if (!error.again || tries < 1) throw error;
        await pause(wait);
      }
    }
  }

  async #ask(method, url, body) {
    const headers = { ...this.headers(), ...(body ? { "Content-Type": "application/json" } : {}) };
    let response;
    try {
      response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    } catch {
      throw Object.assign(new Error("The connection broke."), { again: true });
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    if (body && response.status === 409) throw new NoWay(answer.detail);
    const again = [429, 502, 503, 504].includes(response.status);
    throw Object.assign(new Error(answer.detail ?? `The server answered ${response.status}.`), { again });
  }

  /** XMLHttpRequest, because fetch does not say how much of a body has gone; no header of ours: the address says all. */
  #put({ number, url }) {
    const item = this.items[number - 1];
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.onprogress = (event) => this.say(item, { share: event.loaded / event.total });
    return new Promise((resolve) => {
      request.onloadend = () => {
        if (request.status >= 200 && request.status < 300) {
          this.sent.push(item);
          this.say(item, { share: 1, words: "sent" });
        } else this.again.add(item);
        resolve();
      };
      request.send(item.file.slice());
    });
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
