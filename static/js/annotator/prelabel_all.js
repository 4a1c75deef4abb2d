/** Pre-labels the whole filtered list as a job on the server: asks first, shows how far it is, can be cancelled. */
import { errorText } from "./api.js";
import { byId, el, openDialog, toast } from "./dom.js";
import { deployedModels, fillModels, NO_MODEL, rememberModel } from "./prelabel.js";

const EVERY = 700;
const DEFAULT_CONFIDENCE = 25;
const ENDED = ["completed", "failed", "cancelled"];

const images = (n) => `${n} ${n === 1 ? "image" : "images"}`;

export class PrelabelAll {
  #watching = null;

  /** `loadStored(item)` fetches the suggestions that the server has for an image. */
  constructor({ ws, api, dataset, loadStored }) {
    Object.assign(this, { ws, api, loadStored, kept: `prelabel-job-${dataset}` });
    this.bar = byId("job-bar");
    byId("job-cancel").addEventListener("click", () => this.#cancel());
    // A job goes on when the page is left; the next page shows it again.
    const running = Number(localStorage.getItem(this.kept));
    if (running && ws.canEdit) this.#watch(running);
  }

  async open() {
    if (this.#watching) return toast("A pre-labelling is running already.");
    try {
      const models = await deployedModels(this.api);
      if (!models.length) return toast(NO_MODEL);
      const wanted = await this.#ask(models);
      if (!wanted) return;
      rememberModel(wanted.model);
      const job = await this.api.prelabelAll(Number(wanted.model), wanted.confidence, wanted.filter);
      localStorage.setItem(this.kept, job.id);
      this.#watch(job.id);
    } catch (error) {
      toast(errorText(error.body), { kind: "is-danger" });
    }
  }

  /** {model, confidence, filter}, or null where the person thought better of it. */
  async #ask(models) {
    const model = el("select", { autofocus: true });
    fillModels(model, models);
    const value = el("output", { text: `${DEFAULT_CONFIDENCE} %` });
    const least = el("input", { type: "range", min: 5, max: 95, value: DEFAULT_CONFIDENCE, aria: { label: "Least confidence" }, oninput: () => (value.textContent = `${least.value} %`) });
    const filter = new URLSearchParams(this.ws.navigation.query);
    const checked = !filter.has("labeled") && !filter.has("state");
    const todo = el("input", { type: "checkbox", checked, onchange: () => this.#showCount(start, todo) });
    const start = el("button", { type: "button", class: "ws-button is-primary", text: "Pre-label", disabled: true, onclick: () => opened.dialog.close("start") });
    const opened = openDialog("Pre-label the list", [
      el("p", { class: "ws-note", text: "The model looks at every image of the filtered list. What it finds waits as suggestions and is no label until somebody accepts it." }),
      el("div", { class: "ws-fields" },
        el("label", {}, el("span", { text: "Model" }), model),
        el("label", {}, el("span", {}, "At least ", value), least),
        el("label", { class: "is-check" }, todo, el("span", { text: "Only unlabelled images" }))),
      el("footer", { class: "ws-dialog-foot" }, start),
    ]);
    this.#showCount(start, todo);
    if ((await opened.closed) !== "start") return null;
    return { model: model.value, confidence: least.value / 100, filter: Object.fromEntries(this.#query(todo)) };
  }

  #query(todo) {
    const query = new URLSearchParams(this.ws.navigation.query);
    if (todo.checked) query.set("labeled", "false");
    return query;
  }

  async #showCount(button, todo) {
    const { count } = await this.api.position("at=0", this.#query(todo)).catch(() => ({ count: 0 }));
    button.textContent = `Pre-label ${images(count)}`;
    button.disabled = !count;
  }

  #watch(id) {
    this.#watching = id;
    this.#show({ progress: 0, message: "Waiting for its turn" });
    this.bar.hidden = false;
    this.#poll(id);
  }

  async #poll(id) {
    try {
      const job = await this.api.job(id);
      this.#show(job);
      if (ENDED.includes(job.status)) return this.#end(job);
    } catch (error) {
      if (error.status === 404) return this.#end({ status: "gone" });
    }
    setTimeout(() => this.#poll(id), EVERY);
  }

  #show({ progress, message }) {
    byId("job-progress").value = progress;
    byId("job-message").textContent = message;
  }

  async #cancel() {
    const button = byId("job-cancel");
    button.disabled = true;
    await this.api.cancelJob(this.#watching).catch((error) => toast(errorText(error.body), { kind: "is-danger" }));
    button.disabled = false;
  }

  async #end({ status, result, error }) {
    this.#watching = null;
    localStorage.removeItem(this.kept);
    this.bar.hidden = true;
    if (status === "completed") toast(`${result.suggestions} suggested on ${images(result.images)}.`);
    else if (status === "cancelled") toast("Cancelled. What was suggested until then is there.");
    else if (status === "failed") toast(error || "The pre-labelling failed.", { kind: "is-danger" });
    const { item, navigation } = this.ws;
    await navigation.refresh();
    if (item && item === this.ws.item) this.loadStored(item, { again: true });
  }
}
