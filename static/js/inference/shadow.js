// The charts of a shadow beside the live model. They come with a fragment, and again each time that it asks for itself.

import { draw, token } from "../charts.js";

const SMALL = { showlegend: false, dragmode: false, margin: { l: 44, r: 8, t: 8, b: 28 } };
const HOUR = 3600e3;
let library;

/** Plotly, loaded once, and only where there is something to draw. */
function plotly(address) {
  library ??= globalThis.Plotly ? Promise.resolve() : new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
  return library;
}

async function show(box) {
  if (box.dataset.drawn) return;
  box.dataset.drawn = "yes";
  await plotly(box.dataset.plotly);
  if (!box.isConnected) return;
  const read = (id) => JSON.parse(box.querySelector(`#${id}`).textContent);
  const points = read("shadow-points");
  const at = points.map((point) => point.start);
  const lines = (name, words, color, scale = 1) => ({
    x: at, y: points.map((point) => (point[name] === null ? null : point[name] * scale)), name: words, mode: "lines+markers",
    line: { color, width: 2 }, marker: { size: points.length > 40 ? 3 : 6, color }, connectgaps: false,
  });
  const last = Date.parse(at.at(-1));
  const first = Math.min(Date.parse(at[0]), last - HOUR); // one point alone would be drawn to the microsecond
  const xaxis = { type: "date", fixedrange: true, nticks: 4, tickangle: 0, range: [first - HOUR / 20, last + HOUR / 20].map((moment) => new Date(moment).toISOString()) };
  const chart = (name) => box.querySelector(`[data-chart=${name}]`);
  draw(chart("agreement"), [{ ...lines("agreement", "agreement", token("--accent"), 100), hovertemplate: "%{y:.1f} % of %{customdata} pictures", customdata: points.map((point) => point.answered) }],
    { ...SMALL, xaxis, yaxis: { range: [0, 104], ticksuffix: " %", fixedrange: true } });
  draw(chart("latency"), [lines("live_ms", "live", "#e69f00"), lines("shadow_ms", "shadow", token("--accent"))],
    { ...SMALL, showlegend: true, margin: { ...SMALL.margin, t: 28 }, xaxis, yaxis: { ticksuffix: " ms", fixedrange: true } });
  const differences = read("shadow-differences");
  draw(chart("differences"), [{ type: "bar", x: differences.map((one) => one.difference), y: differences.map((one) => one.boxes), name: "boxes", marker: { color: token("--accent") }, hovertemplate: "%{y} boxes" }],
    { ...SMALL, xaxis: { fixedrange: true, range: [-1.05, 1.05], tickformat: "+.1f", dtick: 0.5 }, yaxis: { fixedrange: true } });
}

function look(root) {
  for (const box of root.querySelectorAll("[data-shadow-charts]")) {
    show(box).catch(() => { box.textContent = "The charts could not be loaded; the figures are in the table."; });
  }
}

look(document);
document.addEventListener("htmx:afterSettle", () => look(document));
