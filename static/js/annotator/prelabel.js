/** The bar above the canvas while there are suggestions: which model, how sure, accept or dismiss. */
import { byId, el, perFrame, toast } from "./dom.js";

const LOWEST = 0.05;

export class PrelabelBar {
  #models = null;

  constructor({ ws, api, accept }) {
    Object.assign(this, { ws, api });
    this.bar = byId("suggest-bar");
    this.model = byId("suggest-model");
    this.slider = byId("suggest-threshold");
    this.slider.addEventListener("input", () => ws.suggestions.setThreshold(this.slider.value / 100));
    this.model.addEventListener("change", () => this.run());
    byId("suggest-accept").addEventListener("click", accept);
    byId("suggest-dismiss").addEventListener("click", () => ws.suggestions.rejectAll());
    const update = perFrame(() => ws.store.isOpen || this.update());
    ws.suggestions.on("change", update);
    ws.store.on("shapes", update);
  }

  update() {
    const { suggestions } = this.ws;
    const visible = suggestions.visible.length;
    this.bar.hidden = !suggestions.all.length;
    byId("suggest-count").textContent = `${visible} of ${suggestions.all.length}`;
    byId("suggest-value").textContent = `${Math.round(suggestions.threshold * 100)} %`;
    this.slider.value = Math.round(suggestions.threshold * 100);
    byId("suggest-accept").disabled = !visible;
  }

  async #loadModels() {
    if (this.#models) return;
    const { results } = await this.api.models();
    this.#models = results;
    this.model.replaceChildren(...results.map((model) => el("option", { value: model.id, text: model.name })));
    const last = localStorage.getItem("prelabel-model");
    if (results.some((model) => String(model.id) === last)) this.model.value = last;
  }

  /** Asks the chosen model about the image on the screen. The weak ones come too; the slider hides them here. */
  async run() {
    const { item, suggestions } = this.ws;
    try {
      await this.#loadModels();
      if (!this.#models.length) return toast("No model is deployed yet. Train one and deploy it, then it can pre-label here.");
      localStorage.setItem("prelabel-model", this.model.value);
      document.body.classList.add("is-predicting");
      const { predictions, unmapped = [] } = await this.api.prelabel(item.id, Number(this.model.value), LOWEST);
      suggestions.set(item.id, predictions);
      if (this.ws.item === item) this.#tell(unmapped);
    } catch (error) {
      toast(error.body ? error.message : "The server does not answer; nothing was predicted.", { kind: "is-danger" });
    } finally {
      document.body.classList.remove("is-predicting");
    }
  }

  #tell(unmapped) {
    const { visible, all } = this.ws.suggestions;
    if (unmapped.length) toast(`This dataset has no class for: ${unmapped.join(", ")}.`);
    else if (!all.length) toast("The model found nothing new here.");
    else if (!visible.length) toast(`${all.length} found, all below the threshold or already labelled.`);
  }

  /** Suggestions that a job left on the server for this image, if it says there are some. */
  async loadStored(item) {
    if (!item.num_suggestions || this.ws.suggestions.has(item.id)) return;
    const { predictions } = await this.api.suggestions(item.id).catch(() => ({ predictions: [] }));
    this.ws.suggestions.set(item.id, predictions);
  }
}
