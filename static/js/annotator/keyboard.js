/** Keys of the page → actions. Text fields and open dialogs keep their keys; a focused button keeps Enter and Space. */
import { byId } from "./dom.js";
import { keyOf } from "./keymap.js";

const REPEATS = /^(next|previous|undo|redo|nudge|shape|zoom)/;

function belongsToControl(event, key, action) {
  const { target } = event;
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest?.("input:not([type=range]), textarea, select, [contenteditable]")) return true;
  if (target.closest?.("input[type=range]") && /^Arrow|Home|End/.test(key)) return true;
  if (target.closest?.("button, a, summary") && ["Enter", "Space"].includes(key)) return true;
  // Tab walks the shapes only from the canvas; from every control it goes where Tab always goes.
  return action?.startsWith("shape.") && target !== byId("layer-overlay") && target !== document.body;
}

export function bindKeyboard({ ws, actions, keymap, pointer }) {
  const canvas = byId("layer-overlay");
  const actionOf = (key) => keymap.action(key, {
    drawing: ws.tool.name === "polygon" && ws.tool.points.length > 0, selection: ws.store.selection.size > 0,
  });

  window.addEventListener("keydown", (event) => {
    const key = keyOf(event);
    const action = key && actionOf(key);
    if (!action || belongsToControl(event, key, action)) return;
    if (action === "pan") {
      pointer.panHeld = true;
      canvas.style.cursor = "grab";
      return event.preventDefault();
    }
    if (event.repeat && !REPEATS.test(action)) return event.preventDefault();
    if (actions.run(action) !== false) event.preventDefault();
  });

  const release = () => {
    pointer.panHeld = false;
    canvas.style.cursor = ws.tool.cursor;
  };
  window.addEventListener("keyup", (event) => keymap.keys("pan").includes(keyOf(event)) && release());
  window.addEventListener("blur", release);

  // After a click with the mouse the keys belong to the canvas again; who walks by Tab stays where they are.
  document.addEventListener("click", (event) => {
    const button = event.detail > 0 && event.target.closest?.("button");
    if (button && !button.closest("dialog, form")) canvas.focus({ preventScroll: true });
  });
  canvas.focus({ preventScroll: true });
}
