// How far what the model finds now lies from its validation images: three measures in words, each with both shares.

import { draw, token } from "../charts.js";

const BADGES = { same: "badge-completed", some: "badge-pending", much: "badge-failed", unknown: "" };
const MOST_CELLS = 20;

export function showDrift(root, drift) {
  root.querySelector("[data-drift]").hidden = !drift;
  if (!drift) return;
  root.querySelector("[data-drift-words]").textContent = drift.reason || ground(drift);
  root.querySelector("[data-drift-about]").hidden = Boolean(drift.reason);
  const place = root.querySelector("[data-drift-measures]");
  const kinds = (drift.measures ?? []).map((one) => one.kind).join();
  if (place.dataset.kinds !== kinds) {
    place.dataset.kinds = kinds;
    place.replaceChildren(...(drift.measures ?? []).map(skeleton));
  }
  (drift.measures ?? []).forEach((measure, n) => fill(place.children[n], measure));
}

function ground(drift) {
  const images = (number, kind = "") => `${number.toLocaleString()} ${kind}image${number === 1 ? "" : "s"}`;
  const few = Math.min(drift.images, drift.validation_images) < drift.least_images ? ` At least ${drift.least_images} are needed on either side.` : "";
  const left = drift.left_out ? ` ${drift.left_out.toLocaleString()} more were asked with other thresholds or classes than the defaults and are left out.` : "";
  return `${images(drift.images)} in this time against ${images(drift.validation_images, "validation ")}.${few}${left}`;
}

function skeleton(measure) {
  const box = document.createElement("section");
  const head = Object.assign(document.createElement("div"), { className: "drift-head" });
  const title = Object.assign(document.createElement("h4"), { textContent: measure.title });
  const badge = Object.assign(document.createElement("span"), { className: "badge" });
  badge.dataset.verdict = "";
  const words = Object.assign(document.createElement("p"), { className: "muted small" });
  words.dataset.words = "";
  const chart = Object.assign(document.createElement("div"), { className: "chart chart-small" });
  chart.dataset.chart = `drift-${measure.kind}`;
  chart.setAttribute("role", "img");
  head.append(title, badge);
  box.append(head, words, chart);
  return box;
}

function fill(box, measure) {
  const badge = box.querySelector("[data-verdict]");
  badge.className = `badge ${BADGES[measure.verdict]}`;
  badge.textContent = measure.words;
  const parts = [];
  if (measure.psi !== null) parts.push(`PSI ${measure.psi.toFixed(2)}; chance alone stays below ${measure.chance.toFixed(2)}`);
  if (measure.most_moved) parts.push(`most of all ${measure.most_moved}`);
  box.querySelector("[data-words]").textContent = parts.join(" · ");
  const chart = box.querySelector("[data-chart]");
  chart.hidden = measure.psi === null;
  chart.setAttribute("aria-label", `${measure.title}: shares on validation and now. ${measure.words}.`);
  if (!chart.hidden) draw(chart, traces(measure), {
    barmode: "group", bargap: 0.25, dragmode: false, margin: { l: 36, r: 4, t: 4, b: 30 },
    xaxis: { type: "category", fixedrange: true, tickangle: measure.cells.length > 6 ? -40 : 0, tickfont: { size: 11 } },
    yaxis: { tickformat: ".0%", fixedrange: true, nticks: 4 },
  });
}

/** The cells with the largest shares on either side, in their order. */
function traces({ kind, cells, then, now }) {
  let kept = cells.map((_, n) => n);
  if (kind === "classes" && cells.length > MOST_CELLS) {
    kept = kept.sort((a, b) => Math.max(then[b], now[b]) - Math.max(then[a], now[a])).slice(0, MOST_CELLS);
  }
  const trace = (name, shares, color) => ({
    type: "bar", name, x: kept.map((n) => cells[n]), y: kept.map((n) => shares[n]), marker: { color }, hovertemplate: `%{y:.1%} ${name}<extra></extra>`,
  });
  return [trace("on validation", then, token("--border-strong")), trace("now", now, token("--accent"))];
}
