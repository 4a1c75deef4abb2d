/** A short word at the foot of the page, with one thing to do about it. */
import { el } from "./annotator/dom.js";

let timer = null;

function place() {
  const there = document.getElementById("toast");
  if (there) return there;
  const box = el("div", { id: "toast", class: "toast", role: "status" });
  document.body.append(box);
  return box;
}

/** `action` is `{label, run}`; `kind` "error" stays longer. It goes by itself, but never under the pointer. */
export function toast(words, { action = null, kind = "" } = {}) {
  const box = place();
  const run = () => { close(); action.run(); };
  box.replaceChildren(el("span", { text: words }));
  if (action) box.append(el("button", { type: "button", text: action.label, onclick: run }));
  box.append(el("button", { type: "button", class: "close", text: "×", aria: { label: "Dismiss" }, onclick: close }));
  box.className = `toast is-open ${kind}`;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (box.matches(":hover, :focus-within") ? wait() : close()), action || kind ? 12_000 : 5_000);
  };
  wait();
}

function close() {
  clearTimeout(timer);
  document.getElementById("toast")?.classList.remove("is-open");
}
