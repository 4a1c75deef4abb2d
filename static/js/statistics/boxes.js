// Figures about boxes: how many an image has, how large they are, of which shape, and where they lie.

import { token } from "../charts.js";
import { number, percent } from "./classes.js";

const BAR = { fixedrange: true };

/** A histogram of ranges `[{label, count}]` as plain bars. */
export function bars(rows, { unit, title, height = 250, tickangle, links, layout = {} }) {
  return {
    traces: [{
      type: "bar", x: rows.map((_, place) => place), y: rows.map((row) => row.count), marker: { color: token("--accent") },
      text: rows.map((row) => row.label), textposition: "none", customdata: links ?? rows.map(() => ""),
      hovertemplate: `%{text}: %{y:,} ${unit}<extra></extra>`,
    }],
    height,
    layout: {
      hovermode: "closest", bargap: 0.12, showlegend: false,
      xaxis: { ...BAR, ...ticks(rows), tickangle, title: { text: title }, showgrid: false },
      yaxis: { ...BAR }, ...layout,
    },
    table: { head: [title, unit[0].toUpperCase() + unit.slice(1)], rows: rows.map((row, place) => [{ text: row.label, query: links?.[place] }, row.count]) },
  };
}

function ticks(rows) {
  const step = Math.ceil(rows.length / 13);
  const shown = rows.map((_, place) => place).filter((place) => place % step === 0);
  return { tickvals: shown, ticktext: shown.map((place) => rows[place].tick ?? rows[place].label) };
}

export function perImage(data, link) {
  const rows = data.boxes_per_image.map(({ from, to, images }) => ({
    label: from === to ? `${from}` : `${from} to ${to}`, tick: `${from}`, count: images, from, to,
  }));
  return bars(rows, { unit: "images", title: "boxes on an image", links: link && rows.map(({ from, to }) => link(from, to)) });
}

/** Box sizes: the side of a square of the same area, in pixels; beside it the three groups that COCO reports. */
export function sizes(data) {
  const rows = used(between(data.box_sides.edges, data.box_sides.boxes, (edge) => (edge < 10 ? edge.toFixed(1) : `${Math.round(edge)}`), " px"));
  const figure = bars(rows, { unit: "boxes", title: "√area, pixels" });
  const total = data.box_size_groups.reduce((sum, group) => sum + group.boxes, 0);
  const words = { small: "small (to 32² px)", medium: "medium (to 96² px)", large: "large" };
  figure.note = data.box_size_groups.map(({ range, boxes }) => `${words[range]} ${percent(boxes, total)}`).join(" · ");
  figure.table.rows.unshift(...data.box_sizes.map(({ range, boxes }) => [{ text: `area ${range} px` }, boxes]));
  return figure;
}

export function shapes(data) {
  const rows = used(between(data.box_ratios.edges, data.box_ratios.boxes, ratio, ""));
  const figure = bars(rows, { unit: "boxes", title: "width : height" });
  const total = data.box_shapes.reduce((sum, shape) => sum + shape.boxes, 0);
  figure.note = data.box_shapes.filter((shape) => shape.boxes).map(({ range, boxes }) => `${range} ${percent(boxes, total)}`).join(" · ");
  figure.table.rows.unshift(...data.box_shapes.map(({ range, boxes }) => [{ text: range }, boxes]));
  return figure;
}

function ratio(edge) {
  const words = (value) => (Math.abs(value - Math.round(value)) < 0.05 ? `${Math.round(value)}` : value.toFixed(1));
  return edge >= 1 ? `${words(edge)}:1` : `1:${words(1 / edge)}`;
}

function between(edges, counts, words, unit) {
  return counts.map((count, place) => {
    const [low, high] = [edges[place - 1], edges[place]].map((edge) => (edge === undefined ? "" : words(edge)));
    const label = !low ? `below ${high}${unit}` : !high ? `from ${low}${unit}` : `${low} to ${high}${unit}`;
    return { label, tick: low || "0", count };
  });
}

/** Without the empty bars at both ends. */
function used(rows) {
  const first = rows.findIndex((row) => row.count);
  const last = rows.findLastIndex((row) => row.count);
  return first < 0 ? [] : rows.slice(Math.max(first - 1, 0), last + 2);
}

/** A map of the image: how many boxes touch each cell. */
export function positions(cells, { boxes, name }) {
  const side = cells.length;
  const most = Math.max(...cells.flat(), 1);
  const middle = cells.map((_, place) => (place + 0.5) / side);
  return {
    traces: [{
      type: "heatmap", x: middle, y: middle, z: cells, zmin: 0, zmax: most, colorscale: "Viridis",
      colorbar: { thickness: 10, outlinewidth: 0, title: { text: "boxes", side: "right" } },
      hovertemplate: "%{z:,} boxes touch this part<extra></extra>", customdata: cells.map((row) => row.map(() => "")),
    }],
    height: 340,
    layout: {
      hovermode: "closest", margin: { l: 36, r: 8, t: 8, b: 36 },
      xaxis: { ...BAR, range: [0, 1], title: { text: "width of the image" }, tickformat: ".0%", showgrid: false, constrain: "domain" },
      yaxis: { ...BAR, range: [1, 0], autorange: false, rangemode: "normal", tickformat: ".0%", showgrid: false },
    },
    note: `${number(boxes)} ${boxes === 1 ? "box" : "boxes"} of ${name}.`,
    table: {
      head: ["From the top \\ from the left", ...middle.map((_, place) => `${Math.round((place / side) * 100)} %`)],
      rows: cells.map((row, place) => [{ text: `${Math.round((place / side) * 100)} %` }, ...row]),
    },
  };
}
