// One watched validation image with its labels (dashed) and what was found (solid), in the colours of the classes.

const SVG = "http://www.w3.org/2000/svg";
const TRASHED = "This image is in the dataset's trash.";
const GONE = "This image is no longer in the dataset.";

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export class Frame {
  /** `image` and `classes` as `training/{id}/looks/images` tells them. */
  constructor(image, classes, { large = false } = {}) {
    this.image = image;
    this.classes = classes;
    this.element = element("span", "look-frame");
    this.element.style.aspectRatio = `${image.width} / ${image.height}`;
    if (image.state === "present") this.element.append(this.#picture(large));
    else this.element.append(element("span", "look-gone muted small", image.state === "trashed" ? TRASHED : GONE));
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", "0 0 1 1");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("aria-hidden", "true");
    this.tags = element("span", "look-tags");
    this.element.append(this.svg, this.tags);
  }

  #picture(large) {
    const picture = element("img");
    const isSmall = this.image.width <= 400; // its thumbnail would be no smaller
    picture.src = large || isSmall ? this.image.url : this.image.thumbnail_url;
    picture.alt = "";
    picture.loading = "lazy";
    picture.addEventListener("error", () => picture.replaceWith(element("span", "look-gone muted small", GONE)), { once: true });
    return picture;
  }

  /** Draw `found` from a confidence on; null where the epoch was without it. Returns how many were drawn. */
  draw(found, { confidence, labels, predictions }) {
    const sure = (found ?? []).filter((box) => box.confidence >= confidence);
    const drawn = [
      ...(labels ? this.image.labels.map((box) => [box, "look-label", this.#name(box)]) : []),
      ...(predictions ? sure.map((box) => [box, "look-found", `${this.#name(box)} ${box.confidence.toFixed(2)}`]) : []),
    ];
    this.svg.replaceChildren(...drawn.flatMap(([box, kind]) => [this.#rect(box, `${kind} look-halo`), this.#rect(box, kind)]));
    this.tags.replaceChildren(...drawn.filter(([, kind]) => kind === "look-found" || !predictions).map(([box, kind, words]) => this.#tag(box, kind, words)));
    return sure.length;
  }

  #name(box) {
    return this.classes[box.class_id]?.name ?? `class ${box.class_id}`;
  }

  #rect(box, kind) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", kind);
    rect.setAttribute("x", box.x_center - box.width / 2);
    rect.setAttribute("y", box.y_center - box.height / 2);
    rect.setAttribute("width", box.width);
    rect.setAttribute("height", box.height);
    if (!kind.endsWith("halo")) rect.style.stroke = this.classes[box.class_id]?.color ?? "#fff";
    return rect;
  }

  #tag(box, kind, words) {
    const tag = element("span", `look-tag ${kind}-tag`, words);
    tag.style.left = `${Math.max(box.x_center - box.width / 2, 0) * 100}%`;
    tag.style.top = `${Math.max(box.y_center - box.height / 2, 0) * 100}%`;
    tag.style.setProperty("--class", this.classes[box.class_id]?.color ?? "#fff");
    return tag;
  }
}
