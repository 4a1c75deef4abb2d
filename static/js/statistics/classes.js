// Figures about classes: how often each is there, by split, and which are together on images.

import { token } from "../charts.js";

export const SPLITS = [["train", "#3457d5"], ["val", "#e69f00"], ["test", "#009e73"], ["", null]];
const MOST_BARS = 150;

export const splitName = (split) => split || "no split";
export const splitColor = (split, color) => color ?? token("--border-strong");
export const short = (name, most = 18) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
export const number = (value) => value.toLocaleString("en");
/** A share in words: none of it is 0 %, little of it is not. */
export const percent = (part, whole) => (part && part / whole < 0.01 ? "< 1 %" : `${whole ? Math.round((part / whole) * 100) : 0} %`);

/** Bars per class, stacked by split, in the order of the classes; `what` is "boxes" or "images". */
export function perClass(data, what) {
  const rows = mostOf(data.classes, what);
  const places = rows.map((_, place) => place);
  const traces = SPLITS.filter(([split]) => data.splits.some((row) => row.split === split && row.images)).map(([split, color]) => ({
    type: "bar", orientation: "h", name: splitName(split), y: places, x: rows.map((row) => row.splits[split][what]),
    marker: { color: splitColor(split, color) },
    customdata: rows.map((row) => `?class_id=${row.class_id}&split=${split || "none"}`),
    text: rows.map((row) => row.class_name), textposition: "none",
    hovertemplate: `%{text}, ${splitName(split)}: %{x:,} ${what}<extra></extra>`,
  }));
  return {
    traces,
    height: Math.max(rows.length * 22 + 66, 150),
    layout: {
      barmode: "stack", hovermode: "closest", bargap: 0.25, margin: { l: 44, r: 16, t: 54, b: 8 }, showlegend: true,
      legend: { orientation: "h", x: 0, y: 1, yref: "container", yanchor: "top", traceorder: "normal" },
      xaxis: { fixedrange: true, rangemode: "tozero", side: "top", nticks: 6 },
      yaxis: {
        autorange: false, range: [rows.length - 0.5, -0.5], rangemode: "normal", fixedrange: true, showgrid: false,
        tickvals: places, ticktext: rows.map((row) => short(row.class_name)),
      },
    },
    note: rows.length < data.classes.length ? `The ${rows.length} classes with most ${what}; the table has all ${data.classes.length}.` : "",
    table: classTable(data),
  };
}

function mostOf(classes, what) {
  if (classes.length <= MOST_BARS) return classes;
  const most = [...classes].sort((a, b) => b[what] - a[what]).slice(0, MOST_BARS);
  return most.sort((a, b) => a.class_id - b.class_id);
}

function classTable(data) {
  return {
    head: ["Class", "Boxes", "Images", ...SPLITS.flatMap(([split]) => [`Boxes ${splitName(split)}`, `Images ${splitName(split)}`])],
    rows: data.classes.map((row) => [
      { text: row.class_name, query: `?class_id=${row.class_id}` }, row.boxes, row.images,
      ...SPLITS.flatMap(([split]) => [row.splits[split].boxes, row.splits[split].images]),
    ]),
  };
}

/** A matrix: of the images with the class of a row, the share that also has the class of a column. */
export function together(data) {
  const { class_ids: ids, images } = data.co_occurrence;
  const names = ids.map((id) => data.classes[id].class_name);
  const places = ids.map((_, place) => place);
  const share = images.map((row, a) => row.map((count) => (row[a] ? count / row[a] : 0)));
  const ticks = { fixedrange: true, showgrid: false, zeroline: false };
  const every = (step) => places.filter((place) => place % step === 0);
  const labels = (shown) => ({ tickvals: shown, ticktext: shown.map((place) => short(names[place], 14)) });
  return {
    traces: [{
      type: "heatmap", x: places, y: places, z: share, zmin: 0, zmax: 1, xgap: 1, ygap: 1, showscale: false,
      colorscale: [[0, token("--surface-2")], [1, token("--accent")]],
      text: images.map((row, a) => row.map((count, b) => (a === b
        ? `${names[a]}: ${number(count)} images`
        : `${number(count)} of the ${number(row[a])} images with ${names[a]}<br>have ${names[b]} too (${percent(count, row[a])})`))),
      hovertemplate: "%{text}<extra></extra>",
      customdata: ids.map((a) => ids.map((b) => (a === b ? `?class_id=${a}` : ""))),
    }],
    height: Math.max(Math.min(ids.length * 26 + 130, 540), 260),
    layout: {
      hovermode: "closest", margin: { l: 60, r: 8, t: 8, b: 70 },
      xaxis: { ...ticks, ...labels(every(Math.ceil(ids.length / (globalThis.innerWidth < 600 ? 12 : 25)))), tickangle: -45 },
      yaxis: { ...ticks, ...labels(every(Math.ceil(ids.length / 40))), autorange: "reversed", rangemode: "normal" },
      annotations: ids.length > 8 ? [] : places.flatMap((a) => places.map((b) => ({
        x: b, y: a, text: number(images[a][b]), showarrow: false,
        font: { color: share[a][b] > 0.55 ? token("--accent-text") : token("--text"), size: 12 },
      }))),
    },
    note: ids.length < data.classes.length ? `The ${ids.length} classes with most boxes.` : "",
    table: { head: ["Images with", ...names], rows: names.map((name, a) => [{ text: name, query: `?class_id=${ids[a]}` }, ...images[a]]) },
  };
}
