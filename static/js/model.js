// The curves and the confusion matrix of a model's page, from the numbers in the page.

import { draw } from "./charts.js";

const metrics = JSON.parse(document.getElementById("model-metrics").textContent);
const names = Object.fromEntries((metrics.per_class ?? []).map((row) => [row.class_id, row.class_name]));

function curve(element, { x, overall, per_class: classes }, xTitle, yTitle) {
  const thin = classes.length > 12 ? { line: { width: 0.8 }, showlegend: false } : { line: { width: 1.3 } };
  const traces = classes.map(({ class_id: id, y }) => ({ name: names[id] ?? String(id), x, y, mode: "lines", ...thin }));
  traces.push({ name: "all classes", x, y: overall, mode: "lines", line: { width: 3 } });
  draw(element, traces, { xaxis: { title: { text: xTitle }, range: [0, 1] }, yaxis: { title: { text: yTitle }, range: [0, 1.02] } });
}

function confusion(element, { matrix, classes: labels }) {
  const shown = labels.map((name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name));
  const text = labels.length <= 25 ? matrix.map((row) => row.map((value) => (value ? String(value) : ""))) : undefined;
  draw(element, [{
    type: "heatmap", z: matrix, x: shown, y: shown, text, texttemplate: text && "%{text}", showscale: false,
    colorscale: [[0, "rgba(52,87,213,0.04)"], [1, "rgba(52,87,213,0.9)"]],
    hovertemplate: "model said %{y}<br>it is %{x}<br>%{z} objects<extra></extra>",
  }], { hovermode: "closest", xaxis: { title: { text: "it is" }, type: "category" }, yaxis: { title: { text: "model said" }, autorange: "reversed", type: "category", rangemode: "normal" } });
}

addEventListener("load", () => {
  const find = (name) => document.querySelector(`[data-chart=${name}]`);
  curve(find("pr"), metrics.curves.pr, "recall", "precision");
  curve(find("f1"), metrics.curves.f1, "confidence", "F1");
  confusion(find("confusion"), metrics.confusion_matrix);
});
