// A model's report: its curves, its confusion matrix and its operating point, from the numbers of the API.

import { draw, token } from "../charts.js";
import { operatingPoint } from "./operating_point.js";
import { makeSortable } from "./sortable.js";

const page = document.getElementById("report");
const MANY = 12; // classes; more are thin lines without a legend
const short = (name, most = 18) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
const find = (name) => page.querySelector(`[data-chart=${name}]`);

makeSortable(document);
addEventListener("load", start);

async function start() {
  try {
    const answer = await fetch(page.dataset.source, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const body = await answer.json();
    show(body.results ? { ...body.results, curves: body.curves } : body);
  } catch (error) {
    const place = page.querySelector("[data-report-error]");
    place.textContent = `The curves could not be loaded (${error.message}). Load the page again.`;
    place.hidden = false;
  }
}

function show(report) {
  const names = Object.fromEntries((report.per_class ?? []).map((row) => [row.class_id, row.class_name]));
  page.querySelector("[data-curves]").hidden = !report.curves?.pr;
  page.querySelector("[data-confusion]").hidden = !report.confusion_matrix;
  if (report.curves?.pr) {
    const { curves } = report;
    curve(find("pr"), curves.pr, names, "recall", "precision");
    const mark = (confidence) => {
      curve(find("f1"), curves.f1, names, "confidence", "F1", confidence);
      curve(find("precision"), curves.precision, names, "confidence", "precision", confidence);
      curve(find("recall"), curves.recall, names, "confidence", "recall", confidence);
    };
    operatingPoint(page, curves, names, mark);
  }
  if (report.confusion_matrix) {
    const shares = page.querySelector("[data-shares]");
    shares.checked = report.confusion_matrix.classes.length > 26;
    const again = () => confusion(find("confusion"), report.confusion_matrix, shares.checked);
    shares.addEventListener("change", again);
    again();
  }
}

function curve(element, { x, overall, per_class: classes }, names, xTitle, yTitle, mark = null) {
  const many = classes.length > MANY;
  const thin = many ? { line: { width: 0.7 }, opacity: 0.6, showlegend: false } : { line: { width: 1.4 } };
  const own = classes.length === 1 ? [] : classes;
  const traces = own.map(({ class_id: id, y }) => ({
    name: names[id] ?? String(id), x, y, mode: "lines", ...thin, hovertemplate: `${names[id] ?? id}: %{y:.3f} at %{x:.2f}<extra></extra>`,
  }));
  const name = classes.length === 1 ? names[classes[0].class_id] : "all classes";
  traces.push({ name, x, y: overall, mode: "lines", line: { width: 3, color: token("--text") }, hovertemplate: `${name}: %{y:.3f} at %{x:.2f}<extra></extra>` });
  draw(element, traces, {
    hovermode: "closest", showlegend: !many && classes.length > 1 && !(element.clientWidth < 450 && classes.length > 2), dragmode: false,
    xaxis: { title: { text: xTitle }, range: [0, 1], fixedrange: true }, yaxis: { title: { text: yTitle }, range: [0, 1.02], fixedrange: true },
    shapes: mark === null ? [] : [{ type: "line", x0: mark, x1: mark, y0: 0, y1: 1, yref: "paper", line: { color: token("--accent"), width: 2, dash: "dot" } }],
  });
}

function confusion(element, { matrix, classes: labels }, asShares) {
  const totals = labels.map((_, column) => matrix.reduce((sum, row) => sum + row[column], 0));
  const values = matrix.map((row) => row.map((value, column) => (asShares ? (totals[column] ? value / totals[column] : 0) : value)));
  const places = labels.map((_, place) => place);
  const few = labels.length <= 26;
  const narrow = element.clientWidth < 520;
  const text = few && !(narrow && labels.length > 10) ? values.map((row) => row.map((value) => (value ? (asShares ? `${Math.round(value * 100)}%` : String(value)) : ""))) : undefined;
  const most = Math.max(...values.flat(), 1e-9);
  const shown = places.filter((place) => place % Math.ceil(labels.length / (narrow ? 20 : 90)) === 0);
  const ticks = { tickvals: shown, ticktext: shown.map((place) => short(labels[place], narrow ? 9 : 16)), showgrid: false, zeroline: false, fixedrange: true, tickfont: { size: labels.length > 40 ? 9 : 12 } };
  element.style.height = `${Math.min(Math.max(labels.length * (few ? 30 : 11) + 120, 300), 1100)}px`;
  draw(element, [{
    type: "heatmap", x: places, y: places, z: values, zmin: 0, zmax: asShares ? 1 : most, text, texttemplate: text && "%{text}", showscale: false, xgap: 1, ygap: 1,
    colorscale: [[0, token("--surface-2")], [1, token("--accent")]],
    customdata: matrix.map((row, predicted) => row.map((count, true_) => (
      `model said ${labels[predicted]}<br>it is ${labels[true_]}<br>${count} object${count === 1 ? "" : "s"}` + (totals[true_] ? `, ${Math.round((count / totals[true_]) * 100)} % of them` : "")))),
    hovertemplate: "%{customdata}<extra></extra>",
  }], {
    hovermode: "closest", dragmode: false, margin: { l: 60, r: 8, t: 8, b: 70 },
    xaxis: { title: { text: "it is" }, ...ticks, tickangle: labels.length > 6 ? -45 : 0 },
    yaxis: { title: { text: "model said" }, ...ticks, autorange: "reversed", rangemode: "normal" },
  });
  if (element.listens || !page.dataset.gallery) return;
  element.listens = true;
  element.classList.add("clickable");
  element.on("plotly_click", ({ points: [{ x, y }] }) => {
    if (matrix[y][x]) location.assign(`${page.dataset.gallery}?predicted=${y}&true=${x}&conf=0.25`);
  });
}
