// The list of trainings asks for its rows again and again. What is shown is touched only where something changed, and
// never under the reader's hand: not while text in it is selected, not in a tab that nobody sees.

let shown = "";

const isPoll = (event) => event.detail.elt.matches("[data-live-rows]");

function isSelecting(rows) {
  const selection = getSelection();
  return !selection.isCollapsed && rows.contains(selection.anchorNode);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isPoll(event) && (document.hidden || isSelecting(event.detail.elt))) event.preventDefault();
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "rows") return;
  const fresh = event.detail.xhr.responseText;
  if (isPoll(event) && fresh === shown) event.detail.shouldSwap = false;
  shown = fresh;
});
