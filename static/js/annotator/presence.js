/** Who else is in this dataset now, asked by a slow poll that rests while the page is hidden. Event: change. */
import { Emitter } from "./emitter.js";

const EVERY = 15000;

export class Presence extends Emitter {
  people = [];
  #timer = null;
  #gone = false;

  /** `ask(imageId)` answers {people: [{username, image_id}]}; `me` is the own name, left out. */
  constructor({ ask, me }) {
    super();
    this.ask = ask;
    this.me = me;
    this.imageId = null;
  }

  /** Says where this person is now; many moves in a row are told once. */
  moveTo(imageId) {
    this.imageId = imageId;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), 400);
  }

  /** Names of the others on an image. */
  at(imageId) {
    return this.people.filter((person) => person.image_id === imageId).map((person) => person.username);
  }

  async #poll() {
    clearTimeout(this.#timer);
    if (!document.hidden && !this.#gone && this.imageId !== null) {
      try {
        const { people } = await this.ask(this.imageId);
        this.people = people.filter((person) => person.username !== this.me);
        this.emit("change");
      } catch (error) {
        // Presence is a courtesy: where it cannot be had now, the next poll asks again.
        if (error.status === 404) this.#gone = true;
      }
    }
    this.#timer = setTimeout(() => this.#poll(), EVERY);
  }
}
