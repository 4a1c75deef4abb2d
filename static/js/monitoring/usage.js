// Questions by day, a colour for each token.

import { draw } from "../charts.js";

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const chart = document.querySelector('[data-chart="usage"]');

/** A bar for each token that asked; those of the same name are told apart by how they begin. */
export function traces(days, tokens) {
  return tokens.filter((token) => token.total.requests).map((token) => ({
    type: "bar", name: token.hint ? `${token.name} ${token.hint}…` : `${token.name} (revoked)`, x: days, y: token.requests,
    hovertemplate: "%{y}<extra>%{fullData.name}</extra>",
  }));
}

if (chart) {
  draw(chart, traces(read("usage-days"), read("usage-tokens")), {
    barmode: "stack", bargap: 0.15, showlegend: true, dragmode: false,
    xaxis: { type: "date", fixedrange: true, nticks: 8, tickangle: 0 }, yaxis: { fixedrange: true, tickformat: "~s" },
  });
}
