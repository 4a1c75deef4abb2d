/** What is done with the chosen images: the bar that says how many they are, its dialogs, one request each, undo. */
import { ask } from "../app.js";
import { toast } from "../toast.js";

const number = new Intl.NumberFormat("en");
export const counted = (n) => `${number.format(n)} image${n === 1 ? "" : "s"}`;

export class Bulk {
  #undo = null;

  /** `total()` is the list's length, `filter()` the list's filter, `changed()` shows the list as it is now. */
  constructor({ bar, selection, server, config, total, filter, selectAll, changed }) {
    Object.assign(this, { bar, selection, server, config, total, filter, changed });
    selection.on("change", () => this.show());
    this.#on("[data-select-all]", selectAll);
    this.#on("[data-select-none]", () => selection.clear());
    this.#on("[data-bulk-delete]", () => this.remove());
    for (const button of bar.querySelectorAll("[data-opens]")) {
      button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
    }
    this.#dialogs();
  }

  get count() {
    return this.selection.count(this.total());
  }

  show() {
    const { count } = this;
    this.bar.hidden = !count;
    document.body.classList.toggle("has-bulk-bar", count > 0);
    this.bar.querySelector("[data-chosen]").textContent = `${number.format(count)} chosen`;
    const all = this.bar.querySelector("[data-select-all]");
    all.hidden = count >= this.total();
    all.textContent = `All ${number.format(this.total())} that match`;
    const similar = this.bar.querySelector("[data-bulk-similar]");
    similar.hidden = this.selection.only === null;
  }

  /** Moves the chosen images to the trash, when it was asked. */
  async remove() {
    const { count } = this;
    if (!count) return;
    const question = `Move ${counted(count)} to the trash? ${count === 1 ? "It" : "They"} can be restored for ${this.config.trash_days} days.`;
    if (!await ask(question, "Move to the trash")) return;
    const body = { ...this.selection.body(this.filter()), action: "delete", expect: count };
    if (await this.#run(body, (n) => `${counted(n)} moved to the trash.`)) this.selection.clear();
  }

  /** One image alone, from its tile. */
  async removeOne(item) {
    if (!await ask(`Move “${item.name}” to the trash? It can be restored for ${this.config.trash_days} days.`, "Move to the trash")) return;
    const body = { ids: [item.id], action: "delete" };
    if (await this.#run(body, () => `“${item.name}” is in the trash.`) && this.selection.has(item.id)) this.selection.toggle(item.id);
  }

  /** Takes the last change back; false where there is none. */
  undo() {
    const token = this.#undo;
    if (!token) return false;
    this.#undo = null;
    this.#takeBack(token);
    return true;
  }

  async #takeBack(token) {
    try {
      const { count, refused } = await this.server.undo(token);
      const left = refused.length ? ` ${counted(refused.length)} stayed: ${refused[0].reason}` : "";
      toast(`Taken back: ${counted(count)}.${left}`, { kind: left ? "error" : "" });
    } catch (error) {
      toast(error.message, { kind: "error" });
    }
    await this.changed();
  }

  #on(selector, run) {
    this.bar.querySelector(selector).addEventListener("click", run);
  }

  #dialogs() {
    const split = document.getElementById("split-dialog");
    split.addEventListener("close", () => { if (split.returnValue) this.#split(split.returnValue); });
    const tag = document.getElementById("tag-dialog");
    tag.addEventListener("close", () => { if (tag.returnValue) this.#tag(tag.returnValue, tag.querySelector("input").value); });
    const group = document.getElementById("group-dialog");
    group.addEventListener("close", () => { if (group.returnValue) this.#group(group.querySelector("input").value.trim()); });
    for (const dialog of [split, tag, group]) {
      dialog.addEventListener("cancel", () => { dialog.returnValue = ""; });
      dialog.addEventListener("click", (event) => { if (event.target.closest("[data-cancel]")) dialog.close(""); });
    }
  }

  #split(choice) {
    const split = choice === "none" ? "" : choice;
    const where = split ? `in ${split}` : "without a split";
    return this.#run(this.#body({ action: "split", split }), (n) => `${counted(n)} ${n === 1 ? "is" : "are"} ${where} now.`);
  }

  #tag(action, words) {
    const tags = words.split(",").map((word) => word.trim()).filter(Boolean);
    if (!tags.length) return null;
    const said = (n) => (action === "tag" ? `${counted(n)} tagged “${tags.join(", ")}”.` : `“${tags.join(", ")}” taken off ${counted(n)}.`);
    return this.#run(this.#body({ action, tags }), said);
  }

  #group(group) {
    const said = (n) => (group ? `${counted(n)} ${n === 1 ? "is" : "are"} in the group “${group}”.` : `${counted(n)} in no group now.`);
    return this.#run(this.#body({ action: "group", group }), said);
  }

  #body(what) {
    return { ...this.selection.body(this.filter()), ...what };
  }

  async #run(body, said) {
    this.bar.setAttribute("aria-busy", "true");
    try {
      const { count, undo } = await this.server.bulk(body);
      this.#undo = undo;
      toast(said(count), { action: undo ? { label: "Undo", run: () => this.undo() } : null });
      return true;
    } catch (error) {
      toast(error.message, { kind: "error" });
      return false;
    } finally {
      this.bar.removeAttribute("aria-busy");
      await this.changed();
      this.show();
    }
  }
}
