// The wall of crops: choose many at a glance, change their class or delete them, take it back.

const config = JSON.parse(document.getElementById("wall-config").textContent);
const root = document.getElementById("wall");
const wall = root.querySelector("[data-wall]");
const picker = root.querySelector("[name=class_id]");
const more = root.querySelector("[data-more]");
const state = { next: null, loading: false, chosen: new Set(), last: null, undo: [] };

function cookie(name) {
  return document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
}

async function call(path, body) {
  const options = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-CSRFToken": cookie(config.csrf_cookie) } };
  const answer = await fetch(path, options || {});
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.detail ?? Object.values(data).flat().join(" "));
  return data;
}

function say(words) {
  const error = root.querySelector("[data-error]");
  error.hidden = !words;
  error.textContent = words;
}

/** Shows the class from its beginning; at least as many crops as are asked for. */
async function start(atLeast = 0) {
  state.next = `${config.api}/crops?cursor=&page_size=120${picker.value === "" ? "" : `&class_id=${picker.value}`}`;
  state.chosen.clear();
  wall.replaceChildren();
  await load();
  while (state.next && wall.childElementCount < atLeast && (await load()));
}

async function load() {
  if (state.loading || !state.next) return false;
  state.loading = true;
  more.textContent = "Loading…";
  try {
    const page = await call(state.next);
    state.next = page.next && new URL(page.next, location.href).pathname + new URL(page.next, location.href).search;
    wall.append(...page.results.map(tile));
    more.textContent = state.next ? "" : wall.childElementCount ? "That is all." : "No box of this class.";
    say("");
    return true;
  } catch (error) {
    say(error.message || "The server did not answer.");
    return false;
  } finally {
    state.loading = false;
    show();
  }
}

function tile(row) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "option");
  button.setAttribute("aria-selected", "false");
  button.dataset.id = row.id;
  button.dataset.image = row.image_id;
  button.title = `${row.class_name}, ${row.source}`;
  const picture = document.createElement("img");
  picture.src = row.url;
  picture.loading = "lazy";
  picture.alt = row.class_name;
  const dot = document.createElement("i");
  dot.className = "dot";
  dot.style.background = config.classes[row.class_id]?.color ?? "#888";
  button.append(picture, dot);
  return button;
}

function show() {
  for (const button of wall.children) button.setAttribute("aria-selected", String(state.chosen.has(button.dataset.id)));
  root.querySelector("[data-count]").textContent = `${wall.childElementCount}${state.next ? "+" : ""} boxes`;
  if (!config.can_edit) return;
  const count = state.chosen.size;
  root.querySelector("[data-selected]").textContent = count ? `${count} chosen` : "";
  root.querySelector("[data-move]").disabled = root.querySelector("[data-delete]").disabled = !count;
  root.querySelector("[data-undo]").disabled = !state.undo.length;
}

function choose(button, event) {
  const tiles = [...wall.children];
  const [from, to] = [tiles.indexOf(state.last), tiles.indexOf(button)];
  if (event.shiftKey && from >= 0) {
    for (const one of tiles.slice(Math.min(from, to), Math.max(from, to) + 1)) state.chosen.add(one.dataset.id);
  } else if (!state.chosen.delete(button.dataset.id)) {
    state.chosen.add(button.dataset.id);
  }
  state.last = button;
  show();
}

async function change(action) {
  const ids = [...state.chosen].map(Number);
  if (!ids.length || !config.can_edit) return;
  try {
    // As this page knows the classes: somebody may have reordered them since.
    const keys = config.classes.map((c) => c.key);
    const { changes } = await call(`${config.api}/annotations/bulk`, { ids, class_keys: keys, ...action });
    state.undo.push(changes);
    settle(action);
    say("");
  } catch (error) {
    say(error.message);
  }
}

/** What was chosen after its change: taken off the wall, or in its new class; the rest stays where the eye is. */
function settle({ action, class_id: classId }) {
  const chosen = [...wall.children].filter((button) => state.chosen.has(button.dataset.id));
  const gone = action === "delete" || (picker.value !== "" && Number(picker.value) !== classId);
  const next = chosen.at(-1)?.nextElementSibling;
  for (const button of chosen) {
    if (gone) button.remove();
    else paint(button, classId);
  }
  if (gone) next?.focus({ preventScroll: true });
  state.chosen.clear();
  state.last = null;
  if (!wall.childElementCount && !state.next) more.textContent = "No box of this class.";
  show();
}

function paint(button, classId) {
  const { name, color } = config.classes[classId];
  button.title = name;
  button.querySelector("img").alt = name;
  button.querySelector(".dot").style.background = color;
}

async function undo() {
  const changes = state.undo.pop();
  if (!changes) return;
  try {
    const { left } = await call(`${config.api}/annotations/undo`, { changes });
    const top = scrollY;
    await start(wall.childElementCount);
    scrollTo(0, top);
    if (left) say(`${left} image${left > 1 ? "s were" : " was"} changed by someone since and stayed as they are.`);
  } catch (error) {
    say(error.message);
  }
}

wall.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button && config.can_edit) choose(button, event);
});
wall.addEventListener("dblclick", (event) => {
  const button = event.target.closest("button");
  if (button) location.assign(`${config.workspace}?image=${button.dataset.image}`);
});
picker.addEventListener("change", () => {
  history.replaceState(null, "", picker.value === "" ? location.pathname : `?class_id=${picker.value}`);
  start();
});
root.querySelector("[data-move]")?.addEventListener("change", (event) => {
  const classId = event.target.value;
  event.target.value = "";
  if (classId !== "") change({ action: "class", class_id: Number(classId) });
});
root.querySelector("[data-delete]")?.addEventListener("click", () => change({ action: "delete" }));
root.querySelector("[data-undo]")?.addEventListener("click", undo);

document.addEventListener("keydown", (event) => {
  if (!config.can_edit || event.target.matches("input, select, textarea")) return;
  const withControl = event.ctrlKey || event.metaKey;
  if (withControl && event.key === "a") {
    event.preventDefault();
    for (const button of wall.children) state.chosen.add(button.dataset.id);
    show();
  } else if (withControl && event.key === "z") {
    event.preventDefault();
    undo();
  } else if (event.key === "Escape") {
    state.chosen.clear();
    show();
  } else if (!withControl && event.key.toLowerCase() === "o" && document.activeElement?.dataset.image) {
    location.assign(`${config.workspace}?image=${document.activeElement.dataset.image}`);
  } else if (event.key === "Delete" || event.key === "Backspace") {
    change({ action: "delete" });
  } else if (!withControl && /^[0-9]$/.test(event.key)) {
    const classId = (Number(event.key) + 9) % 10;
    if (classId < config.classes.length) change({ action: "class", class_id: classId });
  }
});

const AHEAD = 600; // px below the window for which crops are loaded
// It tells of a moment that may be past: crops that came meanwhile have moved the end away.
const isNear = () => more.getBoundingClientRect().top < innerHeight + AHEAD;
new IntersectionObserver((entries) => { if (entries.at(-1).isIntersecting && isNear()) load(); }, { rootMargin: `${AHEAD}px` }).observe(more);
start();
