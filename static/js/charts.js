// Plotly in this platform's colours; charts redraw when the theme changes.

const SERIES = ["#3457d5", "#e69f00", "#009e73", "#d55e00", "#9a6bff", "#56b4e9"];

/** The value of one of the design's tokens, in the theme of now. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The layout that all charts share; `more` overrides it. */
export function layout(more = {}) {
  const axis = { gridcolor: token("--border"), zerolinecolor: token("--border"), linecolor: token("--border"), automargin: true };
  return {
    margin: { l: 44, r: 12, t: 8, b: 36 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: token("--font"), size: 12, color: token("--text-muted") },
    colorway: SERIES,
    hovermode: "x unified",
    hoverlabel: { bgcolor: token("--surface"), bordercolor: token("--border"), font: { color: token("--text") } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, // above the plot, however many rows it takes
    ...more,
    xaxis: { ...axis, ...more.xaxis },
    yaxis: { ...axis, rangemode: "tozero", ...more.yaxis },
  };
}

/** Draw or redraw `traces` in `element`. */
export function draw(element, traces, more) {
  if (!element.chart) element.replaceChildren();
  element.chart = { traces, more };
  globalThis.Plotly.react(element, traces, layout(more), { displayModeBar: false, responsive: true });
}

document.addEventListener("themechange", () => {
  for (const element of document.querySelectorAll("[data-chart]")) {
    if (element.chart) draw(element, element.chart.traces, element.chart.more);
  }
});
