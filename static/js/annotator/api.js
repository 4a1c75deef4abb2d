/** The server's JSON API. Every call answers {status, body}; only a failed network throws. */

function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

/** One line for a person out of an error body: `{"detail": …}` or `{"field": ["…"]}`. */
export function errorText(body, status) {
  if (body?.detail) return String(body.detail);
  const first = body && typeof body === "object" ? Object.entries(body)[0] : null;
  if (first) return `${first[0]}: ${[first[1]].flat(9).join(" ")}`;
  return status ? `The server answered ${status}.` : "The server does not answer.";
}

export class ApiError extends Error {
  constructor(status, body) {
    super(errorText(body, status));
    this.status = status;
    this.body = body;
  }
}

/**
 * An answer whose classes are named as this page names them: by their permanent numbers (`class_keys`), which stay when
 * somebody reorders the classes while the page is open. The server counts positions.
 */
function inKeys(body) {
  const keys = body?.class_keys;
  if (keys) for (const one of [...(body.annotations ?? []), ...(body.predictions ?? [])]) one.class_id = keys[one.class_id];
  if (body?.classes) body.classes = body.classes.map((c) => ({ ...c, id: c.key }));
  return body;
}

/** The way back: positions, and the classes that they are positions in. */
function inPositions({ annotations, ...rest }) {
  const keys = [...new Set(annotations.map((a) => a.class_id))];
  return { ...rest, class_keys: keys, annotations: annotations.map((a) => ({ ...a, class_id: keys.indexOf(a.class_id) })) };
}

export class Api {
  constructor(base, datasetId, csrfCookie = "csrftoken") {
    this.base = base;
    this.csrfCookie = csrfCookie;
    this.dataset = `${base}/datasets/${datasetId}`;
  }

  /** The cookie first: it is right even after signing in again in another tab. */
  get csrfToken() {
    return cookie(this.csrfCookie) || document.querySelector("meta[name=csrf-token]")?.content || "";
  }

  /** Sends and answers {status, body, retryAfter (ms or 0)}; throws TypeError / AbortError without a network. */
  async send(method, url, data, { timeout = 30000 } = {}) {
    const response = await fetch(url, {
      method,
      headers: { Accept: "application/json", ...(data ? { "Content-Type": "application/json" } : {}), ...(method === "GET" ? {} : { "X-CSRFToken": this.csrfToken }) },
      body: data ? JSON.stringify(data) : undefined,
      credentials: "same-origin",
      signal: AbortSignal.timeout(timeout),
    });
    const isJson = response.headers.get("Content-Type")?.includes("json");
    const body = isJson ? inKeys(await response.json()) : null;
    return { status: response.status, body, retryAfter: Number(response.headers.get("Retry-After") ?? 0) * 1000 };
  }

  /** As `send`, but answers the body alone and throws ApiError for anything but success. */
  async call(method, url, data) {
    const { status, body } = await this.send(method, url, data);
    if (status >= 400) throw new ApiError(status, body);
    return body;
  }

  image(imageId, path) {
    return `${this.dataset}/images/${imageId}/${path}`;
  }

  classes() { return this.call("GET", `${this.dataset}/classes`); }
  addClass(name) { return this.call("POST", `${this.dataset}/classes`, { name }); }
  position(params, query) { return this.call("GET", `${this.dataset}/workspace/position?${params}&${query}`); }
  window(imageId, before, after, query) {
    return this.call("GET", `${this.dataset}/workspace/window?image=${imageId}&before=${before}&after=${after}&${query}`);
  }
  annotations(imageId) { return this.call("GET", this.image(imageId, "annotations")); }
  putAnnotations(imageId, body) { return this.send("PUT", this.image(imageId, "annotations"), inPositions(body)); }
  revisions(imageId) { return this.call("GET", this.image(imageId, "revisions")); }
  revision(imageId, number) { return this.call("GET", this.image(imageId, `revisions/${number}`)); }
  restore(imageId, number, revision) {
    return this.send("POST", this.image(imageId, `revisions/${number}/restore`), { revision });
  }
  models() { return this.call("GET", `${this.base}/models/?deployed=true`); }
  prelabel(imageId, modelId, conf) {
    return this.call("POST", this.image(imageId, "prelabel"), { model_id: modelId, conf });
  }
  prelabelAll(modelId, conf, filter) {
    return this.call("POST", `${this.dataset}/prelabel`, { model_id: modelId, conf, filter });
  }
  job(id) { return this.call("GET", `${this.base}/jobs/${id}`); }
  cancelJob(id) { return this.call("POST", `${this.base}/jobs/${id}/cancel`); }
  forgetSuggestions(imageId, ids) { return this.call("DELETE", this.image(imageId, "suggestions"), ids ? { ids } : {}); }
  suggestions(imageId) { return this.call("GET", this.image(imageId, "suggestions")); }
  presence(imageId) { return this.call("POST", `${this.dataset}/presence`, { image_id: imageId }); }
  review(imageId, action, note, revision) {
    return this.call("POST", this.image(imageId, "review"), { action, note, revision });
  }
  reviews(imageId) { return this.call("GET", this.image(imageId, "review")); }
  saveKeymap(keymap) { return this.call("PUT", `${this.base}/auth/me/keymap`, { keymap }); }
}
