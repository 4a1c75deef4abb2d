/** Keys: arrows, Home, End, PageUp, PageDown move; Space chooses, Shift with a move a range; Ctrl+A all, Esc none. */

const TYPING = "input:not([type=checkbox]), select, textarea, dialog *, [contenteditable]";

export class Keyboard {
  #here = false;

  /** `choose` is null where one may only look: `{toggle(position), range(position), all(), none(), remove()}`. */
  constructor({ grid, list, choose, undo }) {
    Object.assign(this, { grid, list, choose, undo });
    document.addEventListener("focusin", (event) => { this.#here = list.contains(event.target); });
    document.addEventListener("pointerdown", (event) => { if (!list.contains(event.target)) this.#here = false; });
    list.addEventListener("focusin", (event) => grid.touched(grid.positionOf(event.target)));
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.defaultPrevented || event.altKey || event.target.matches(TYPING) || document.querySelector("dialog[open]")) return;
    const done = event.ctrlKey || event.metaKey ? this.#withControl(event) : this.#plain(event);
    if (done) event.preventDefault();
  }

  #withControl({ key }) {
    if (!this.choose) return false;
    if (key.toLowerCase() === "a") this.choose.all();
    else if (key.toLowerCase() !== "z" || !this.undo()) return false;
    return true;
  }

  #plain(event) {
    if (this.choose && event.key === "Escape") return this.choose.none();
    if (this.choose && event.key === "Delete") return this.choose.remove();
    // The tile that had the focus may have been scrolled out of the page: the arrows go on from it all the same.
    const inList = this.list.contains(event.target) || (this.#here && event.target === document.body);
    if (!inList) return false;
    if (event.key === " ") return this.#space(event);
    return this.#move(event);
  }

  #space(event) {
    if (!this.choose || event.target.closest("button")) return false;
    this.choose.toggle(this.grid.focused);
    return true;
  }

  #move(event) {
    const from = this.grid.focused;
    const to = this.grid.layout.move(from, event.key, this.grid.visibleRows);
    if (to === null) return false;
    if (event.shiftKey && this.choose) this.choose.range(from, to);
    this.grid.focus(to);
    return true;
  }
}
