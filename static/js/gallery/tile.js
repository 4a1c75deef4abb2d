/** One tile: a copy of the page's template, filled with what is known of an image. */

/** `urls` has addresses with 0 in the place of the image's id; `boxes` draws over the thumbnail. */
export class Tiles {
  constructor({ template, urls, boxes, selection, words }) {
    Object.assign(this, { template, urls, boxes, selection, words });
  }

  make = () => this.template.content.firstElementChild.cloneNode(true);

  /** Shows `item` (null: not here yet). The thumbnail is asked for only where the scrolling rests. */
  fill(tile, item, resting) {
    tile.classList.toggle("is-waiting", !item);
    if (!item) return this.#empty(tile);
    if (tile.dataset.image !== String(item.id)) this.#setUp(tile, item);
    const [picture, chosen] = [tile.querySelector("img"), this.selection.has(item.id)];
    if (resting && !picture.src) picture.src = this.urls.thumbnail.replace("/0/", `/${item.id}/`);
    this.boxes.draw(tile.querySelector(".frame"), item);
    tile.classList.toggle("is-chosen", chosen);
    tile.querySelector("[data-check]")?.setAttribute("aria-checked", String(chosen));
    this.#showFacts(tile, item);
    return undefined;
  }

  /** A tile whose image is not known yet leads nowhere. */
  #empty(tile) {
    delete tile.dataset.image;
    tile.classList.remove("is-chosen");
    tile.querySelector("a").removeAttribute("href");
    tile.querySelector("img").removeAttribute("src");
    tile.querySelector(".frame > svg")?.remove();
    tile.querySelector("[data-tags]").replaceChildren();
    delete tile.querySelector("[data-tags]").dataset.of;
  }

  #setUp(tile, item) {
    tile.dataset.image = item.id;
    tile.querySelector(":scope .frame > svg")?.remove();
    const picture = tile.querySelector("img");
    picture.removeAttribute("src");
    picture.alt = item.name;
    const link = tile.querySelector("a");
    link.href = `${this.urls.label}?${this.words(item.id)}`;
    link.title = `${item.name}, ${item.width} × ${item.height} px`;
    tile.querySelector("[data-name]").textContent = item.name;
    tile.querySelector("[data-check]")?.setAttribute("aria-label", `Choose ${item.name}`);
    tile.querySelector("[data-act=similar]").setAttribute("aria-label", `Images like ${item.name}`);
    tile.querySelector("[data-act=delete]")?.setAttribute("aria-label", `Delete ${item.name}`);
  }

  #showFacts(tile, item) {
    for (const mark of tile.querySelectorAll("[data-state]")) mark.hidden = mark.dataset.state !== item.state;
    const count = tile.querySelector("[data-boxes]");
    count.hidden = item.state === "unlabelled";
    count.textContent = item.boxes;
    count.title = `${item.boxes} box${item.boxes === 1 ? "" : "es"}`;
    const split = tile.querySelector("[data-split]");
    split.hidden = !item.split;
    split.textContent = item.split;
    split.className = `split-tag is-${item.split || "none"}`;
    const tags = tile.querySelector("[data-tags]");
    const words = item.tags.join(",");
    if (tags.dataset.of === words) return;
    tags.dataset.of = words;
    tags.replaceChildren(...item.tags.map((name) => Object.assign(document.createElement("i"), { textContent: name })));
    tags.title = item.tags.join(", ");
  }
}
