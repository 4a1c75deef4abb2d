// The page of a batch on a video: the chart of what was found when, and times that the player jumps to.

import { draw } from "./charts.js";

const player = document.querySelector("[data-player]");
const chart = document.querySelector('[data-chart="timeline"]');

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-seek]");
  if (button) show(Number(button.dataset.seek));
});

function show(seconds) {
  if (!player) return;
  player.pause();
  player.currentTime = seconds + 0.001; // the frame that begins there, not the one that ends there
  player.scrollIntoView({ block: "nearest" });
}

function drawTimeline() {
  const { seconds, classes } = JSON.parse(document.getElementById("timeline").textContent);
  const traces = Object.entries(classes).map(([name, y]) => ({ x: seconds, y, name, mode: seconds.length > 1 ? "lines" : "markers", line: { width: 2, shape: "hv" } }));
  draw(chart, traces, { showlegend: true, xaxis: { title: { text: "seconds" }, rangemode: "tozero" }, yaxis: { title: { text: "objects" } } });
  chart.on("plotly_click", ({ points }) => show(points[0].x));
}

if (chart) drawTimeline();
