/** The gallery of a dataset: a list of any length, of which only what is in view is in the page. */
import { byId } from "../annotator/dom.js";
import { toast } from "../toast.js";
import { Boxes } from "./boxes.js";
import { Bulk, counted } from "./bulk.js";
import { Grid } from "./grid.js";
import { Keyboard } from "./keyboard.js";
import { addressOf, filterOf, listOf, positionOf, queryOf, showCount, showQuery } from "./place.js";
import { Selection } from "./selection.js";
import { Server } from "./server.js";
import { Tiles } from "./tile.js";
import { Windows } from "./windows.js";

const MOST_IDS = 10_000;
const TYPING_PAUSE = 250;

class Gallery {
  constructor(root, config) {
    Object.assign(this, { root, config, server: new Server(config), selection: new Selection() });
    this.form = root.querySelector("[data-filters]");
    this.query = listOf(location.search);
    this.windows = new Windows({ fetchWindow: (from, size, signal) => this.server.tiles(this.query, from, size, { signal }) });
    this.boxes = new Boxes({ url: config.urls.boxes, came: () => this.grid.refresh() });
    this.tiles = new Tiles({
      template: byId("tile-template"), urls: config.urls, boxes: this.boxes, selection: this.selection,
      words: (id) => new URLSearchParams({ ...filterOf(this.query), image: id }),
    });
    this.makeGrid();
    if (config.can_edit) this.makeChoosing();
    this.keyboard = new Keyboard({
      grid: this.grid, list: this.grid.list, choose: config.can_edit ? this : null, undo: () => this.bulk.undo(),
    });
    this.listen();
    this.begin();
  }

  makeGrid() {
    this.grid = new Grid({
      canvas: this.root.querySelector("[data-canvas]"), list: this.root.querySelector("[data-list]"),
      bar: this.root.querySelector("[data-gallery-bar]"), make: this.tiles.make,
      fill: (tile, index, resting) => this.tiles.fill(tile, this.windows.item(index), resting),
    });
    this.grid.on("view", (view) => this.viewed(view));
    this.windows.on("change", () => this.grid.refresh());
    this.windows.on("change", () => this.drawBoxes());
    this.windows.on("count", (count) => this.show(count));
    this.windows.on("error", (error) => toast(error.message, { kind: "error", action: { label: "Try again", run: () => this.reload() } }));
  }

  makeChoosing() {
    this.bulk = new Bulk({
      bar: byId("bulk-bar"), selection: this.selection, server: this.server, config: this.config,
      total: () => this.windows.count, filter: () => filterOf(this.query), selectAll: () => this.all(),
      changed: () => this.reload(),
    });
    this.selection.on("change", () => {
      this.root.classList.toggle("is-choosing", !this.selection.isEmpty);
      this.grid.refresh();
    });
  }

  /** What the server drew is taken over: the same tiles, as part of the whole list. */
  begin() {
    history.scrollRestoration = "manual";
    showCount(this.form);
    this.root.querySelector("[data-pager]")?.remove();
    const at = Math.min(positionOf(location.search), Math.max(0, this.config.count - 1));
    this.windows.reset(this.config.count, this.config.from, this.config.items);
    this.grid.reset(this.config.count, at || null);
  }

  listen() {
    let typing = null;
    const narrowed = () => { clearTimeout(typing); this.narrow(queryOf(this.form)); };
    this.form.addEventListener("submit", (event) => { event.preventDefault(); narrowed(); });
    this.form.addEventListener("change", narrowed);
    this.form.addEventListener("input", (event) => {
      if (event.target.matches("select, [type=checkbox]")) return;
      clearTimeout(typing);
      typing = setTimeout(narrowed, TYPING_PAUSE);
    });
    this.root.addEventListener("click", (event) => this.clicked(event));
    byId("bulk-bar")?.querySelector("[data-bulk-similar]").addEventListener("click", () => this.similar(this.selection.only));
    byId("show-boxes").addEventListener("change", (event) => {
      this.boxes.shown = event.target.checked;
      this.grid.refresh();
      this.drawBoxes();
    });
    addEventListener("popstate", () => this.cameBack());
    addEventListener("pageshow", (event) => { if (event.persisted) this.reload(); });
    document.addEventListener("gallery:changed", () => this.reload());
  }

  viewed({ first, end, resting, still }) {
    if (!resting) return;
    this.windows.want(first, end);
    this.view = { first, end };
    this.drawBoxes();
    if (still) this.notePlace();
  }

  drawBoxes() {
    const { first, end } = this.view ?? { first: 0, end: 0 };
    const items = [];
    for (let index = first; index < end; index += 1) items.push(this.windows.item(index));
    this.boxes.want(items.filter(Boolean));
  }

  notePlace() {
    const address = addressOf(this.query, this.grid.position);
    if (address !== location.search && (address !== location.pathname || location.search)) history.replaceState(history.state, "", address);
  }

  /** Another list: its first window, from the top. */
  narrow(query) {
    if (String(query) === String(this.query)) return;
    this.query = query;
    showCount(this.form);
    history.pushState(null, "", addressOf(query));
    this.selection.clear();
    this.load(0);
  }

  cameBack() {
    this.query = listOf(location.search);
    showQuery(this.form, this.query);
    showCount(this.form);
    this.selection.clear();
    this.load(positionOf(location.search));
  }

  /** The same list as it is now, at the same place. */
  reload() {
    document.body.dispatchEvent(new CustomEvent("gallery:counts"));
    this.boxes.forget();
    return this.load(null);
  }

  async load(at) {
    const turn = (this.turn = {});
    const { size } = this.windows;
    const from = Math.floor((at ?? this.view?.first ?? 0) / size) * size;
    try {
      let answer = await this.server.tiles(this.query, from, size, { count: true });
      let start = from;
      if (from && from >= answer.count) {
        start = Math.floor(Math.max(0, answer.count - 1) / size) * size;
        answer = await this.server.tiles(this.query, start, size, { count: true });
      }
      if (turn !== this.turn) return;
      this.windows.reset(answer.count, start, answer.items);
      this.show(answer.count, answer.similar, at);
    } catch (error) {
      if (turn === this.turn) toast(error.message, { kind: "error" });
    }
  }

  show(count, similar = undefined, at = null) {
    this.root.querySelector("[data-count]").textContent = counted(count);
    this.root.querySelector("[data-no-match]").hidden = count > 0;
    this.root.querySelector("[data-clear]").hidden = ![...this.query].some(([name]) => name !== "sort");
    if (similar !== undefined) this.showSimilar(similar);
    this.grid.reset(count, at);
    this.bulk?.show();
  }

  showSimilar(name) {
    const note = this.root.querySelector("[data-similar]");
    note.hidden = !this.query.has("similar");
    note.querySelector("b").textContent = name ?? "";
    this.form.elements.sort.disabled = this.query.has("similar");
  }

  similar(id) {
    const query = queryOf(this.form);
    query.set("similar", id);
    query.delete("sort");
    showQuery(this.form, query);
    this.narrow(query);
  }

  clicked(event) {
    const clear = event.target.closest("[data-clear], [data-clear-similar]");
    if (clear) return this.clear(event, clear);
    const index = this.grid.positionOf(event.target);
    const item = index === null ? null : this.windows.item(index);
    if (!item) return undefined;
    const act = event.target.closest("[data-act]")?.dataset.act;
    if (act === "similar") return this.similar(item.id);
    if (act === "delete") return this.bulk.removeOne(item);
    if (!this.config.can_edit) return undefined;
    const onCheck = event.target.closest("[data-check]");
    if (!onCheck && !event.shiftKey) return undefined;
    event.preventDefault();
    return event.shiftKey && this.selection.anchor !== null ? this.range(this.selection.anchor, index) : this.toggle(index);
  }

  clear(event, element) {
    event.preventDefault();
    const query = element.matches("[data-clear-similar]") ? queryOf(this.form) : new URLSearchParams();
    query.delete("similar");
    showQuery(this.form, query);
    this.narrow(query);
  }

  toggle(index) {
    const item = this.windows.item(index);
    if (!item) return;
    this.selection.anchor = index;
    this.selection.toggle(item.id);
  }

  async range(from, to) {
    this.selection.anchor ??= from;
    const [first, last] = [Math.min(this.selection.anchor, to), Math.max(this.selection.anchor, to)];
    const ids = [];
    for (let index = first; index <= last; index += 1) ids.push(this.windows.item(index)?.id);
    if (!ids.includes(undefined)) return this.selection.add(ids);
    if (ids.length > MOST_IDS) return toast(`A range has at most ${counted(MOST_IDS)}. Narrow the list and choose all that match.`, { kind: "error" });
    try {
      return this.selection.add(await this.server.ids(this.query, first, ids.length));
    } catch (error) {
      return toast(error.message, { kind: "error" });
    }
  }

  /** All that match: as a filter, whatever their number; images alike are few, and no filter names them. */
  all() {
    if (!this.query.has("similar")) return this.selection.selectAll();
    return this.server.ids(this.query, 0, this.windows.count).then((ids) => this.selection.add(ids), (error) => toast(error.message, { kind: "error" }));
  }

  none() {
    if (this.selection.isEmpty) return false;
    this.selection.clear();
    return true;
  }

  remove() {
    if (this.selection.isEmpty) return false;
    this.bulk.remove();
    return true;
  }
}

const root = byId("gallery");
const config = byId("gallery-config");
if (root && config) new Gallery(root, JSON.parse(config.textContent));
