// The epochs as a table, the newest first; made when it is opened.

const MOST = 500; // rows on the page; the file has all
const FIRST = ["epoch", "mAP50_95", "mAP50", "precision", "recall"];
const WORDS = { epoch: "Epoch", mAP50_95: "mAP50-95", mAP50: "mAP50", precision: "Precision", recall: "Recall", seconds: "Seconds" };
const PARTS = { cls: "class", dfl: "distance", giou: "GIoU", l1: "L1" };

export class Table {
  constructor(page, epochs) {
    this.epochs = epochs;
    this.details = page.querySelector("[data-table]");
    this.table = this.details.querySelector("table");
    this.shown = 0;
    this.details.addEventListener("toggle", () => this.show(this.bestPlace));
  }

  show(bestPlace) {
    this.bestPlace = bestPlace;
    if (!this.details.open) return;
    const names = this.columns();
    if (this.names !== names.join() || this.shown > this.epochs.count) this.begin(names);
    const from = Math.max(this.shown, this.epochs.count - MOST);
    for (let place = from; place < this.epochs.count; place++) this.table.tBodies[0].prepend(this.row(names, place));
    this.shown = this.epochs.count;
    const rows = this.table.tBodies[0].rows;
    while (rows.length > MOST) rows[rows.length - 1].remove();
    for (const row of rows) row.classList.toggle("best", Number(row.dataset.place) === bestPlace);
    this.details.querySelector("[data-more-rows]").hidden = this.epochs.count <= MOST;
  }

  /** Another run of epochs: the table is made anew. */
  forget() {
    this.names = "";
  }

  columns() {
    const losses = [...this.epochs.names("train_"), ...this.epochs.names("val_")];
    return [...FIRST, ...losses, ...this.epochs.names("lr_"), "seconds"];
  }

  begin(names) {
    this.names = names.join();
    this.shown = 0;
    const head = document.createElement("tr");
    for (const name of names) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.className = "num";
      cell.textContent = WORDS[name] ?? inWords(name);
      head.append(cell);
    }
    this.table.tHead.replaceChildren(head);
    this.table.tBodies[0].replaceChildren();
  }

  row(names, place) {
    const row = document.createElement("tr");
    row.dataset.place = place;
    names.forEach((name, n) => {
      const cell = document.createElement(n ? "td" : "th");
      if (!n) cell.scope = "row";
      cell.className = "num";
      cell.textContent = this.value(name, place);
      row.append(cell);
    });
    return row;
  }

  value(name, place) {
    const value = this.epochs.of(name)[place];
    if (value === null || value === undefined) return "–";
    if (name === "epoch") return String(value);
    if (name === "seconds") return value.toFixed(1);
    return name.startsWith("lr_") ? value.toPrecision(3) : value.toFixed(4);
  }
}

function inWords(name) {
  const [kind, ...rest] = name.split("_");
  return kind === "lr" ? `Rate, group ${Number(rest[0]) + 1}` : `${PARTS[rest.join("_")] ?? rest.join(" ")} loss, ${kind}`;
}
