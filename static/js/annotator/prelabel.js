/** The bar above the canvas while there are suggestions: which model, how sure, accept or dismiss. */
import { byId, el, perFrame, toast } from "./dom.js";

const LOWEST = 0.05;
export const NO_MODEL = "No model is deployed yet. Train one and deploy it, then it can pre-label here.";

/** The models that can be asked here. */
export const deployedModels = async (api) => (await api.models()).results;

/** Puts models into a select; the one used last is chosen. */
export function fillModels(select, models) {
  select.replaceChildren(...models.map((model) => el("option", { value: model.id, text: model.name })));
  const last = localStorage.getItem("prelabel-model");
  if (models.some((model) => String(model.id) === last)) select.value = last;
}

export function rememberModel(id) {
  localStorage.setItem("prelabel-model", id);
}

export class PrelabelBar {
  #models = null;

  constructor({ ws, api, accept }) {
    Object.assign(this, { ws, api });
    this.bar = byId("suggest-bar");
    this.model = byId("suggest-model");
    this.slider = byId("suggest-threshold");
    this.slider.addEventListener("input", () => ws.suggestions.setThreshold(this.slider.value / 100));
    this.model.addEventListener("change", () => this.run());
    ws.suggestions.on("decided", ({ imageId, ids }) => this.#forget(imageId, ids));
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
    this.model.hidden = !this.model.options.length; // what was suggested before is there before any model is asked
    byId("suggest-count").textContent = `${visible} of ${suggestions.all.length}`;
    byId("suggest-value").textContent = `${Math.round(suggestions.threshold * 100)} %`;
    this.slider.value = Math.round(suggestions.threshold * 100);
    byId("suggest-accept").disabled = !visible;
  }

  async #loadModels() {
    if (this.#models?.length) return;
    this.#models = await deployedModels(this.api);
    fillModels(this.model, this.#models);
  }

  /** Asks the chosen model about the image on the screen. The weak ones come too; the slider hides them here. */
  async run() {
    const { item, suggestions } = this.ws;
    try {
      await this.#loadModels();
      if (!this.#models.length) return toast(NO_MODEL);
      rememberModel(this.model.value);
      document.body.classList.add("is-predicting");
      const { predictions, unmapped = [] } = await this.api.prelabel(item.id, Number(this.model.value), LOWEST);
      suggestions.set(item.id, predictions);
      if (item.num_suggestions) this.#forget(item.id);
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

  /** Tells the server that suggestions it keeps (no ids: all of the image) are decided on. */
  #forget(imageId, ids) {
    const left = ids ? Math.max(0, (this.ws.navigation.item(imageId)?.num_suggestions ?? 0) - ids.length) : 0;
    this.ws.navigation.update(imageId, { num_suggestions: left });
    // Where this is lost, the offer comes back at worst, and only where no label lies over it.
    this.api.forgetSuggestions(imageId, ids).catch(() => {});
  }

  /** Suggestions that a job left on the server for this image, if it says there are some. */
  async loadStored(item, { again = false } = {}) {
    if (!item.num_suggestions || (this.ws.suggestions.has(item.id) && !again)) return;
    const { predictions } = await this.api.suggestions(item.id).catch(() => ({ predictions: [] }));
    this.ws.suggestions.set(item.id, predictions);
  }
}
