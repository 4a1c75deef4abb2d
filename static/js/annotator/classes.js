/** The dataset's classes in their order, by their permanent numbers, with colour and key. Event: change. */
import { Emitter } from "./emitter.js";
import { colorFor } from "./palette.js";

export class Classes extends Emitter {
  list = [];
  #byId = new Map();

  set(classes) {
    this.list = classes.map((c, index) => ({ id: c.id, name: c.name, color: colorFor(index, c.color), index }));
    this.#byId = new Map(this.list.map((c) => [c.id, c]));
    this.emit("change");
  }

  get(id) {
    return this.#byId.get(id) ?? { id, name: `class ${id}`, color: colorFor(Number(id) || 0), index: -1 };
  }

  has(id) {
    return this.#byId.has(id);
  }

  name(id) {
    return this.get(id).name;
  }
}
