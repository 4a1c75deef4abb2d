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
    });
  }

  all() { return this.#run("readonly", (table) => table.getAll()); }
  put(entry) { return this.#run("readwrite", (table) => table.put(entry)); }
  delete(key) { return this.#run("readwrite", (table) => table.delete(key)); }
}

class LocalStorage {
  prefix = `${DATABASE}:`;

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
