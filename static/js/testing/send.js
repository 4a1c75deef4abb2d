/** Sends a picture with its boxes into a dataset: which one, which of its classes each box is, and the way back. */
import { el, iconButton } from "../annotator/dom.js";
import { wordsFor } from "./ask.js";

const LAST = "testing.dataset";
const ADD = "\u0000add";
const OUT = "\u0000out";

const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const fold = (name) => name.toLowerCase();

/** {class name: labels} in the order of the labels. */
export function countNames(labels) {
  const counts = {};
  for (const { class_name: name } of labels) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/**
 * What is sent: labels in the dataset's classes. `choice` maps a class name to a name of the dataset, to ADD (as a new
 * class), to OUT (left out) or to "" (as it is: the server says whether the dataset has or had it).
 */
export function chosenLabels(labels, choice) {
  const adds = Object.values(choice).includes(ADD);
  const kept = labels.filter(({ class_name: name }) => choice[name] !== OUT && !(adds && choice[name] === ""));
  const named = kept.map((label) => ({ ...label, class_name: [ADD, ""].includes(choice[label.class_name]) ? label.class_name : choice[label.class_name] }));
  return { labels: named, addClasses: adds };
}

export { ADD, OUT };

export class Sender {
  /** `config` has the addresses; `csrf()` answers the token. */
  constructor({ config, csrf }) {
    Object.assign(this, { config, csrf });
  }

  async #call(method, url, body) {
    const json = body && !(body instanceof FormData);
    const headers = { "X-CSRFToken": this.csrf(), Accept: "application/json", ...(json ? { "Content-Type": "application/json" } : {}) };
    const response = await fetch(url, { method, headers, body: json ? JSON.stringify(body) : body });
    const isJson = response.headers.get("Content-Type")?.includes("json");
    return { status: response.status, body: isJson ? await response.json() : null };
  }

  /** Opens the dialog for an item; `preferred` is the id of the dataset that the model learned from, or null. */
  async open(item, labels, preferred) {
    this.work = { item, labels, choice: {} };
    this.content = el("div");
    this.dialog = el("dialog", { class: "test-send", aria: { label: "Send to a dataset" } },
      el("div", { class: "card-head" }, el("h2", { text: "Send to a dataset" }), el("span", { class: "spacer" }), iconButton("x", "Close", () => this.dialog.close(), { class: "icon-button" })), this.content);
    this.dialog.addEventListener("close", () => this.dialog.remove());
    this.#say("Looking for your datasets…");
    document.body.append(this.dialog);
    this.dialog.showModal();
    try {
      const { status, body } = await this.#call("GET", this.config.datasets);
      if (status !== 200) return this.#say(wordsFor(status, body), "error");
      this.datasets = body.results;
    } catch {
      return this.#say("The server does not answer. Is the network there?", "error");
    }
    if (!this.datasets.length) return this.#none();
    const remembered = Number(localStorage.getItem(LAST));
    const known = (id) => this.datasets.some((dataset) => dataset.id === id);
    this.dataset = this.datasets.find((dataset) => dataset.id === (known(remembered) ? remembered : preferred)) ?? this.datasets[0];
    return this.#form();
  }

  #say(words, kind = "") {
    this.content.replaceChildren(el("p", { class: kind ? `message ${kind}` : "muted", role: "status", text: words }), ...(kind ? [this.#buttons()] : []));
  }

  #none() {
    this.content.replaceChildren(el("p", { text: "You have no dataset yet that it could go into." }), el("div", { class: "actions" }, el("a", { class: "button", href: "/datasets/new", text: "New dataset" })));
  }

  #buttons(...more) {
    return el("div", { class: "actions" }, el("button", { type: "button", class: "button ghost", text: "Close", onclick: () => this.dialog.close() }), ...more);
  }

  #form() {
    const { labels, item } = this.work;
    const select = el("select", { id: "send-dataset", onchange: () => { this.dataset = this.datasets.find((one) => String(one.id) === select.value); this.#classes(); } },
      ...this.datasets.map((one) => el("option", { value: one.id, text: one.name, selected: one === this.dataset })));
    this.table = el("div");
    this.problem = el("div", { role: "alert" });
    this.save = el("button", { type: "button", class: "button", text: "Save", onclick: () => this.#send() });
    const what = labels.length ? `${item.name} with ${count(labels.length, "label")}` : `${item.name} as an image without objects`;
    this.content.replaceChildren(el("p", { class: "small muted", text: `${what}.` }), el("div", { class: "field" }, el("label", { for: "send-dataset", text: "Dataset" }), select), this.table, this.problem, this.#buttons(this.save));
    this.#classes();
    this.save.focus();
  }

  /** Which class of the dataset each class is; those of one name are already chosen. */
  #classes() {
    const counts = countNames(this.work.labels);
    const known = this.dataset.class_names;
    this.work.choice = Object.fromEntries(Object.keys(counts).map((name) => [name, known.find((one) => fold(one) === fold(name)) ?? ""]));
    this.problem.replaceChildren();
    this.save.textContent = "Save";
    this.revision = null;
    const rows = Object.entries(counts).map(([name, n]) => this.#row(name, n, known));
    this.note = el("p", { class: "small muted" });
    this.table.replaceChildren(...(rows.length ? [el("div", { class: "test-mapping" }, ...rows), this.note] : []));
    this.#tell();
  }

  #row(name, n, known) {
    const { choice } = this.work;
    const options = [["", "Not in this dataset: left out"], [ADD, `Add “${name}” as a new class`], ...known.map((one) => [one, one]), [OUT, "Leave out"]];
    const fitting = choice[name] === "" ? options : options.slice(2);
    const select = el("select", { aria: { label: `Class for ${name}` }, onchange: () => { choice[name] = select.value; this.#tell(); } },
      ...fitting.map(([value, text]) => el("option", { value, text, selected: value === choice[name] })));
    return el("div", {}, el("span", { text: `${name} (${n})` }), el("span", { class: "muted", text: "→" }), select);
  }

  #tell() {
    const counts = countNames(this.work.labels);
    const out = Object.entries(this.work.choice).filter(([, to]) => to === "" || to === OUT).reduce((sum, [name]) => sum + counts[name], 0);
    this.note.textContent = out ? `${out} of ${this.work.labels.length} are left out.` : "";
  }

  async #send() {
    const { item, labels: all, choice } = this.work;
    const { labels, addClasses } = chosenLabels(all, choice);
    const form = new FormData();
    form.append("image", item.file, item.name);
    form.append("annotations", JSON.stringify(labels));
    form.append("add_classes", addClasses);
    if (this.revision) form.append("revision", this.revision);
    this.save.disabled = true;
    this.save.textContent = "Saving…";
    try {
      const { status, body } = await this.#call("POST", `${this.config.api}/${this.dataset.id}/images/labelled`, form);
      if (status === 409) this.#isThere(body);
      else if (status >= 400) this.#refused(wordsFor(status, body));
      else this.#saved(body);
    } catch {
      this.#refused("The server does not answer. Is the network there? Nothing is lost: try again.");
    }
  }

  #refused(words) {
    this.save.disabled = false;
    this.save.textContent = "Save";
    this.problem.replaceChildren(el("div", { class: "message error", text: words }));
  }

  /** The same bytes are there with labels: a look, or on purpose in their place. */
  #isThere(body) {
    this.revision = body.revision;
    this.page = body.page_url ?? this.page;
    this.save.disabled = false;
    this.save.textContent = "Replace its labels";
    this.problem.replaceChildren(el("div", { class: "message warning" }, el("span", { text: `${body.detail} ` }), ...(this.page ? [el("a", { href: this.page, text: "Look at it" })] : [])));
  }

  #saved(body) {
    localStorage.setItem(LAST, this.dataset.id);
    const left = Object.entries(body.unmapped).map(([name, n]) => `${name} (${n})`);
    const said = [
      `${body.is_new ? "Saved" : body.revision_before ? "Its labels were replaced" : "It was there already without labels, and has them now"}: ${count(body.num_labels, "label")} in “${this.dataset.name}”.`,
      left.length ? `Left out, for the dataset lacks the class: ${left.join(", ")}.` : "",
      body.added_classes.length ? `New classes: ${body.added_classes.join(", ")}.` : "",
    ].filter(Boolean);
    const undo = el("button", { type: "button", class: "button ghost", text: "Undo", onclick: () => this.#undo(body, undo) });
    const look = el("a", { class: "button", href: body.page_url, text: "Open in the workspace" });
    this.content.replaceChildren(el("div", { class: "message success", role: "status" }, el("div", {}, ...said.map((words) => el("div", { text: words })))), this.#buttons(undo, look));
    look.focus();
  }

  /** A new image goes to the trash; labels that were replaced come back. */
  async #undo({ image, is_new: isNew, revision, revision_before: before, added_classes: added }, button) {
    button.disabled = true;
    const address = `${this.config.api}/${this.dataset.id}/images/${image.id}`;
    const ways = {
      new: () => this.#call("DELETE", address),
      first: () => this.#call("PUT", `${address}/annotations`, { revision, annotations: [], labeled: false }),
      replaced: () => this.#call("POST", `${address}/revisions/${before}/restore`, { revision }),
    };
    try {
      const { status, body } = await ways[isNew ? "new" : before ? "replaced" : "first"]();
      if (status >= 400) return this.#say(status === 409 ? "Somebody changed this image meanwhile. Open it in the workspace to see what." : wordsFor(status, body), "error");
    } catch {
      return this.#say("The server does not answer. Is the network there?", "error");
    }
    const words = isNew ? "Taken back: the image is in the dataset's trash." : "Taken back: the image has the labels that it had.";
    return this.content.replaceChildren(el("p", { role: "status", text: added.length ? `${words} The new classes stay.` : words }), this.#buttons());
  }
}
