/**
 * Pictures and annotations of the image on the screen and of its neighbours, fetched and decoded ahead.
 *
 * A picture is decoded off the main thread and kept with smaller copies of itself (half, quarter, …), so that drawing a
 * large one zoomed out costs what is on the screen and not what is in the file.
 */

const SMALLEST_LEVEL = 700;

/** The level with a filter on, made once for each setting: filtering every frame would be felt while panning. */
function adjusted(level, filter) {
  if (level.filter === filter) return level.adjusted;
  const canvas = level.adjusted ?? new OffscreenCanvas(level.bitmap.width, level.bitmap.height);
  const context = canvas.getContext("2d", { alpha: false });
  context.filter = filter;
  context.drawImage(level.bitmap, 0, 0);
  return Object.assign(level, { filter, adjusted: canvas }).adjusted;
}

class Picture {
  constructor(bitmap) {
    this.levels = [{ bitmap, scale: 1 }];
    this.width = bitmap.width;
    this.height = bitmap.height;
    this.refined = this.#refine();
  }

  get pixels() {
    return this.levels.reduce((sum, { bitmap }) => sum + bitmap.width * bitmap.height, 0);
  }

  /** The smallest copy that still has a pixel for each device px at `scale` (device px per image px). */
  level(scale, { brightness = 1, contrast = 1 } = {}) {
    const level = this.levels.findLast((one) => one.scale >= scale * 0.99) ?? this.levels[0];
    if (brightness === 1 && contrast === 1) return level.bitmap;
    return adjusted(level, `brightness(${brightness}) contrast(${contrast})`);
  }

  /** Makes the smaller copies; the picture can be drawn meanwhile. */
  async #refine() {
    const size = Math.min(this.width, this.height);
    for (let scale = 0.5; size * scale >= SMALLEST_LEVEL; scale /= 2) {
      const options = { resizeWidth: Math.round(this.width * scale), resizeHeight: Math.round(this.height * scale), resizeQuality: "medium" };
      this.levels.push({ bitmap: await createImageBitmap(this.levels.at(-1).bitmap, options), scale });
    }
  }

  async close() {
    await this.refined.catch(() => {});
    for (const { bitmap } of this.levels) bitmap.close();
  }
}

/** Pictures from the store itself, where the server signs its addresses, and as long as it lets the page read them. */
export class Source {
  constructor(fromStore = false) {
    this.fromStore = fromStore;
  }

  async load(url) {
    if (this.fromStore) {
      try {
        return await loadPicture(`${url}?from=store`);
      } catch {
        this.fromStore = false; // it cannot be reached from here, or its CORS do not name this site
      }
    }
    return loadPicture(url);
  }
}

/** Fetches and decodes a picture. Throws where it cannot be had. */
async function loadPicture(url) {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`The image file answered ${response.status}.`);
  return new Picture(await createImageBitmap(await response.blob()));
}

/** Keeps pictures and annotation sets of the images around the current one. */
export class ImageCache {
  #pictures = new Map();
  #annotations = new Map();
  #budget;

  /** `annotations(imageId)` fetches a set; `budget` is in decoded px (4 bytes each). */
  constructor({ annotations, source = new Source(), budget = 90e6 }) {
    this.fetchAnnotations = annotations;
    this.source = source;
    this.#budget = budget;
  }

  /** {promise, value}: `value` is there at once where the picture is decoded already. */
  picture(item) {
    const known = this.#pictures.get(item.id);
    if (known) return known;
    const entry = { value: null, error: null };
    entry.promise = this.source.load(item.url).then((picture) => (entry.value = picture), (error) => {
      this.#pictures.delete(item.id);
      throw error;
    });
    entry.promise.catch(() => {});
    this.#pictures.set(item.id, entry);
    return entry;
  }

  /** The annotation set likewise: {promise, value}, and `at`, when it was asked for (ms). */
  annotations(imageId) {
    const known = this.#annotations.get(imageId);
    if (known) return known;
    const entry = { value: null, at: Date.now() };
    entry.promise = this.fetchAnnotations(imageId).then((set) => (entry.value = set), (error) => {
      this.#annotations.delete(imageId);
      throw error;
    });
    entry.promise.catch(() => {});
    this.#annotations.set(imageId, entry);
    return entry;
  }

  /** Puts what a save answered in the place of what had been fetched. */
  setAnnotations(imageId, set) {
    this.#annotations.set(imageId, { value: set, at: Date.now(), promise: Promise.resolve(set) });
  }

  forget(imageId) {
    this.#annotations.delete(imageId);
  }

  /** Fetches `items` (nearest first) one after the other and drops what is neither among them nor `current`. */
  async prefetch(current, items) {
    const turn = (this.turn = {});
    const wanted = new Set([current.id, ...items.map((item) => item.id)]);
    this.#dropOthers(wanted);
    for (const item of items) {
      if (this.turn !== turn || this.#usedPixels() > this.#budget) return;
      this.annotations(item.id);
      await this.picture(item).promise.then((picture) => picture.refined).catch(() => {});
    }
  }

  #usedPixels() {
    return [...this.#pictures.values()].reduce((sum, { value }) => sum + (value?.pixels ?? 0), 0);
  }

  #dropOthers(wanted) {
    for (const [id, entry] of this.#pictures) {
      if (wanted.has(id)) continue;
      this.#pictures.delete(id);
      entry.promise.then((picture) => picture.close(), () => {});
    }
    for (const id of this.#annotations.keys()) if (!wanted.has(id)) this.#annotations.delete(id);
  }
}
