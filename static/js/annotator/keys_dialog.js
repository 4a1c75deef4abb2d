/** The list of keys (`?`), where each can be changed. */
import { el, openDialog } from "./dom.js";
import { ACTIONS, keyOf, PRESETS, showKey } from "./keymap.js";

/** Waits for the next key in a button's place; Escape gives up, and resolves null. */
function listen(button) {
  return new Promise((resolve) => {
    const stop = (key) => {
      window.removeEventListener("keydown", onKey, true);
      button.removeEventListener("blur", onBlur);
      resolve(key);
    };
    const onBlur = () => stop(null);
    const onKey = (event) => {
      const key = keyOf(event);
      event.preventDefault();
      event.stopPropagation();
      if (key) stop(key === "Escape" ? null : key);
    };
    window.addEventListener("keydown", onKey, true);
    button.addEventListener("blur", onBlur);
  });
}

export class KeysDialog {
  constructor({ keymap, changed }) {
    Object.assign(this, { keymap, changed });
  }

  open() {
    if (this.body?.isConnected) return;
    this.body = el("div", { class: "ws-keys" });
    this.note = el("p", { class: "ws-keys-note", role: "status" });
    this.#show();
    openDialog("Keys", [this.#presets(), this.note, this.body], { wide: true });
  }

  #presets() {
    const choice = el("select", { onchange: () => this.#apply(() => this.keymap.usePreset(choice.value)) },
      ...Object.keys(PRESETS).map((name) => el("option", { value: name, text: name === "default" ? "Own (default)" : name })));
    choice.value = this.keymap.preset;
    return el("div", { class: "ws-keys-head" },
      el("label", {}, el("span", { text: "Like " }), choice),
      el("span", { class: "ws-note", text: "Click a key to change it. Backspace on it takes it away; + adds another." }));
  }

  #apply(change) {
    change();
    this.note.replaceChildren();
    this.#show();
    this.changed();
  }

  #show() {
    const groups = new Map();
    for (const action of ACTIONS) groups.set(action.group, [...(groups.get(action.group) ?? []), action]);
    const collisions = new Set(this.keymap.allConflicts().flatMap(({ key, actions }) => actions.map((a) => `${a.id} ${key}`)));
    this.body.replaceChildren(...[...groups].map(([name, actions]) => el("section", {},
      el("h3", { text: name }), el("dl", {}, ...actions.map((action) => this.#row(action, collisions))))));
  }

  #row(action, collisions) {
    const keys = this.keymap.keys(action.id).map((key) => this.#keyButton(action, key, collisions.has(`${action.id} ${key}`)));
    const add = el("button", { type: "button", class: "ws-key is-add", text: "+", aria: { label: `Another key for ${action.label}` }, onclick: () => this.#ask(action, null, add) });
    const reset = this.keymap.own[action.id]
      ? el("button", { type: "button", class: "ws-link", text: "reset", onclick: () => this.#apply(() => this.keymap.reset(action.id)) }) : null;
    return el("div", { class: "ws-key-row" }, el("dt", { text: action.label }), el("dd", {}, ...keys, add, reset));
  }

  #keyButton(action, key, collides) {
    const button = el("button", {
      type: "button", class: `ws-key${collides ? " is-conflict" : ""}`, text: showKey(key), aria: { label: `${action.label}: ${key}` },
      title: collides ? "Another action has this key too" : "Change this key",
      onclick: () => this.#ask(action, key, button),
      onkeydown: (event) => {
        if (["Backspace", "Delete"].includes(event.key)) this.#apply(() => this.keymap.set(action.id, this.keymap.keys(action.id).filter((k) => k !== key)));
      },
    });
    return button;
  }

  async #ask(action, old, button) {
    button.textContent = "press…";
    button.classList.add("is-listening");
    const key = await listen(button);
    if (!key) return this.#show();
    const keys = [...this.keymap.keys(action.id).filter((k) => k !== old && k !== key), key];
    const others = this.keymap.conflicts(action.id, key);
    if (!others.length) return this.#apply(() => this.keymap.set(action.id, keys));
    this.#warn(action, key, keys, others);
  }

  #warn(action, key, keys, others) {
    this.#show();
    const names = others.map((other) => `“${other.label}”`).join(", ");
    const take = el("button", { type: "button", class: "ws-button", text: "Take it from there", onclick: () => this.#apply(() => this.keymap.set(action.id, keys, { take: true })) });
    const leave = el("button", { type: "button", class: "ws-button", text: "Leave it", onclick: () => this.note.replaceChildren() });
    this.note.replaceChildren(el("span", { text: `${showKey(key)} already does ${names}. ` }), take, leave);
    take.focus();
  }
}
