// A resumable upload by tus 1.0, or straight to the store in parts where the server offers it and the store can be
// reached. It knows no page: it says what happens through `onchange(upload)`.

const PIECE = 8 * 1024 * 1024;
const LONGEST_WAIT = 20_000;
const VERSION = { "Tus-Resumable": "1.0.0" };
const KEPT_DAYS = 3;
const TRIES = 3; // that the store refuses or cannot be reached, before the bytes go through the server

/** What a file is known by after a reload: the browser gives no more of it away. */
export function fingerprint(file) {
  return `upload:${file.name}:${file.size}:${file.lastModified}`;
}

/** Uploads that stopped on the way, as this browser remembers them: [{key, name, size, offset, url}]. */
export function unfinished(storage = localStorage) {
  const found = [];
  for (const key of Object.keys(storage)) {
    if (!key.startsWith("upload:")) continue;
    const kept = read(storage, key);
    if (kept && Date.now() - kept.at < KEPT_DAYS * 86_400_000) found.push({ key, ...kept });
    else storage.removeItem(key);
  }
  return found;
}

/** Forget one of them here and on the server. */
export async function forget(key, headers, storage = localStorage) {
  const kept = read(storage, key);
  storage.removeItem(key);
  if (kept) await fetch(kept.url, { method: "DELETE", headers: { ...VERSION, ...headers() } }).catch(() => {});
}

function read(storage, key) {
  try { return JSON.parse(storage.getItem(key)); } catch { return null; }
}

/** Refused for good: trying again would not help. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** The store did not take a part: it cannot be reached from here, or the address is too old. */
class Blocked extends Error {}

export class Upload {
  /** `headers()` gives what each request needs besides the protocol's own, the CSRF token above all. */
  constructor(file, { endpoint = "/api/v1/uploads", headers = () => ({}), onchange = () => {}, storage = localStorage, piece = PIECE } = {}) {
    Object.assign(this, { file, endpoint, headers, onchange, storage, piece });
    this.key = fingerprint(file);
    this.offset = 0;
    this.url = "";
    this.state = "new"; // sending, waiting, paused, cancelled, done, failed
    this.resumed = false; // goes on where an earlier page stopped
    this.error = "";
    this.samples = [];
    this.sure = false; // whether `offset` is the server's word
    this.turn = 0;
    this.request = null;
    this.direct = true; // whether parts may go straight to the store
    this.part = 0; // bytes of each; 0: pieces go to the server
    this.here = new Set(); // numbers of the parts in the store
    this.blocked = 0;
  }

  get id() { return this.url.split("/").pop(); }
  get share() { return this.file.size ? this.offset / this.file.size : 0; }

  /** Bytes a second over the last seconds, and the seconds that are left. */
  get speed() {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    return first && last.at > first.at ? (1000 * (last.bytes - first.bytes)) / (last.at - first.at) : 0;
  }
  get left() { return this.speed > 0 ? (this.file.size - this.offset) / this.speed : Infinity; }

  /** Send until all is there; resolves with the upload's id, or null where it was paused or cancelled meanwhile. */
  async run() {
    const turn = ++this.turn;
    let wait = 500;
    this.#say("sending");
    for (;;) {
      try {
        await this.#settle();
        while (this.offset < this.file.size) {
          if (this.turn !== turn) return null;
          await (this.part ? this.#sendPart() : this.#send());
          wait = 500;
        }
        if (this.turn !== turn) return null;
        if (this.part) await this.#call("POST", `${this.url}/complete`);
        this.storage.removeItem(this.key);
        this.#say("done");
        return this.id;
      } catch (error) {
        this.sure = false;
        if (this.turn !== turn) return null;
        if (error instanceof Refused) {
          this.error = error.message;
          this.#say("failed");
          throw error;
        }
        if (error instanceof Blocked && !this.here.size && ++this.blocked >= TRIES) await this.#goThroughServer();
        this.#say("waiting");
        await pause(wait);
        if (this.turn !== turn) return null;
        wait = Math.min(wait * 2, LONGEST_WAIT);
        this.#say("sending");
      }
    }
  }

  pause() {
    if (this.state !== "sending" && this.state !== "waiting") return;
    this.#stop("paused");
  }

  /** Stop, and delete what is on the server. */
  async cancel() {
    this.#stop("cancelled");
    this.storage.removeItem(this.key);
    if (this.url) await this.#call("DELETE", this.url).catch(() => {});
  }

  #stop(state) {
    this.turn += 1;
    this.sure = false;
    this.request?.abort();
    this.#say(state);
  }

  /** Know where the server is: its word counts, not what was sent. It may have the file from an earlier page. */
  async #settle() {
    if (this.sure) return;
    const reloaded = !this.url;
    this.url ||= read(this.storage, this.key)?.url ?? "";
    if (this.url) {
      try {
        const request = await this.#call("HEAD", this.url);
        this.offset = Number(request.getResponseHeader("Upload-Offset"));
        await this.#lookAtParts(request);
        this.samples = [];
        this.sure = true;
        this.resumed ||= reloaded && this.offset > 0;
        return;
      } catch (error) {
        if (!(error instanceof Refused) || ![404, 410].includes(error.status)) throw error;
        this.url = ""; // expired, or another person's: from the start
      }
    }
    const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.file.name)));
    const request = await this.#call("POST", this.endpoint, { "Upload-Length": this.file.size, "Upload-Metadata": `filename ${name}` });
    this.url = request.getResponseHeader("Location");
    this.offset = 0;
    this.here = new Set();
    this.part = this.#partOf(request);
    this.sure = true;
    this.#remember();
  }

  async #send() {
    const start = this.offset;
    const body = this.file.slice(start, start + this.piece);
    const headers = { "Upload-Offset": start, "Content-Type": "application/offset+octet-stream" };
    const request = await this.#call("PATCH", this.url, headers, body, (sent) => this.#note(start + sent));
    this.#note(Number(request.getResponseHeader("Upload-Offset")));
    this.#remember();
  }

  #partOf(request) {
    return (this.direct && Number(request.getResponseHeader("Upload-Part-Size"))) || 0;
  }

  async #lookAtParts(request) {
    this.part = this.#partOf(request);
    if (!this.part) return;
    this.here = new Set(JSON.parse((await this.#call("GET", `${this.url}/parts`)).responseText).here);
    this.offset = this.#bytesHere();
  }

  #bytesHere() {
    return [...this.here].reduce((sum, number) => sum + Math.min(this.part, this.file.size - (number - 1) * this.part), 0);
  }

  async #sendPart() {
    let number = 1;
    while (this.here.has(number)) number += 1;
    const asked = JSON.stringify({ numbers: [number] });
    const answer = JSON.parse((await this.#call("POST", `${this.url}/parts`, { "Content-Type": "application/json" }, asked)).responseText);
    const [start, before] = [(number - 1) * this.part, this.offset];
    await this.#put(answer.parts[0].url, this.file.slice(start, start + this.part), (sent) => this.#note(before + sent));
    this.here.add(number);
    this.#note(this.#bytesHere());
    this.#remember();
  }

  /** The store cannot be reached from this browser: begin again, with pieces that go to the server. */
  async #goThroughServer() {
    const url = this.url;
    Object.assign(this, { direct: false, part: 0, url: "", offset: 0 });
    this.storage.removeItem(this.key);
    await this.#call("DELETE", url).catch(() => {});
  }

  #note(bytes) {
    this.offset = bytes;
    this.samples.push({ at: Date.now(), bytes });
    while (this.samples.length > 2 && this.samples.at(-1).at - this.samples[0].at > 5000) this.samples.shift();
    this.onchange(this);
  }

  #remember() {
    if (this.state === "cancelled") return;
    const kept = { url: this.url, name: this.file.name, size: this.file.size, offset: this.offset, at: Date.now() };
    try { this.storage.setItem(this.key, JSON.stringify(kept)); } catch { /* full or forbidden: it still goes up, only a reload starts anew */ }
  }

  #say(state) {
    this.state = state;
    this.onchange(this);
  }

  /** XMLHttpRequest, because fetch does not say how much of a body has gone. */
  #call(method, url, headers = {}, body = null, onsent = null) {
    const request = this.#open(method, url, { ...VERSION, ...this.headers(), ...headers }, onsent);
    const ofParts = /\/(parts|complete)$/.test(url);
    return new Promise((resolve, reject) => {
      request.onload = () => {
        if (request.status < 300) resolve(request);
        else if ([409, 423, 429].includes(request.status) && (method === "PATCH" || ofParts)) reject(new Error("not now")); // look where it is, go on there
        else if (ofParts && [404, 410].includes(request.status)) reject(new Error("not there any more")); // likewise
        else if (request.status >= 500 && request.status !== 507) reject(new Error("the server is away"));
        else reject(new Refused(request.status, words(request)));
      };
      request.onerror = request.onabort = request.ontimeout = () => reject(new Error("the connection broke"));
      request.send(body);
    });
  }

  /** A part to the store, without a header of ours: its address says all. */
  #put(url, body, onsent) {
    const request = this.#open("PUT", url, {}, onsent);
    return new Promise((resolve, reject) => {
      request.onload = () => (request.status < 300 ? resolve(request) : reject(new Blocked(`the store answered ${request.status}`)));
      request.onerror = request.onabort = request.ontimeout = () => reject(new Blocked("the store cannot be reached"));
      request.send(body);
    });
  }

  #open(method, url, headers, onsent) {
    const request = new XMLHttpRequest();
    this.request = request;
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onsent) request.upload.onprogress = (event) => onsent(event.loaded);
    return request;
  }
}

function words(request) {
  try { return JSON.parse(request.responseText).detail; } catch { /* no JSON: said by its status */ }
  if (request.status === 401 || request.status === 403) return "You are signed out. Sign in again and choose the same file: it goes on where it was.";
  return `The server answered ${request.status}.`;
}

/** A moment, cut short when the network is back. */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() { clearTimeout(timer); removeEventListener("online", done); resolve(); }
    addEventListener("online", done);
  });
}
