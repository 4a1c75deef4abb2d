// Figures about images and about the work on them: sizes, brightness, who labelled how many by when.

import { token } from "../charts.js";
import { bars } from "./boxes.js";
import { number, splitName } from "./classes.js";

/** Images per split: with boxes, labelled as empty, not labelled yet. */
export function bySplit(data) {
  const rows = data.splits.filter((row) => row.images);
  const parts = [
    ["with boxes", (row) => row.labeled - row.without_boxes, "&labeled=true&boxes_min=1", token("--accent")],
    ["labelled as empty", (row) => row.without_boxes, "&labeled=true&boxes_max=0", "#56b4e9"],
    ["not labelled", (row) => row.images - row.labeled, "&labeled=false", token("--border-strong")],
  ].filter(([, count]) => rows.some(count));
  const query = (row, more = "") => `?split=${row.split || "none"}${more}`;
  return {
    traces: parts.map(([name, count, more, color]) => ({
      type: "bar", orientation: "h", name, y: rows.map((row) => splitName(row.split)), x: rows.map(count), marker: { color },
      customdata: rows.map((row) => query(row, more)), hovertemplate: `%{y}: %{x:,} ${name}<extra></extra>`,
    })),
    height: rows.length * 34 + 70,
    layout: {
      barmode: "stack", hovermode: "closest", bargap: 0.3, margin: { l: 44, r: 16, t: 54, b: 8 }, showlegend: true,
      legend: { orientation: "h", x: 0, y: 1, yref: "container", yanchor: "top", traceorder: "normal" },
      xaxis: { fixedrange: true, side: "top", nticks: 6 },
      yaxis: { fixedrange: true, type: "category", autorange: "reversed", rangemode: "normal", showgrid: false },
    },
    table: {
      head: ["Split", "Images", "Boxes", "With boxes", "Labelled as empty", "Not labelled"],
      rows: rows.map((row) => [
        { text: splitName(row.split), query: query(row) }, row.images, row.boxes, row.labeled - row.without_boxes, row.without_boxes, row.images - row.labeled,
      ]),
    },
  };
}

export function imageSizes(data) {
  const { sizes, distinct, step } = data.image_sizes;
  const most = Math.max(...sizes.map((row) => row.images), 1);
  return {
    traces: [{
      type: "scatter", mode: "markers", x: sizes.map((row) => row.width), y: sizes.map((row) => row.height),
      marker: { size: sizes.map((row) => 8 + 26 * Math.sqrt(row.images / most)), color: token("--accent"), opacity: 0.6, line: { width: 0 } },
      text: sizes.map((row) => `${step > 1 ? "about " : ""}${row.width} × ${row.height} px: ${number(row.images)} image${row.images === 1 ? "" : "s"}`),
      hovertemplate: "%{text}<extra></extra>", customdata: sizes.map(() => ""), cliponaxis: false,
    }],
    height: 290,
    layout: {
      hovermode: "closest", showlegend: false,
      xaxis: { fixedrange: true, rangemode: "tozero", title: { text: "width, pixels" } },
      yaxis: { fixedrange: true, title: { text: "height, pixels" } },
    },
    note: distinct === 1
      ? `All images are ${sizes[0].width} × ${sizes[0].height} px.`
      : `${number(distinct)} sizes${step > 1 ? `, put together in steps of ${step} px` : ""}. The larger the dot, the more images.`,
    table: { head: ["Width × height", "Images"], rows: sizes.map((row) => [{ text: `${row.width} × ${row.height}` }, row.images]) },
  };
}

export function brightness(data) {
  const { bars: steps, known } = data.brightness;
  const rows = steps.map(({ from, to, images }) => ({ label: `${from} to ${to}`, tick: `${from}`, count: images }));
  const figure = bars(rows, { unit: "images", title: "mean brightness, 0 black to 255 white" });
  figure.note = known === data.images ? "" : `Known for ${number(known)} of ${number(data.images)} images.`;
  return figure;
}

/** Images labelled so far, day by day, stacked by who labelled each first. */
export function overTime(data) {
  const { days, people, without_history: unknown } = data.labelling;
  const names = [...new Set([...people.map((row) => row.name), "others"])].filter((name) => days.some((day) => day.images[name]));
  const few = days.length < 3;
  return {
    traces: names.map((name) => {
      let sum = 0;
      return {
        ...(few ? { type: "bar", width: 0.4 } : { type: "scatter", mode: "lines", stackgroup: "people", line: { shape: "hv", width: 1.5 } }), name,
        x: days.map(({ day }) => day), y: days.map(({ images }) => (sum += images[name] ?? 0)),
        hovertemplate: "%{y:,}", customdata: days.map(() => ""),
      };
    }),
    height: 290,
    layout: {
      barmode: "stack", showlegend: true,
      xaxis: { fixedrange: true, type: few ? "category" : "date" },
      yaxis: { fixedrange: true, title: { text: "images labelled" } },
      legend: { orientation: "h", x: 0, y: 1, yref: "container", yanchor: "top" }, margin: { l: 44, r: 12, t: 40, b: 36 },
    },
    note: unknown ? `${number(unknown)} labelled images have no history that is kept.` : "",
    table: { head: ["Day (UTC)", ...names], rows: days.map(({ day, images }) => [{ text: day }, ...names.map((name) => images[name] ?? 0)]) },
  };
}

export const peopleTable = (data) => ({
  head: ["Who", "Labelled first", "Labelled last", "Saves", "Boxes added", "changed", "removed"],
  rows: data.labelling.people.map((row) => [{ text: row.name }, row.first, row.newest, row.saves, row.added, row.changed, row.removed]),
});
