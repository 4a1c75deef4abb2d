/** The toolbar of the editor: tools, class, undo, and the ways out. */
import { el } from "../annotator/dom.js";

const OTHER = "other";

export class Editing {
  item = null;

  constructor(page, { editor, onSend, onDone }) {
    Object.assign(this, { editor, onDone, root: page.querySelector("[data-editor]") });
    const find = (name) => this.root.querySelector(`[data-${name}]`);
    const on = (name, fn) => find(name).addEventListener("click", fn);
    this.find = find;
    this.select = find("class");
    for (const button of this.root.querySelectorAll("[data-tool]")) button.addEventListener("click", () => editor.use(button.dataset.tool));
    this.select.addEventListener("change", () => this.#choose());
    on("delete", () => editor.remove());
    on("undo", () => editor.store.undo());
    on("redo", () => editor.store.redo());
    on("fit", () => editor.view.fit());
    on("revert", () => editor.startOver());
    on("done", () => this.done());
    on("send", onSend);
    editor.on("change", () => this.#show());
  }

  open(item, more) {
    this.item = item;
    this.root.hidden = false;
    this.editor.open(item, more);
    this.#show();
  }

  /** Back to the model's boxes; what was corrected stays with the picture. */
  close() {
    if (!this.item) return;
    this.item = null;
    this.root.hidden = true;
    this.editor.close();
  }

  done() {
    this.close();
    this.root.parentElement.querySelector("[data-bar]").hidden = false;
    this.onDone();
  }

  key(event) {
    if (this.editor.key(event)) return true;
    if (event.key !== "Escape") return false;
    this.done();
    return true;
  }

  #show() {
    const { editor, item } = this;
    if (!item) return;
    const { store } = editor;
    for (const button of this.root.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(editor.tool.name === button.dataset.tool));
    const [chosen] = store.selected;
    const place = chosen ? chosen.classId : store.classId;
    const names = editor.names.join("\n");
    if (this.select.dataset.names !== names) {
      this.select.dataset.names = names;
      this.select.replaceChildren(...editor.names.map((name, i) => el("option", { value: i, text: i < 9 ? `${i + 1} ${name}` : name })), el("option", { value: OTHER, text: "Another class…" }));
    }
    this.select.value = String(place);
    this.find("delete").disabled = !store.selection.size;
    this.find("undo").disabled = !store.doc.undo.length;
    this.find("redo").disabled = !store.doc.redo.length;
    this.find("revert").disabled = !editor.corrected(item);
  }

  async #choose() {
    if (this.select.value !== OTHER) {
      this.editor.setClass(Number(this.select.value));
    } else {
      const name = await askName();
      if (name) this.editor.setClass(this.editor.addClass(name));
    }
    this.#show();
    this.editor.canvas.focus({ preventScroll: true });
  }
}

/** The name of a class that the model does not know; null where it was not given. */
function askName() {
  const input = el("input", { type: "text", id: "class-name", required: true, maxLength: 100, autocomplete: "off" });
  const form = el("form", { method: "dialog" }, el("div", { class: "field" }, el("label", { for: "class-name", text: "Name of the class" }), input),
    el("div", { class: "actions" }, el("button", { type: "button", class: "button ghost", text: "Cancel", onclick: () => dialog.close("") }), el("button", { class: "button", value: "ok", text: "Use it" })));
  const dialog = el("dialog", { aria: { label: "Another class" } }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "ok" ? input.value.trim() || null : null);
    });
  });
}
