/** A server and a browser storage as the sync sees them, with every way of failing. */

export class FakeServer {
  images = new Map();
  down = false;
  /** Statuses to answer next instead of doing the work. */
  answers = [];
  /** How many saves to do without answering (killed between the commit and the answer). */
  loseAnswers = 0;
  puts = [];
  #nextId = 100;

  image(id) {
    if (!this.images.has(id)) this.images.set(id, { revision: 0, annotations: [], author: "nobody" });
    return this.images.get(id);
  }

  /** Another person's save. */
  saveAs(author, id, annotations) {
    const image = this.image(id);
    Object.assign(image, { revision: image.revision + 1, annotations: annotations.map((a) => this.#row(a)), author });
  }

  #row({ client_id: _, ...a }) {
    this.#nextId += 1;
    return { ...a, id: a.id ?? this.#nextId };
  }

  put = async (id, body) => {
    const sent = structuredClone(body);
    await new Promise((resolve) => setTimeout(resolve, 1));
    this.puts.push({ id, ...sent });
    if (this.down) throw new TypeError("Failed to fetch");
    if (this.answers.length) return { status: this.answers.shift(), body: { detail: "as told" } };
    const image = this.image(id);
    if (sent.revision !== image.revision) {
      return { status: 409, body: { detail: "stale", revision: image.revision, annotations: structuredClone(image.annotations), author: image.author, saved_at: "2026-01-01T00:00:00Z" } };
    }
    this.saveAs("me", id, sent.annotations);
    if (this.loseAnswers > 0) {
      this.loseAnswers -= 1;
      throw new TypeError("connection reset");
    }
    return { status: 200, body: { revision: image.revision, annotations: structuredClone(image.annotations), state: "labelled" } };
  };
}

export class FakeStorage {
  entries = new Map();
  failing = false;

  #check() {
    if (this.failing) throw new Error("QuotaExceededError");
  }

  async all() { this.#check(); return structuredClone([...this.entries.values()]); }
  async put(entry) { this.#check(); this.entries.set(entry.key, structuredClone(entry)); }
  async delete(key) { this.#check(); this.entries.delete(key); }
}

export const box = (x, classId = 0, more = {}) => ({ class_id: classId, x_center: x, y_center: 0.5, width: 0.1, height: 0.1, confidence: null, source: "manual", points: null, ...more });

/** Waits until `test()` holds; fails after two seconds. */
export async function until(test, what = String(test)) {
  for (let i = 0; i < 400; i += 1) {
    if (test()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never: ${what}`);
}
