/** The ways in: files chosen, dropped or pasted, and the samples that the page offers. */
import { el } from "../annotator/dom.js";
import { MOST_ITEMS } from "./session.js";

const TYPES = new Set(["image/jpeg", "image/png", "image/webp", "image/bmp", "image/tiff", "image/x-ms-bmp"]);
const ENDINGS = /\.(jpe?g|png|webp|bmp|tiff?)$/i;
const VIDEO_ENDINGS = /\.(mp4|m4v|webm|mov|mkv|avi|ogv)$/i;

/** "image", "video", or null for what no model looks at. */
export function kindOf({ type, name }) {
  if (TYPES.has(type) || (!type && ENDINGS.test(name))) return "image";
  return type.startsWith("video/") || VIDEO_ENDINGS.test(name) ? "video" : null;
}

/** {items, words}: what can be tried of these files, and what is to be said of the others. */
export function sort(files, most, room) {
  const kept = files.map((file) => ({ kind: kindOf(file), name: file.name || "pasted.png", file }));
  const unknown = kept.filter((one) => !one.kind);
  const large = kept.filter((one) => one.kind === "image" && one.file.size > most);
  const items = kept.filter((one) => one.kind && !large.includes(one));
  const words = [];
  if (unknown.length) words.push(`${named(unknown)}: neither a picture (JPEG, PNG, WebP, BMP, TIFF) nor a video.`);
  if (large.length) words.push(`${named(large)}: larger than ${Math.floor(most / 2 ** 20)} MB.`);
  if (items.length > room) words.push(`At most ${MOST_ITEMS} at once: ${items.length - room} were left out. A batch takes any number.`);
  return { items: items.slice(0, Math.max(0, room)), words: words.join(" ") };
}

function named(list) {
  const names = list.slice(0, 3).map((one) => `“${one.name}”`).join(", ");
  return list.length > 3 ? `${names} and ${list.length - 3} more` : names;
}

export class Intake {
  constructor(page, { session, config, complain }) {
    Object.assign(this, { page, session, config, complain });
    this.input = page.querySelector("[data-files]");
    this.input.addEventListener("change", () => this.takeChosen());
    this.#drops();
    addEventListener("paste", (event) => {
      if (event.clipboardData.files.length && !document.querySelector("dialog[open]")) this.take([...event.clipboardData.files]);
    });
  }

  /** The whole page is where things may be dropped. */
  #drops() {
    let inside = 0;
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => { if (hasFiles(event)) { inside += 1; this.page.classList.add("over"); } });
    addEventListener("dragleave", (event) => { if (hasFiles(event)) { inside -= 1; if (inside <= 0) this.page.classList.remove("over"); } });
    addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); });
    addEventListener("drop", (event) => {
      inside = 0;
      this.page.classList.remove("over");
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.take([...event.dataTransfer.files]);
    });
  }

  /** What the file field has; also what was chosen before this page's scripts were there. */
  takeChosen() {
    this.take([...this.input.files]);
    this.input.value = "";
  }

  take(files) {
    const { items, words } = sort(files, this.config.max_image_bytes, MOST_ITEMS - this.session.items.length);
    this.session.add(items);
    if (words) this.complain(words);
  }

  /** Samples of the chosen model's dataset; null leaves them as they are. */
  offer(samples) {
    if (!samples) return;
    this.page.querySelector("[data-samples]").hidden = !samples.length;
    const all = samples.length > 1 ? el("button", { type: "button", class: "button ghost small", text: `All ${samples.length}`, onclick: () => this.#fetch(samples) }) : null;
    this.page.querySelector("[data-sample-list]").replaceChildren(...samples.map((sample) => el("button", { type: "button", title: `Try ${sample.name}`, onclick: () => this.#fetch([sample]) }, el("img", { src: sample.thumbnail, alt: sample.name }))), ...(all ? [all] : []));
  }

  async #fetch(samples) {
    try {
      const files = await Promise.all(samples.map(async ({ name, url }) => {
        const response = await fetch(url);
        if (!response.ok) throw new Error(`“${name}” is not there any more.`);
        return new File([await response.blob()], name, { type: response.headers.get("Content-Type") ?? "" });
      }));
      this.take(files);
    } catch (error) {
      this.complain(error instanceof TypeError ? "The server does not answer. Is the network there?" : error.message);
    }
  }
}
