/**
 * Where unsent changes wait: IndexedDB, or localStorage where the browser refuses it (some private windows).
 * Both speak the same three words: all(), put(entry), delete(key); an entry has a `key`.
 */

const DATABASE = "yolo-annotator";
const TABLE = "unsent";

function asPromise(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

class IndexedDbStorage {
  #db;
  #notes = new Notes();

  async open() {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "key" });
    this.#db = await asPromise(request);
    return this;
  }

  /** Resolves when the transaction is complete, not only when the request was accepted. */
  #run(mode, work) {
    return new Promise((resolve, reject) => {
      const transaction = this.#db.transaction(TABLE, mode);
      const request = work(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
      if (mode === "readwrite") transaction.commit?.(); // a page that closes now does not take the write along
    });
  }

  /** What is in the table, and what a page that closed within the same moment had only noted. */
  async all() {
    const entries = new Map((await this.#run("readonly", (table) => table.getAll())).map((entry) => [entry.key, entry]));
    for (const entry of await this.#notes.all()) entries.set(entry.key, entry);
    return [...entries.values()];
  }

  /** The table's write takes a moment and a page can close within it: a note is made at once and stays until then. */
  async put(entry) {
    const note = this.#notes.note(entry);
    await this.#run("readwrite", (table) => table.put(entry));
    this.#notes.forget(entry.key, note);
  }

  async delete(key) {
    this.#notes.forget(key);
    await this.#run("readwrite", (table) => table.delete(key));
  }
}

/** Entries in localStorage, which writes before it returns but holds little. */
class Notes {
  prefix = `${DATABASE}:note:`;

  /** Writes the entry and answers what was written; null where the browser has no room, and the table alone must do. */
  note(entry) {
    const text = JSON.stringify(entry);
    try {
      localStorage.setItem(this.prefix + entry.key, text);
      return text;
    } catch {
      return null;
    }
  }

  /** Forgets the note of a key; with `text`, only where a newer change has not replaced it. */
  forget(key, text) {
    if (text === undefined || localStorage.getItem(this.prefix + key) === text) localStorage.removeItem(this.prefix + key);
  }

  async all() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return keys.map((key) => JSON.parse(localStorage.getItem(key)));
  }
}

class LocalStorage {
  prefix = `${DATABASE}:entry:`;

  async all() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return keys.map((key) => JSON.parse(localStorage.getItem(key)));
  }
  async put(entry) { localStorage.setItem(this.prefix + entry.key, JSON.stringify(entry)); }
  async delete(key) { localStorage.removeItem(this.prefix + key); }
}

/** The best storage this browser gives. */
export async function openStorage() {
  try {
    return await new IndexedDbStorage().open();
  } catch {
    return new LocalStorage();
  }
}
