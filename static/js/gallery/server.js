/** What the gallery asks the server; every call answers the body or throws an Error in words for a person. */
import { errorText } from "../annotator/api.js";

function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

export class Server {
  constructor({ urls, csrf_cookie: csrfCookie }) {
    Object.assign(this, { urls, csrfCookie });
  }

  /** `{items, count}` of a list from a position on; `count` is null unless it is asked for or costs nothing. */
  tiles(query, from, size, { count = false, signal } = {}) {
    return this.#call(`${this.urls.tiles}?${this.#with(query, { from, size, ...(count ? { count } : {}) })}`, { signal });
  }

  /** The ids from a position on, at most 10,000: `[id, …]`. */
  async ids(query, from, size) {
    return (await this.#call(`${this.urls.ids}?${this.#with(query, { from, size })}`)).ids;
  }

  /** `{count, undo}`; see the API's images/bulk. */
  bulk(body) {
    return this.#post(this.urls.bulk, body);
  }

  undo(token) {
    return this.#post(this.urls.undo, { undo: token });
  }

  #with(query, more) {
    const all = new URLSearchParams(query);
    for (const [name, value] of Object.entries(more)) all.set(name, value);
    return all;
  }

  #post(url, body) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": cookie(this.csrfCookie) };
    return this.#call(url, { method: "POST", headers, body: JSON.stringify(body) });
  }

  async #call(url, options = {}) {
    let answer;
    try {
      answer = await fetch(url, { credentials: "same-origin", ...options });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Error("The server does not answer. Is the network there?");
    }
    const isJson = answer.headers.get("Content-Type")?.includes("json");
    const body = isJson ? await answer.json() : null;
    if (answer.ok && body) return body;
    throw new Error(answer.redirected ? "You are signed out. Sign in again in another tab." : errorText(body, answer.status));
  }
}
