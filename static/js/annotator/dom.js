/** The few words in which the panels make their elements. Text is always set as text, never parsed as markup. */

/**
 * An element: `props` are properties ("class", "text" and "on…" included), `aria` and `data` objects, and children.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "aria") for (const [key, said] of Object.entries(value)) node.setAttribute(`aria-${key}`, said);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "role" || name === "for") node.setAttribute(name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** A copy of one of the icons that the page's template carries. */
export function icon(name) {
  const source = document.getElementById("icons")?.content.querySelector(`[data-icon="${name}"] svg`);
  const copy = source ? source.cloneNode(true) : document.createElement("span");
  copy.setAttribute("aria-hidden", "true");
  return copy;
}

/** A button that shows an icon and says its name. */
export function iconButton(name, label, onclick, props = {}) {
  return el("button", { type: "button", class: "ws-icon-button", title: label, aria: { label }, onclick, ...props }, icon(name));
}

export const byId = (id) => document.getElementById(id);

/** Calls `fn` once in the next frame however often it was asked. */
export function perFrame(fn) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      fn();
    });
  };
}

/** Opens a dialog element with these children; resolves with its return value when it closes. */
export function openDialog(title, children, { wide = false } = {}) {
  const close = iconButton("x", "Close", () => dialog.close());
  const head = el("header", { class: "ws-dialog-head" }, el("h2", { text: title }), close);
  const dialog = el("dialog", { class: wide ? "ws-dialog ws-dialog-wide" : "ws-dialog", aria: { label: title } }, head, ...children);
  document.body.append(dialog);
  dialog.showModal();
  return {
    dialog,
    closed: new Promise((resolve) => dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    })),
  };
}

let toastTimer = null;

/** A short word at the foot of the canvas; `action` ({label, run}) puts a button beside it. */
export function toast(text, { action = null, kind = "" } = {}) {
  const box = byId("toast");
  box.replaceChildren(el("span", { text }));
  if (action) box.append(el("button", { type: "button", class: "ws-link", text: action.label, onclick: action.run }));
  box.className = `ws-toast is-open ${kind}`;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.classList.remove("is-open"), action ? 7000 : 3500);
}

/** Tells screen readers. */
export function announce(text) {
  byId("announcer").textContent = text;
}
