// The numbers behind a chart as a table: for screen readers, and to copy into a sheet.

/** Fill `place` with a table of `{head, rows}`; a cell is a number, or {text, query} with a link to the gallery. */
export function showTable(place, { head, rows }, gallery) {
  const table = document.createElement("table");
  const top = table.createTHead().insertRow();
  head.forEach((words, column) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.className = column ? "num" : "";
    cell.textContent = words;
    top.append(cell);
  });
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const cell of row) line.append(typeof cell === "number" ? numberCell(cell) : nameCell(cell, gallery));
  }
  const wrap = document.createElement("div");
  wrap.className = "table-wrap statistics-table";
  wrap.tabIndex = 0;
  wrap.append(table);
  place.replaceChildren(copyButton(head, rows), wrap);
}

function numberCell(value) {
  const cell = document.createElement("td");
  cell.className = "num";
  cell.textContent = value.toLocaleString("en");
  return cell;
}

function nameCell({ text, query }, gallery) {
  const cell = document.createElement("th");
  cell.scope = "row";
  if (query) {
    const link = document.createElement("a");
    link.href = gallery + query;
    link.textContent = text;
    cell.append(link);
  } else cell.textContent = text;
  return cell;
}

function copyButton(head, rows) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button ghost small";
  button.textContent = "Copy the table";
  button.addEventListener("click", async () => {
    const lines = [head, ...rows.map((row) => row.map((cell) => (typeof cell === "number" ? cell : cell.text)))];
    button.textContent = await copied(lines.map((line) => line.map(oneLine).join("\t")).join("\n")) ? "Copied" : "No access to the clipboard: select the table";
    setTimeout(() => { button.textContent = "Copy the table"; }, 2000);
  });
  return button;
}

const oneLine = (cell) => String(cell).replaceAll(/[\t\n\r]/g, " ");

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // no clipboard without https
  }
}
