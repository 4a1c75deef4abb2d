/** Asks a model about a picture; knows how to wait for a busy server, and says in words what went wrong. No DOM. */

export const LEAST_CONF = 0.01;
const MOST_TRIES = 30;

/** The answer cannot be had; the message is for a person. */
export class Refused extends Error {
  constructor(words, status = 0) {
    super(words);
    this.status = status;
  }
}

/** What to say of a refusal: the server's own words where it has some. */
export function wordsFor(status, body) {
  const own = body?.detail ?? (body && typeof body === "object" ? Object.values(body).flat(9).join(" ") : "");
  if (status === 401 || (status === 403 && /csrf|credentials/i.test(own))) return "You are signed out. Sign in again in another tab, and ask once more.";
  if (own) return String(own);
  if (status === 413) return "The image is too large for this server.";
  if (status === 415) return "This is not a format that the model reads. JPEG, PNG, WebP, BMP and TIFF are.";
  return `The server answered ${status} and no reason.`;
}

const pause = (ms, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

export class Asker {
  /** `csrf()` answers the token; `onWait(seconds or 0)` is told while a busy server is waited for. */
  constructor({ endpoint, csrf, onWait = () => {}, fetch = (...args) => globalThis.fetch(...args), wait = pause }) {
    Object.assign(this, { endpoint, csrf, onWait, fetch, wait });
  }

  /** {predictions, image, speed, model, ms} of `picture` (a blob) at the least confidence; throws Refused or AbortError. */
  async ask({ key, picture, name = "picture.jpg", iou, signal }) {
    for (let tries = 1; ; tries += 1) {
      const began = performance.now();
      const response = await this.#send(this.#form(key, picture, name, iou), signal);
      if (![429, 503].includes(response.status) || tries >= MOST_TRIES) return this.#read(response, began);
      const seconds = Math.min(60, Math.max(0.2, Number(response.headers.get("Retry-After")) || 1));
      this.onWait(seconds);
      try {
        await this.wait(seconds * 1000, signal);
      } finally {
        this.onWait(0);
      }
    }
  }

  #form(key, picture, name, iou) {
    const form = new FormData();
    const [kind, value] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
    form.append(kind === "model" ? "model_id" : "model", value);
    form.append("conf", LEAST_CONF);
    form.append("iou", iou);
    form.append("image", picture, name);
    return form;
  }

  async #send(body, signal) {
    try {
      return await this.fetch(this.endpoint, { method: "POST", body, signal, headers: { "X-CSRFToken": this.csrf(), Accept: "application/json" } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused("The server does not answer. Is the network there?");
    }
  }

  async #read(response, began) {
    const isJson = response.headers.get("Content-Type")?.includes("json");
    const body = isJson ? await response.json() : null;
    if (!response.ok || !body) throw new Refused(wordsFor(response.status, body), response.status);
    return { ...body, ms: performance.now() - began };
  }
}
