// Models side by side: their curves over each other, each model in one colour on the whole page.

import { draw } from "../charts.js";
import { makeSortable } from "./sortable.js";

const COLORS = ["#3457d5", "#e69f00", "#009e73", "#d55e00", "#9a6bff", "#56b4e9"]; // as .model-0 to .model-5
const order = (new URLSearchParams(location.search).getAll("ids").join(",")).split(",").map(Number);
const colorOf = (id) => COLORS[[...new Set(order)].indexOf(id) % COLORS.length];
const read = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "[]");

makeSortable(document);
addEventListener("load", () => {
  const curves = read("compare-curves");
  if (!curves.length) return;
  for (const [name, xTitle, yTitle] of [["pr", "recall", "precision"], ["f1", "confidence", "F1"]]) {
    const traces = curves.map((model) => ({ name: model.name, x: model.x, y: model[name], mode: "lines", line: { width: 2, color: colorOf(model.id) } }));
    lines(name, traces, { xaxis: { title: { text: xTitle }, range: [0, 1], fixedrange: true }, yaxis: { title: { text: yTitle }, range: [0, 1.02], fixedrange: true } });
  }
});

// What the trainings say of themselves comes in later.
document.addEventListener("htmx:afterSettle", () => {
  const epochs = read("compare-epochs");
  const place = document.querySelector("[data-chart=epochs]");
  if (!place || place.chart || !epochs.length) return;
  lines("epochs", epochs.map((model) => ({ name: model.name, x: model.epochs, y: model.values, mode: "lines", line: { width: 2, color: colorOf(model.id) } })), {
    xaxis: { title: { text: "epoch" }, fixedrange: true }, yaxis: { title: { text: "mAP50-95" }, fixedrange: true },
  });
});

function lines(name, traces, more) {
  draw(document.querySelector(`[data-chart=${name}]`), traces, { dragmode: false, hovermode: "x unified", showlegend: false, ...more });
}
