/** The bars around the canvas: buttons that call actions, the position, the filter, tabs, and what the page says. */
import { byId, el, perFrame, toast } from "./dom.js";
import { showKey } from "./keymap.js";

const STATES = { unlabelled: "Unlabelled", labelled: "Labelled", reviewed: "Reviewed", needs_work: "Sent back" };

function bindButtons({ ws, actions, keymap }) {
  const buttons = [...document.querySelectorAll("[data-action]")];
  for (const button of buttons) {
    button.dataset.label = button.getAttribute("aria-label") ?? button.textContent.trim();
    button.addEventListener("click", () => actions.run(button.dataset.action));
  }
  const showTool = () => {
    for (const button of buttons) {
      const [group, name] = button.dataset.action.split(".");
      if (group === "tool") button.setAttribute("aria-pressed", String(name === ws.tool.name));
    }
    byId("layer-overlay").style.cursor = ws.tool.cursor;
  };
  const showUndo = perFrame(() => {
    for (const step of ["undo", "redo"]) {
      document.querySelector(`[data-action=${step}]`).disabled = !ws.canEdit || !ws.store.doc[step].length;
    }
  });
  ws.on("tool", showTool);
  ws.store.on("changed", showUndo);
  ws.store.on("document", showUndo);
  showTool();
  showUndo();
  return () => buttons.forEach((button) => {
    const keys = keymap.keys(button.dataset.action).map(showKey).join(" or ");
    button.title = keys ? `${button.dataset.label} (${keys})` : button.dataset.label;
  });
}

function bindPosition(ws) {
  const field = byId("position");
  const show = () => {
    if (document.activeElement !== field) field.value = ws.navigation.current ? ws.navigation.position + 1 : "–";
    byId("count").textContent = ws.navigation.count;
  };
  ws.navigation.on("change", show);
  field.addEventListener("focus", () => field.select());
  field.addEventListener("blur", show);
  byId("position-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const n = Math.round(Number(field.value));
    byId("layer-overlay").focus();
    if (!(n >= 1 && n <= ws.navigation.count)) return toast(`There are ${ws.navigation.count} images in this list.`);
    const item = await ws.navigation.at(n - 1).catch(() => null);
    if (item) await ws.show(item); else toast("This image cannot be had now.");
  });
  return () => field.focus();
}

/** The filter as the page's query string: what the selects say over what else stood there. */
function bindFilter(ws, config) {
  const fields = { state: byId("filter-state"), split: byId("filter-split"), class_id: byId("filter-class") };
  const query = new URLSearchParams(config.query ?? "");
  const labeled = query.get("labeled");
  fields.state.value = query.get("inbox") === "true" ? "inbox" : query.get("disagreement") ? "disagreement" : query.get("state") ?? { true: "labelled", false: "unlabelled" }[labeled] ?? "";
  fields.split.value = query.get("split") ?? "";
  const showClasses = () => {
    const chosen = fields.class_id.value || (query.get("class_id") ?? "");
    fields.class_id.replaceChildren(el("option", { value: "", text: "Any class" }), ...ws.classes.list.map((c) => el("option", { value: c.index, text: c.name })));
    fields.class_id.value = chosen;
  };
  ws.classes.on("change", showClasses);
  const apply = async () => {
    for (const name of ["state", "labeled", "disagreement", "inbox", "split", "class_id"]) query.delete(name);
    const { value } = fields.state;
    if (value === "disagreement" || value === "inbox") query.set(value, "true");
    else if (value === "unlabelled" || value === "labelled") query.set("labeled", String(value === "labelled"));
    else if (value) query.set("state", value);
    for (const name of ["split", "class_id"]) if (fields[name].value) query.set(name, fields[name].value);
    await ws.setQuery(query.toString()).catch(() => toast("The server does not answer; the list is the old one."));
    showLink(ws, query);
  };
  for (const field of Object.values(fields)) {
    field.addEventListener("change", () => {
      apply();
      byId("layer-overlay").focus();
    });
  }
  ws.on("image", () => showLink(ws, query));
  return fields;
}

/** The address always leads a colleague to this image in this list. */
function showLink(ws, query) {
  const link = new URLSearchParams(query);
  if (ws.item) link.set("image", ws.item.id);
  history.replaceState(null, "", `${location.pathname}?${link}`);
}

function bindAdjust(ws) {
  const sliders = { brightness: byId("brightness"), contrast: byId("contrast") };
  for (const [name, slider] of Object.entries(sliders)) {
    slider.addEventListener("input", () => ws.view.adjust({ [name]: slider.value / 100 }));
  }
  byId("adjust-reset").addEventListener("click", () => {
    for (const slider of Object.values(sliders)) slider.value = 100;
    ws.view.adjust({ brightness: 1, contrast: 1 });
  });
  const box = document.querySelector(".ws-adjust");
  document.addEventListener("pointerdown", (event) => box.contains(event.target) || (box.open = false));
  const zoom = byId("zoom");
  ws.view.on("change", perFrame(() => (zoom.textContent = ws.item ? `${Math.round(ws.view.scale * 100)} %` : "")));
}

function bindTabs(history) {
  const show = (name) => {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const current = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(current));
      tab.tabIndex = current ? 0 : -1;
      byId(`panel-${tab.dataset.tab}`).hidden = !current;
    }
    if (name === "history") history.load(); else history.ws.endPreview();
  };
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.addEventListener("click", () => show(tab.dataset.tab));
    tab.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.stopPropagation();
      const other = document.querySelector("[role=tab][aria-selected=false]");
      show(other.dataset.tab);
      other.focus();
    });
  }
  return show;
}

function bindFacts(ws, config) {
  ws.on("image", (item) => {
    byId("filename").textContent = item.filename;
    byId("filename").title = `${item.filename} · ${item.width} × ${item.height}${item.split ? ` · ${item.split}` : ""}`;
    Object.assign(byId("original"), { href: item.original_url, hidden: false });
    document.title = `${item.filename} · ${config.dataset.name}`;
    byId("stage-message").hidden = true;
    ws.presence.moveTo(item.id);
  });
  ws.on("state", (state) => {
    byId("image-state").textContent = STATES[state] ?? state;
    byId("image-state").dataset.state = state;
  });
  ws.presence.on("change", () => showPeople(ws));
  ws.on("image", () => showPeople(ws));
  ws.on("error", ({ error }) => showMessage(ws, error, config));
  ws.store.on("noclass", () => {
    toast("Add a class first: a box needs one.");
    byId("add-class").elements.name.focus();
  });
}

function showPeople(ws) {
  const here = ws.presence.at(ws.item?.id);
  const chips = ws.presence.people.slice(0, 5).map(({ username, image_id: imageId }) => el("span", {
    class: `ws-person${here.includes(username) ? " is-here" : ""}`, text: username.slice(0, 2).toUpperCase(),
    title: imageId === ws.item?.id ? `${username} is on this image` : `${username} is on another image`,
  }));
  if (here.length) chips.push(el("span", { class: "ws-people-note", text: `${here.join(", ")} also here` }));
  byId("people").replaceChildren(...chips);
}

function showMessage(ws, error, config) {
  const box = byId("stage-message");
  const [head, text] = error
    ? ["This image cannot be shown", error.body ? error.message : "The server does not answer. What you have drawn is kept; try again in a moment."]
    : ws.navigation.query ? ["No image matches this filter", "Choose another filter above."] : ["No images yet", "Add images to this dataset, then label them here."];
  const link = !error && !ws.navigation.query ? el("a", { class: "ws-button is-primary", href: config.dataset.url, text: "Go to the dataset" }) : null;
  const again = error ? el("button", { type: "button", class: "ws-button is-primary", text: "Try again", onclick: () => ws.openById(ws.item?.id ?? config.image_id).catch((e) => showMessage(ws, e, config)) }) : null;
  box.replaceChildren(...[el("h2", { text: head }), el("p", { text }), link, again].filter(Boolean));
  box.hidden = false;
}

/** Binds all of it; answers {showKeys, focusPosition, showTab}. */
export function bindControls({ ws, actions, keymap, history, config }) {
  const showKeys = bindButtons({ ws, actions, keymap });
  const focusPosition = bindPosition(ws);
  bindFilter(ws, config);
  bindAdjust(ws);
  bindFacts(ws, config);
  showKeys();
  return { showKeys: () => { showKeys(); ws.classes.emit("change"); }, focusPosition, showTab: bindTabs(history) };
}
