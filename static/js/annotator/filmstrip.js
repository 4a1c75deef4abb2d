/** The strip of thumbnails at the foot: where one is, what is labelled, who else is where. */
import { el, perFrame } from "./dom.js";

const STATES = { unlabelled: "not labelled", labelled: "labelled", reviewed: "reviewed", needs_work: "sent back" };

export class Filmstrip {
  #buttons = new Map();

  /** `open(item)` is called with the item that was clicked. */
  constructor({ element, navigation, open, people }) {
    Object.assign(this, { element, navigation, open, people });
    const update = perFrame(() => this.update());
    navigation.on("change", update);
    people.on("change", update);
  }

  update() {
    const { items, current } = this.navigation;
    const wanted = new Set(items.map((item) => item.id));
    for (const [id, button] of this.#buttons) {
      if (wanted.has(id)) continue;
      button.remove();
      this.#buttons.delete(id);
    }
    items.forEach((item, i) => {
      const button = this.#button(item);
      if (this.element.children[i] !== button) this.element.insertBefore(button, this.element.children[i] ?? null);
      this.#show(button, item, item === current);
    });
  }

  #button(item) {
    if (this.#buttons.has(item.id)) return this.#buttons.get(item.id);
    const picture = el("img", { alt: "", loading: "lazy", decoding: "async", draggable: false, src: item.thumbnail_url });
    const button = el("button", { type: "button", class: "ws-film-item", onclick: () => this.open(this.navigation.item(item.id)) },
      picture, el("span", { class: "ws-film-mark" }), el("span", { class: "ws-film-people" }));
    this.#buttons.set(item.id, button);
    return button;
  }

  #show(button, item, isCurrent) {
    const state = item.state ?? (item.is_labeled ? "labelled" : "unlabelled");
    const others = this.people.at(item.id);
    button.dataset.state = state;
    const waiting = item.num_suggestions ? `, ${item.num_suggestions} suggested` : "";
    button.classList.toggle("is-suggested", Boolean(waiting));
    button.title = `${item.filename} (${STATES[state] ?? state}${waiting})`;
    button.setAttribute("aria-label", button.title);
    button.lastChild.textContent = others.map((name) => name[0].toUpperCase()).join("");
    if (isCurrent === button.classList.contains("is-current")) return;
    button.classList.toggle("is-current", isCurrent);
    if (!isCurrent) return button.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    // scrollIntoView would scroll the whole page in some browsers; only the strip is to move.
    this.element.scrollLeft = button.offsetLeft - (this.element.clientWidth - button.offsetWidth) / 2;
  }
}
