/** Wires the labelling page: makes the parts, hands them to each other, and binds the page's controls. */
import { Actions } from "./actions.js";
import { Api } from "./api.js";
import { Classes } from "./classes.js";
import { bindControls } from "./controls.js";
import { askConflict } from "./conflict.js";
import { byId, toast } from "./dom.js";
import { Filmstrip } from "./filmstrip.js";
import { HistoryPanel } from "./history.js";
import { ImageCache, Source } from "./images.js";
import { bindKeyboard } from "./keyboard.js";
import { Keymap } from "./keymap.js";
import { KeysDialog } from "./keys_dialog.js";
import { Navigation } from "./navigation.js";
import { BoxList, ClassList } from "./panel.js";
import { PointerInput } from "./input.js";
import { PrelabelBar } from "./prelabel.js";
import { PrelabelAll } from "./prelabel_all.js";
import { Presence } from "./presence.js";
import { Renderer } from "./renderer.js";
import { openReview, watchNote } from "./review.js";
import { watchStatus } from "./status.js";
import { openStorage } from "./storage.js";
import { Store } from "./store.js";
import { Suggestions } from "./suggestions.js";
import { Sync } from "./sync.js";
import { View } from "./view.js";
import { Workspace } from "./workspace.js";

const config = JSON.parse(byId("workspace-config").textContent);

function makeWorkspace(storage) {
  const api = new Api(config.api, config.dataset.id, config.csrf_cookie);
  const store = new Store();
  const view = new View();
  const classes = new Classes();
  const suggestions = new Suggestions({ store });
  const sync = new Sync({ put: (id, body) => api.putAnnotations(id, body), storage, user: config.user.id, dataset: config.dataset.id });
  const navigation = new Navigation({ api, query: config.query ?? "" });
  const cache = new ImageCache({ annotations: (id) => api.annotations(id), source: new Source(config.pictures_from_store) });
  const presence = new Presence({ ask: (id) => api.presence(id), me: config.user.username });
  const renderer = new Renderer({
    base: byId("layer-base"), overlay: byId("layer-overlay"), crosshair: { x: byId("crosshair-x"), y: byId("crosshair-y") }, store, view, classes,
  });
  renderer.suggestions = () => suggestions.visible.map((shape) => (
    { shape, label: `${classes.name(shape.classId)} ${Math.round(shape.confidence * 100)} %` }
  ));
  return new Workspace({ api, store, view, classes, suggestions, sync, navigation, cache, presence, renderer, canEdit: config.can_edit });
}

function fitCanvas(ws) {
  const stage = byId("stage");
  const resize = () => {
    ws.renderer.background = getComputedStyle(stage).getPropertyValue("--stage").trim() || "#1b1d21";
    ws.renderer.resize(stage.clientWidth, stage.clientHeight);
  };
  new ResizeObserver(resize).observe(stage);
  new MutationObserver(resize).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", resize);
  resize();
}

function makePanels(ws, keymap) {
  const prelabel = new PrelabelBar({ ws, api: ws.api, accept: () => actions.accept() });
  const prelabelAll = new PrelabelAll({
    ws, api: ws.api, dataset: config.dataset.id, loadStored: (item, options) => prelabel.loadStored(item, options),
  });
  const history = new HistoryPanel({ ws, api: ws.api });
  const keysDialog = new KeysDialog({ keymap, changed: () => controls.showKeys() });
  const actions = new Actions(ws, {
    help: () => keysDialog.open(),
    goto: () => controls.focusPosition(),
    history: () => controls.showTab(history.isOpen ? "boxes" : "history"),
    prelabel: () => prelabel.run(),
    prelabelAll: () => config.review?.can_review && prelabelAll.open(),
    review: (action) => config.review?.can_review && openReview(ws, action),
  });
  const controls = bindControls({ ws, actions, keymap, history, config });
  ws.on("ready", (item) => prelabel.loadStored(item));
  return actions;
}

function makeLists(ws, actions, keymap, canAdd) {
  const hover = (key) => {
    ws.renderer.hover = key;
    ws.renderer.invalidate("overlay");
  };
  new ClassList({
    element: byId("classes"), form: byId("add-class"), store: ws.store, classes: ws.classes, keymap, canEdit: canAdd,
    choose: (id) => actions.chooseClass(id), add: (name) => addClass(ws, name),
  });
  new BoxList({
    element: byId("boxes"), count: byId("box-count"), store: ws.store, classes: ws.classes, hover, reveal: (shape) => ws.reveal([shape]),
  });
  new Filmstrip({ element: byId("filmstrip"), navigation: ws.navigation, people: ws.presence, open: (item) => ws.navigation.move(ws.navigation.items.indexOf(item) - ws.navigation.index).then((to) => to && ws.show(to)) });
}

async function addClass(ws, name) {
  try {
    const { classes } = await ws.api.addClass(name);
    ws.classes.set(classes);
    const added = classes.find((c) => c.name === name) ?? classes.at(-1);
    ws.store.setClass(added.id);
    return true;
  } catch (error) {
    toast(error.body ? error.message : "The server does not answer; the class was not added.", { kind: "is-danger" });
    return false;
  }
}

function bindPointer(ws) {
  const pointer = new PointerInput({
    element: byId("layer-overlay"), view: ws.view, tool: () => ws.tool,
    enabled: () => ws.ready && !ws.previewing,
    after: (p) => {
      ws.renderer.pointer = p?.screen ?? null;
      ws.renderer.hover = p && ws.tool.hoverAt && ws.ready ? ws.tool.hoverAt(p) : null;
      byId("layer-overlay").style.cursor = pointer.panHeld ? "grab" : ws.tool.cursor;
      ws.renderer.invalidate("overlay");
    },
    onDoubleClick: (p) => {
      const used = ws.ready && !ws.previewing && ws.tool.doubleClick?.(p);
      if (!used && ws.tool.name === "select" && !ws.tool.hoverAt(p)) ws.view.fit();
      ws.renderer.invalidate("base", "overlay");
    },
  });
  return pointer;
}

/** Asks about a conflict once it is the image on the screen; elsewhere it only says so. */
function watchConflicts(ws) {
  let asking = false;
  const ask = async () => {
    const conflict = ws.item && ws.sync.conflict(ws.item.id);
    if (!conflict || asking) return;
    asking = true;
    const { item } = ws;
    const choice = await askConflict({ conflict, picture: ws.renderer.picture, image: ws.view.image, classes: ws.classes, filename: item.filename });
    asking = false;
    if (choice !== undefined) ws.resolveConflict(item.id, choice);
    ask.again = choice === undefined;
  };
  ws.sync.on("conflict", ({ imageId }) => {
    if (imageId === ws.item?.id) return ask();
    const item = ws.navigation.item(imageId);
    toast(`Somebody else changed ${item?.filename ?? `image ${imageId}`} too.`, { action: { label: "Look", run: () => ws.openById(imageId) } });
  });
  ws.on("ready", ask);
  byId("save-state").addEventListener("click", ask);
}

/** The image to begin with; its picture and boxes are asked for at once, before the strip's thumbnails are. */
async function firstItem(ws) {
  const item = await ws.navigation.start(config.image_id);
  if (item) ws.cache.prefetch(item, [item]);
  return item;
}

async function start() {
  const ws = makeWorkspace(await openStorage());
  const keymap = new Keymap(config.keymap, (saved) => ws.api.saveKeymap(saved).catch(() => toast("The keys could not be saved; they hold until you leave this page.")));
  const actions = makePanels(ws, keymap);
  makeLists(ws, actions, keymap, config.can_add_classes);
  fitCanvas(ws);
  bindKeyboard({ actions, keymap, ws, pointer: bindPointer(ws) });
  watchStatus(ws.sync, byId("save-state"));
  watchConflicts(ws);
  watchNote(ws, byId("review-note"));
  window.workspace = ws;
  try {
    const [{ classes }, item] = await Promise.all([ws.api.classes(), firstItem(ws), ws.sync.start()]);
    ws.classes.set(classes);
    ws.store.setClass(ws.classes.list[0]?.id ?? null);
    await ws.open(item);
  } catch (error) {
    ws.emit("error", { item: null, error });
  }
}

start();
