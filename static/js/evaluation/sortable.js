// Tables that sort by a click on a column's head, and that a search box filters.

export function makeSortable(scope) {
  for (const table of scope.querySelectorAll("table[data-sortable]")) prepare(table);
  for (const box of scope.querySelectorAll("[data-filter-rows]")) {
    const { rows } = document.getElementById(box.dataset.filterRows).tBodies[0];
    box.addEventListener("input", () => {
      const words = box.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.cells[0].textContent.toLowerCase().includes(words);
    });
  }
}

function prepare(table) {
  for (const head of table.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, head));
  }
}

function sort(table, head) {
  const column = head.cellIndex;
  const isNumber = head.classList.contains("num");
  const before = head.getAttribute("aria-sort");
  const descending = before ? before === "ascending" : isNumber; // numbers begin with the largest
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [value(row.cells[column], isNumber), row]);
  rows.sort(([a], [b]) => compare(a, b, descending));
  body.append(...rows.map(([, row]) => row));
}

function value(cell, isNumber) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  return isNumber ? Number.parseFloat(text.replace("−", "-")) : text.toLowerCase();
}

// What has no number stands last, whichever way the others go.
function compare(a, b, descending) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  const order = typeof a === "number" ? a - b : a.localeCompare(b);
  return descending ? -order : order;
}
