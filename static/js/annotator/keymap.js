/**
 * Actions and the keys that call them. Pure: it turns a key event into an action's name and knows which keys collide.
 *
 * A key is written "Ctrl+Shift+Z": modifiers in the order Ctrl, Alt, Shift, then a letter, a digit or the key's name.
 * An action has a context: "drawing" (an unfinished shape) goes before "selection" (something is selected) goes before
 * "always", so one key may serve one action in each.
 */

const CLASS_ACTIONS = Array.from({ length: 10 }, (_, i) => [`class.${i + 1}`, `Class ${i + 1}`, "Classes", [String((i + 1) % 10)], "always"]);

/** [id, what it does, group, default keys, context] */
const TABLE = [
  ["tool.box", "Draw a box", "Tools", ["W", "B"], "always"],
  ["tool.polygon", "Draw a polygon", "Tools", ["Y"], "always"],
  ["tool.select", "Select", "Tools", ["V"], "always"],
  ["cancel", "Cancel the drawing, then select", "Tools", ["Escape"], "always"],
  ["draw.close", "Close the polygon", "Tools", ["Enter"], "drawing"],
  ["draw.back", "Take the last point back", "Tools", ["Backspace"], "drawing"],
  ["next", "Next image", "Images", ["D", "ArrowRight"], "always"],
  ["previous", "Previous image", "Images", ["A", "ArrowLeft"], "always"],
  ["nextUnlabelled", "Next unlabelled image", "Images", ["Shift+D"], "always"],
  ["goto", "Go to image number…", "Images", ["G"], "always"],
  ["empty", "No objects here, and next", "Images", ["N"], "always"],
  ["save", "Save now", "Images", ["Ctrl+S"], "always"],
  ["shape.next", "Next shape", "Shapes", ["Tab"], "always"],
  ["shape.previous", "Previous shape", "Shapes", ["Shift+Tab"], "always"],
  ["delete", "Delete the selection", "Shapes", ["Delete", "Backspace"], "selection"],
  ["undo", "Undo", "Shapes", ["Ctrl+Z"], "always"],
  ["redo", "Redo", "Shapes", ["Ctrl+Y", "Ctrl+Shift+Z"], "always"],
  ["copy", "Copy", "Shapes", ["Ctrl+C"], "selection"],
  ["paste", "Paste", "Shapes", ["Ctrl+V"], "always"],
  ["duplicate", "Duplicate", "Shapes", ["Ctrl+D"], "selection"],
  ["selectAll", "Select all", "Shapes", ["Ctrl+A"], "always"],
  ["copyPrevious", "Copy all boxes from the previous image", "Shapes", ["R"], "always"],
  ["hide", "Hide the selection", "Shapes", ["H"], "selection"],
  ["hideAll", "Hide or show all", "Shapes", ["Shift+H"], "always"],
  ["lock", "Lock the selection", "Shapes", ["L"], "selection"],
  ["lockAll", "Lock or unlock all", "Shapes", ["Shift+L"], "always"],
  ["nudge.left", "Nudge left by 1 px", "Shapes", ["ArrowLeft"], "selection"],
  ["nudge.right", "Nudge right by 1 px", "Shapes", ["ArrowRight"], "selection"],
  ["nudge.up", "Nudge up by 1 px", "Shapes", ["ArrowUp"], "selection"],
  ["nudge.down", "Nudge down by 1 px", "Shapes", ["ArrowDown"], "selection"],
  ["nudge.left10", "Nudge left by 10 px", "Shapes", ["Shift+ArrowLeft"], "selection"],
  ["nudge.right10", "Nudge right by 10 px", "Shapes", ["Shift+ArrowRight"], "selection"],
  ["nudge.up10", "Nudge up by 10 px", "Shapes", ["Shift+ArrowUp"], "selection"],
  ["nudge.down10", "Nudge down by 10 px", "Shapes", ["Shift+ArrowDown"], "selection"],
  ["insert", "Put a box in the middle", "Shapes", ["Shift+W"], "always"],
  ["resize.right", "Wider by 4 px", "Shapes", ["Ctrl+ArrowRight"], "selection"],
  ["resize.left", "Narrower by 4 px", "Shapes", ["Ctrl+ArrowLeft"], "selection"],
  ["resize.down", "Higher by 4 px", "Shapes", ["Ctrl+ArrowDown"], "selection"],
  ["resize.up", "Lower by 4 px", "Shapes", ["Ctrl+ArrowUp"], "selection"],
  ...CLASS_ACTIONS,
  ["prelabel", "Pre-label this image", "Suggestions", ["P"], "always"],
  ["prelabelAll", "Pre-label the whole list…", "Suggestions", ["Alt+P"], "always"],
  ["accept", "Accept what is shown, and next", "Suggestions", ["Enter"], "always"],
  ["dismiss", "Dismiss all suggestions", "Suggestions", ["Shift+P"], "always"],
  ["fit", "Fit the image", "View", ["Ctrl+0"], "always"],
  ["actual", "100 %", "View", ["Z"], "always"],
  ["zoomIn", "Zoom in", "View", ["+", "="], "always"],
  ["zoomOut", "Zoom out", "View", ["-"], "always"],
  ["pan", "Hold to pan", "View", ["Space"], "always"],
  ["labels", "Show or hide class names", "View", ["T"], "always"],
  ["history", "Revisions of this image", "View", ["Shift+R"], "always"],
  ["review.accept", "Review: accept", "Review", ["Ctrl+Enter"], "always"],
  ["review.sendBack", "Review: send back", "Review", ["Ctrl+Backspace"], "always"],
  ["help", "This list", "View", ["?"], "always"],
];

/** Every action: {id, label, group, keys (the defaults), context}. */
export const ACTIONS = TABLE.map(([id, label, group, keys, context]) => ({ id, label, group, keys, context }));

/** What the habits of other tools change of the defaults. */
export const PRESETS = {
  default: {},
  labelImg: {
    "tool.box": ["W"], next: ["D"], previous: ["A"], duplicate: ["Ctrl+D"], hideAll: ["Ctrl+H"], fit: ["Ctrl+F"], actual: ["Ctrl+="],
    zoomIn: ["Ctrl++", "+"], zoomOut: ["Ctrl+-", "-"], accept: ["Enter"], labels: ["Ctrl+Shift+P"],
  },
  CVAT: {
    "tool.box": ["N"], "tool.select": ["V"], next: ["F"], previous: ["D"], nextUnlabelled: ["Shift+F"], empty: ["Shift+N"],
    copyPrevious: ["Ctrl+B"], hideAll: ["Ctrl+H"], lockAll: ["Ctrl+L"], duplicate: ["Ctrl+D"], fit: ["Shift+Z"], help: ["F1", "?"],
    ...Object.fromEntries(CLASS_ACTIONS.map(([id, , , [digit]]) => [id, [digit, `Ctrl+${digit}`]])),
  },
  "Label Studio": {
    "tool.box": ["R"], "tool.polygon": ["Shift+R"], "tool.select": ["V"], next: ["Ctrl+ArrowRight", "ArrowRight"],
    previous: ["Ctrl+ArrowLeft", "ArrowLeft"], "shape.next": ["Alt+.", "Tab"], "shape.previous": ["Alt+,", "Shift+Tab"],
    accept: ["Ctrl+Enter"], "review.accept": ["Alt+Enter"], copyPrevious: ["Shift+C"], hide: ["Alt+H"], hideAll: ["Ctrl+H"],
    lock: ["Alt+L"], history: ["Alt+R"], duplicate: ["Ctrl+D"], delete: ["Backspace", "Delete"],
  },
};

const CONTEXTS = ["drawing", "selection", "always"];
const NAMES = { " ": "Space", Esc: "Escape", Del: "Delete", Left: "ArrowLeft", Right: "ArrowRight", Up: "ArrowUp", Down: "ArrowDown" };

/** The name of the key of a keydown event, or null for a modifier alone. Cmd counts as Ctrl. */
export function keyOf({ key, code = "", ctrlKey, metaKey, altKey, shiftKey }) {
  if (!key || ["Control", "Shift", "Alt", "Meta", "AltGraph", "Dead"].includes(key)) return null;
  let name = NAMES[key] ?? key;
  let shift = shiftKey;
  // Letters and digits by place where the layout writes something else there (Cyrillic, AZERTY, Alt on a Mac).
  if (/^Digit\d$/.test(code)) name = code.slice(5);
  else if (/^Numpad\d$/.test(code) && /^\d$/.test(key)) name = key;
  else if (/^[a-z]$/i.test(name)) name = name.toUpperCase();
  else if (/^Key[A-Z]$/.test(code) && name.length === 1) name = code.slice(3);
  else if (name.length === 1) shift = false;
  return [(ctrlKey || metaKey) && "Ctrl", altKey && "Alt", shift && "Shift", name].filter(Boolean).join("+");
}

/** The keys of one person. */
export class Keymap {
  /** `saved`: {action: [key], preset: [name]} as the server keeps it for the user, or null. `save(saved)` stores it. */
  constructor(saved = null, save = () => {}) {
    const [preset] = saved?.preset ?? [];
    this.preset = Object.hasOwn(PRESETS, preset) ? preset : "default";
    this.own = {};
    for (const [id, keys] of Object.entries(saved ?? {})) {
      if (ACTIONS.some((action) => action.id === id) && Array.isArray(keys)) this.own[id] = keys.map(String);
    }
    this.save = save;
  }

  /** The keys of an action now. */
  keys(id) {
    return this.own[id] ?? PRESETS[this.preset][id] ?? ACTIONS.find((action) => action.id === id).keys;
  }

  /** The action a key calls in a state ({drawing, selection}: booleans), or null. */
  action(key, { drawing = false, selection = false } = {}) {
    const open = { drawing, selection, always: true };
    const hits = ACTIONS.filter((action) => open[action.context] && this.keys(action.id).includes(key));
    hits.sort((a, b) => CONTEXTS.indexOf(a.context) - CONTEXTS.indexOf(b.context));
    return hits[0]?.id ?? null;
  }

  /** Other actions of the same context that this key already calls. */
  conflicts(id, key) {
    const { context } = ACTIONS.find((action) => action.id === id);
    return ACTIONS.filter((other) => other.id !== id && other.context === context && this.keys(other.id).includes(key));
  }

  /** Every collision there is: [{key, actions: [a, b]}]. */
  allConflicts() {
    return ACTIONS.flatMap((action) => this.keys(action.id).flatMap((key) => (
      this.conflicts(action.id, key).filter((other) => other.id > action.id).map((other) => ({ key, actions: [action, other] }))
    )));
  }

  /** Sets an action's keys; with `take`, other actions of its context lose them. */
  set(id, keys, { take = false } = {}) {
    if (take) {
      for (const key of keys) {
        for (const other of this.conflicts(id, key)) this.own[other.id] = this.keys(other.id).filter((k) => k !== key);
      }
    }
    this.own[id] = [...keys];
    this.#store();
  }

  /** Starts from a preset; own changes are dropped. */
  usePreset(preset) {
    this.preset = preset;
    this.own = {};
    this.#store();
  }

  reset(id) {
    delete this.own[id];
    this.#store();
  }

  #store() {
    this.save({ ...this.own, preset: [this.preset] });
  }
}

const SIGNS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", Delete: "Del", Backspace: "⌫" };

/** A key as people write it: "Shift+←". */
export const showKey = (key) => key.split("+").map((part) => SIGNS[part] ?? part).join("+").replace(/\+\+$/, "++");
