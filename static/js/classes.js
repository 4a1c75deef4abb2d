// The page of classes: drag to reorder, and a Rename button only where a name was changed.

const list = document.querySelector("[data-order-url]");
let dragged = null;

list.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest("[data-handle]");
  if (!handle || event.button) return;
  event.preventDefault();
  dragged = { row: handle.closest("li"), before: order() };
  handle.setPointerCapture(event.pointerId);
  dragged.row.classList.add("dragged");
});

list.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  const others = [...list.children].filter((row) => row !== dragged.row);
  const next = others.find((row) => event.clientY < row.getBoundingClientRect().top + row.offsetHeight / 2);
  if (dragged.row.nextElementSibling !== (next ?? null)) list.insertBefore(dragged.row, next ?? null);
});

for (const name of ["pointerup", "pointercancel"]) list.addEventListener(name, drop);

function drop(event) {
  if (!dragged) return;
  const { row, before } = dragged;
  dragged = null;
  row.classList.remove("dragged");
  if (event.type === "pointercancel" || order() === before) return;
  const form = row.querySelector("form.moves");
  form.replaceChildren(form.querySelector("[name=csrfmiddlewaretoken]"), hidden("keys", order()));
  form.submit();
}

function order() {
  return [...list.children].map((row) => row.dataset.key).join();
}

function hidden(name, value) {
  return Object.assign(document.createElement("input"), { type: "hidden", name, value });
}

function showRename(input) {
  input.form.querySelector("[data-rename]").hidden = input.value === input.dataset.initial;
}

for (const input of list.querySelectorAll("[data-initial]")) showRename(input);
list.addEventListener("input", (event) => { if (event.target.matches("[data-initial]")) showRename(event.target); });
