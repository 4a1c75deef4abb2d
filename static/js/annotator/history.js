/** The revisions of an image: who, when, what; a look at each on the canvas; restore makes a new one of it. */
import { byId, el, toast } from "./dom.js";
import { ApiError } from "./api.js";
import { fromAnnotation } from "./shapes.js";

const KINDS = { edit: "Edited", restore: "Restored", import: "Imported", classes: "Classes changed", prelabel: "Pre-labelled", review: "Reviewed" };

/** "3 min ago"; the full date is in the title. */
export function ago(iso, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  return "just now";
}

function describeChange({ added = 0, removed = 0, changed = 0 }) {
  const parts = [added && `+${added}`, removed && `−${removed}`, changed && `~${changed}`].filter(Boolean);
  return parts.join(" ") || "no change";
}

export class HistoryPanel {
  constructor({ ws, api }) {
    Object.assign(this, { ws, api });
    this.list = byId("revisions");
    this.banner = byId("preview-bar");
    byId("preview-restore").addEventListener("click", () => this.#restore());
    byId("preview-close").addEventListener("click", () => ws.endPreview());
    ws.on("preview", (name) => this.#showBanner(name));
    ws.on("image", () => this.isOpen && this.load());
    ws.sync.on("saved", ({ imageId }) => this.isOpen && imageId === ws.item?.id && this.load());
  }

  get isOpen() {
    return !byId("panel-history").hidden;
  }

  async load() {
    const { item } = this.ws;
    if (!item) return;
    try {
      const { revisions } = await this.api.revisions(item.id);
      if (item === this.ws.item) this.#show(revisions);
    } catch (error) {
      this.list.replaceChildren(el("li", { class: "ws-note", text: error instanceof ApiError ? error.message : "The server does not answer." }));
    }
  }

  #show(revisions) {
    const rows = revisions.map((revision) => this.#row(revision));
    const none = el("li", { class: "ws-note", text: "Nothing has been saved for this image yet." });
    this.list.replaceChildren(...(rows.length ? rows : [none]));
  }

  #row(revision) {
    const what = `${KINDS[revision.kind] ?? revision.kind} · ${revision.num_annotations} ${revision.num_annotations === 1 ? "shape" : "shapes"}`;
    const shown = this.shown === revision.number && this.ws.previewing;
    return el("li", {}, el("button", {
      type: "button", class: `ws-revision${shown ? " is-current" : ""}`, onclick: () => this.#look(revision), aria: { pressed: Boolean(shown) },
    },
    el("span", { class: "ws-revision-head" }, el("strong", { text: `#${revision.number}` }), el("span", { text: revision.author || "—" }), el("time", { text: ago(revision.created_at), title: new Date(revision.created_at).toLocaleString() })),
    el("span", { class: "ws-revision-what" }, el("span", { text: what }), el("span", { class: "ws-revision-diff", text: describeChange(revision) }))));
  }

  async #look(revision) {
    const { item } = this.ws;
    try {
      const { annotations } = await this.api.revision(item.id, revision.number);
      if (item !== this.ws.item) return;
      this.shown = revision.number;
      this.ws.preview(annotations.map((a, i) => ({ ...fromAnnotation(a), key: `r${i}`, z: i })), `Revision ${revision.number}`);
    } catch {
      toast("The revision cannot be had now.");
    }
  }

  #showBanner(name) {
    this.banner.hidden = !name;
    byId("preview-name").textContent = name ?? "";
    byId("preview-restore").hidden = !this.ws.canEdit;
    if (this.isOpen) this.load();
  }

  async #restore() {
    const { ws, api, shown } = this;
    const { item } = ws;
    await ws.sync.flush();
    if (ws.sync.unsent(item.id)) return toast("First your changes have to be saved.");
    const { status, body } = await api.restore(item.id, shown, ws.sync.revision(item.id)).catch(() => ({ status: 0 }));
    if (status === 409) return toast("Somebody changed this image meanwhile. Open it again to see what.");
    if (status !== 200 && status !== 201) return toast(body?.detail ?? "The server does not answer.");
    ws.endPreview();
    ws.takeFromServer(body, `Restore revision ${shown}`);
    toast(`Revision ${shown} restored.`);
    this.load();
  }
}
