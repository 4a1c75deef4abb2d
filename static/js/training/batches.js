// The pictures of the first batches, and of the first one without mosaic.

const FIRST = 3;

export class Batches {
  constructor(api) {
    this.api = api;
    this.row = document.querySelector("[data-batches-row]");
    this.empty = document.querySelector("[data-batches-empty]");
    this.dialog = document.getElementById("batch-dialog");
    this.known = ""; // what is shown, as one word
    this.epoch = -1;
  }

  /** Ask again after each epoch, and until the first ones are there. */
  news(job, hasEnded) {
    const isWaiting = this.row.children.length < FIRST && job.status === "running" && job.current_epoch === 0;
    if (!isWaiting && job.current_epoch === this.epoch) return;
    this.epoch = job.current_epoch;
    this.refresh(hasEnded);
  }

  async refresh(hasEnded) {
    const answer = await fetch(`${this.api}/batches`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.status === 404) return this.#say("These pictures are of a dataset that you can no longer see.");
    if (!answer?.ok) return; // the server may be starting again: the next news asks again
    const pictures = await answer.json();
    const now = pictures.map((picture) => picture.url).join(" ");
    if (!pictures.length) this.#say(hasEnded ? "No batch of this training was drawn." : "They are drawn when the training begins.");
    else if (now !== this.known) this.#show(pictures);
    this.known = now;
  }

  #say(words) {
    this.empty.textContent = words;
    this.empty.hidden = !words;
  }

  #show(pictures) {
    this.#say("");
    this.row.replaceChildren(...pictures.map((picture) => this.#card(picture)));
  }

  #card(picture) {
    const name = picture.kind === "closed" ? `The first batch without mosaic, epoch ${picture.epoch}` : `Batch ${picture.number}`;
    const parts = picture.tiles < picture.images ? `${picture.tiles} of its ${picture.images} images` : `${picture.images} image${picture.images === 1 ? "" : "s"}`;
    const card = document.createElement("button");
    card.type = "button";
    card.className = "look-card";
    card.setAttribute("aria-label", `${name}: ${parts}. Open it large.`);
    const image = document.createElement("img");
    image.src = picture.url;
    image.alt = "";
    image.loading = "lazy";
    const words = document.createElement("span");
    words.className = "look-words small";
    words.textContent = `${name}: ${parts}`;
    card.append(image, words);
    card.addEventListener("click", () => this.#open(picture, words.textContent));
    return card;
  }

  #open(picture, name) {
    this.dialog.querySelector("[data-batch-name]").textContent = name;
    const image = this.dialog.querySelector("[data-batch-large]");
    image.src = picture.url;
    image.alt = name;
    this.dialog.showModal();
  }
}
