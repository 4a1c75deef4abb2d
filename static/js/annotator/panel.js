/** The right panel: the classes with their keys and counts, and the boxes of this image. */
import { el, iconButton, perFrame } from "./dom.js";
import { showKey } from "./keymap.js";

const ROW = 30;

/** The list of classes: click sets the class, the eye hides it, a field adds one. */
export class ClassList {
  /** `choose(classId)`, `add(name)` (async). */
  constructor({ element, form, store, classes, keymap, choose, add, canEdit }) {
    Object.assign(this, { element, store, classes, keymap, choose });
    // While something is dragged neither list changes, and drawing comes first.
    const update = perFrame(() => store.isOpen || this.update());
    for (const name of ["shapes", "class", "visibility", "document"]) store.on(name, update);
    classes.on("change", update);
    form.hidden = !canEdit;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const field = form.elements.name;
      if (field.value.trim()) add(field.value.trim()).then((added) => added && (field.value = ""));
    });
  }

  update() {
    const counts = new Map();
    for (const shape of this.store.shapes) counts.set(shape.classId, (counts.get(shape.classId) ?? 0) + 1);
    const rows = this.classes.list.map((c) => this.#row(c, counts.get(c.id) ?? 0));
    const focused = document.activeElement?.dataset?.class;
    const none = el("li", { class: "ws-note", text: "No class yet. Add one, then drag on the image to draw." });
    this.element.replaceChildren(...(rows.length ? rows : [none]));
    if (focused) this.element.querySelector(`button[data-class="${CSS.escape(focused)}"]`)?.focus();
  }

  #row(c, count) {
    const [key] = c.index < 10 ? this.keymap.keys(`class.${c.index + 1}`) : [];
    const hidden = this.store.hiddenClasses.has(c.id);
    const current = c.id === this.store.classId;
    const swatch = el("span", { class: "ws-swatch" });
    swatch.style.background = c.color;
    const name = el("button", {
      type: "button", class: "ws-row-main", data: { class: c.id }, onclick: () => this.choose(c.id), aria: { pressed: current },
    }, swatch, el("span", { class: "ws-row-name", text: c.name, title: c.name }), key ? el("kbd", { text: showKey(key) }) : null,
    el("span", { class: "ws-count", text: count || "" }));
    const eye = iconButton(hidden ? "eye-off" : "eye", `${hidden ? "Show" : "Hide"} ${c.name}`, () => this.store.toggleFlag("hiddenClasses", [c.id]), { aria: { pressed: hidden, label: `Hide ${c.name}` } });
    return el("li", { class: `ws-row${current ? " is-current" : ""}${hidden ? " is-off" : ""}` }, name, eye);
  }
}

/** The list of shapes; only the rows in sight exist, so that a thousand boxes cost what twenty do. */
export class BoxList {
  #sorted = [];

  /** `hover(key or null)` highlights on the canvas, `reveal(shape)` brings it into view. */
  constructor({ element, count, store, classes, hover, reveal, focusCanvas }) {
    Object.assign(this, { element, count, store, classes, hover, reveal, focusCanvas });
    this.inner = el("div", { class: "ws-box-rows" });
    this.none = el("p", { class: "ws-note", text: "No boxes on this image." });
    element.append(this.inner, this.none);
    const update = perFrame(() => store.isOpen || this.update());
    for (const name of ["shapes", "visibility", "document"]) store.on(name, update);
    store.on("selection", perFrame(() => this.#follow()));
    classes.on("change", update);
    element.addEventListener("scroll", update, { passive: true });
    element.addEventListener("pointerleave", () => hover(null));
    new ResizeObserver(update).observe(element);
  }

  update() {
    this.#sorted = this.store.shapes;
    this.count.textContent = this.#sorted.length || "";
    this.none.hidden = this.#sorted.length > 0;
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW) - 3);
    const last = Math.min(this.#sorted.length, first + Math.ceil(this.element.clientHeight / ROW) + 6);
    this.inner.style.height = `${this.#sorted.length * ROW}px`;
    const focused = document.activeElement?.dataset?.shape;
    this.inner.replaceChildren(...this.#sorted.slice(first, last).map((shape, i) => this.#row(shape, first + i)));
    if (focused) this.inner.querySelector(`[data-shape="${CSS.escape(focused)}"]`)?.focus();
  }

  #row(shape, index) {
    const { store } = this;
    const { name, color } = this.classes.get(shape.classId);
    const selected = store.selection.has(shape.key);
    const swatch = el("span", { class: `ws-swatch is-${shape.type}` });
    swatch.style.background = color;
    const score = shape.source === "model" && shape.confidence != null ? `${Math.round(shape.confidence * 100)} %` : "";
    const main = el("button", {
      type: "button", class: "ws-row-main", data: { shape: shape.key }, aria: { pressed: selected, label: `${index + 1}: ${name}` },
      onclick: (event) => this.#click(shape, event), onpointerenter: () => this.hover(shape.key), onfocus: () => this.hover(shape.key),
    }, swatch, el("span", { class: "ws-row-index", text: index + 1 }), el("span", { class: "ws-row-name", text: name }), el("span", { class: "ws-count", text: score }));
    const row = el("div", { class: `ws-row${selected ? " is-selected" : ""}${store.isVisible(shape) ? "" : " is-off"}` }, main, this.#flag(shape, "locked", "lock", "lock-open"), this.#flag(shape, "hidden", "eye-off", "eye"));
    row.style.top = `${index * ROW}px`;
    return row;
  }

  #flag(shape, name, on, off) {
    const set = this.store[name].has(shape.key);
    const label = name === "locked" ? "Lock" : "Hide";
    return iconButton(set ? on : off, label, () => this.store.toggleFlag(name, [shape.key]), { class: `ws-icon-button ws-flag${set ? " is-set" : ""}`, aria: { pressed: set, label } });
  }

  #click(shape, event) {
    if (event.shiftKey || event.ctrlKey || event.metaKey) this.store.toggleSelected(shape.key);
    else this.store.select([shape.key]);
    this.reveal(shape);
  }

  /** Scrolls to what was selected on the canvas. */
  #follow() {
    const [key] = this.store.selection;
    const index = this.store.selection.size === 1 ? this.store.shapes.findIndex((shape) => shape.key === key) : -1;
    if (index >= 0) {
      const top = index * ROW;
      const { scrollTop, clientHeight } = this.element;
      if (top < scrollTop) this.element.scrollTop = top;
      else if (top + ROW > scrollTop + clientHeight) this.element.scrollTop = top + ROW - clientHeight;
    }
    this.update();
  }
}
