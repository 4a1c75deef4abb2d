// The charts of a deployment's traffic over time.

import { draw, token } from "../charts.js";

const COLORS = ["#e69f00", "#009e73", "#d55e00", "#9a6bff", "#56b4e9", "#cc79a7", "#8c564b", "#7f9f3f", "#bcbd22", "#17becf", "#999999"];
const MOST_CLASSES = 11; // with a colour of their own; the rest is one

export function showCharts(root, body) {
  const at = body.series.at.map(localTime);
  const shared = { xaxis: { type: "date", range: [at[0], localTime(body.to)], fixedrange: true, nticks: 6, tickangle: 0 }, dragmode: false };
  const put = (name, traces, more) => {
    const element = root.querySelector(`[data-chart=${name}]`);
    draw(element, traces, { ...shared, ...more, yaxis: { fixedrange: true, ...more?.yaxis }, legend: legend(element) });
  };
  put("requests", requests(body, at), { barmode: "stack", bargap: 0.1, showlegend: true, yaxis: { tickformat: "~s" } });
  put("latency", latency(body, at), { showlegend: true, yaxis: { ticksuffix: " ms" } });
  put("classes", classes(body, at), { barmode: "stack", bargap: 0.1, showlegend: true, yaxis: { tickformat: "~s" } });
  put("confidence", confidence(body, at), { hovermode: "closest", yaxis: { range: [0, 1], dtick: 0.25, tickformat: ".0%" } });
}

function legend(element) {
  return { orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: { size: element.clientWidth < 420 ? 10 : 12 } };
}

/** A bar stands over its whole span: Plotly centres it on `x`, so its middle is given. */
function bars(body, at, name, y, color) {
  const width = body.step_seconds * 1000;
  return { type: "bar", name, x: at, y, offset: 0, width: width * 0.9, marker: { color }, hovertemplate: `${name}: %{y}<extra></extra>` };
}

function requests(body, at) {
  return Object.entries(body.series.statuses).map(([status, y]) => bars(body, at, status, y, colorOfStatus(status)));
}

function colorOfStatus(status) {
  if (status === "200") return token("--accent");
  return { 429: "#9a6bff", 503: "#e69f00", 500: token("--danger") }[status] ?? (status >= 500 ? token("--danger") : "#d55e00");
}

function latency(body, at) {
  const tones = { p50: token("--accent"), p95: "#e69f00", p99: "#d55e00" };
  return Object.entries(body.series.latency_ms).map(([name, y]) => ({
    name, x: at, y, mode: y.filter((value) => value !== null).length < 40 ? "lines+markers" : "lines", marker: { size: 5 },
    line: { color: tones[name], width: 2 }, connectgaps: false, hovertemplate: `${name}: %{y:.3~g} ms<extra></extra>`,
  }));
}

function classes(body, at) {
  const shown = body.classes.slice(0, MOST_CLASSES);
  const rest = body.classes.slice(MOST_CLASSES);
  const traces = shown.map((one, n) => bars(body, at, one.class_name, one.series, n ? COLORS[n - 1] : token("--accent")));
  if (rest.length) traces.push(bars(body, at, `${rest.length} others`, at.map((_, n) => rest.reduce((sum, one) => sum + one.series[n], 0)), COLORS.at(-1)));
  return traces;
}

/** Each column is one span of time and sums to 1: how sure the model was of what it found then. */
function confidence(body, at) {
  const { bounds, series } = body.confidence;
  const sums = series.map((row) => row.reduce((sum, count) => sum + count, 0));
  const z = bounds.slice(0, -1).map((_, bin) => series.map((row, n) => (sums[n] ? row[bin] / sums[n] : null)));
  const half = body.step_seconds * 500;
  return [{
    type: "heatmap", x: body.series.at.map((when) => localTime(new Date(when).getTime() + half)), y: bounds.slice(0, -1).map((low) => low + 0.025), z,
    zmin: 0, colorscale: [[0, token("--surface-2")], [1, token("--accent")]], showscale: false, hoverongaps: false,
    customdata: bounds.slice(0, -1).map((_, bin) => series.map((row) => row[bin])),
    hovertemplate: "confidence about %{y:.2f}: %{z:.0%}, %{customdata} found<extra></extra>",
  }];
}

/** The reader's own clock, as the chart takes it. */
function localTime(moment) {
  const when = new Date(moment);
  return new Date(when - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
