// What the training uses of its machine: one chart in percent that grows, and the newest figures in words.

import { draw, token } from "../charts.js";
import { withLegend } from "./legend.js";
import { gigabytes } from "./words.js";

const GAP = 60; // seconds without a measurement, beyond what a row covers, break the line

export class Usage {
  constructor(page) {
    this.chart = page.querySelector("[data-chart=usage]");
    this.words = page.querySelector("[data-usage]");
    this.rows = [];
    this.again = () => {};
    document.addEventListener("themechange", () => this.again());
  }

  /** Take an answer's rows, the first of which may be the last known one, grown. */
  take(fresh) {
    const count = fresh.at?.length ?? 0;
    for (let n = 0; n < count; n++) {
      const row = Object.fromEntries(Object.entries(fresh).map(([name, column]) => [name, column[n]]));
      if (this.rows.at(-1)?.at === row.at) this.rows.pop();
      this.rows.push(row);
    }
    return count > 0;
  }

  show(job) {
    this.again = () => this.show(job);
    if (!this.rows.length) return;
    const machine = job.environment.machine ?? {};
    const newest = this.rows.at(-1);
    this.words.textContent = describe(newest, machine);
    const shown = withLegend(this.chart, lines(this.rows, machine), this.again);
    draw(this.chart, shown, {
      yaxis: { range: [0, 102], ticksuffix: " %", fixedrange: true }, xaxis: { type: "date", fixedrange: true, nticks: this.chart.clientWidth < 400 ? 4 : 7, tickangle: 0 },
      showlegend: false, uirevision: "kept", dragmode: false,
    });
  }
}

function describe(row, machine) {
  const parts = [
    machine.cores ? `CPU ${Math.round(row.cpu / machine.cores)} % of ${machine.cores} core${machine.cores === 1 ? "" : "s"}` : `CPU ${Math.round(row.cpu)} % of a core`,
    `memory ${gigabytes(row.memory)}${machine.memory_mb ? ` of ${gigabytes(machine.memory_mb)}` : ""} GB`,
    ...(row.gpus ?? []).map(([use, memory, heat], n) => [`GPU ${n}: ${use ?? "–"} %`, memory === null ? null : `${gigabytes(memory)} GB`, heat === null ? null : `${heat} °C`].filter(Boolean).join(", ")),
    `${row.disk < 10 ? row.disk : Math.round(row.disk)} GB of disk free`,
  ];
  return parts.join(" · ");
}

function lines(rows, machine) {
  const cores = machine.cores || 1;
  const accent = token("--accent");
  const total = machine.memory_mb || Math.max(...rows.map((row) => row.machine_memory));
  const found = [
    series(rows, "CPU, training", accent, (row) => row.cpu / cores, (row) => `${(row.cpu / 100).toFixed(1)} cores`),
    series(rows, "CPU, whole machine", accent, (row) => row.machine_cpu, () => "", "dot"),
    series(rows, "memory, training", "#e69f00", (row) => (row.memory / total) * 100, (row) => `${gigabytes(row.memory)} GB`),
    series(rows, "memory, whole machine", "#e69f00", (row) => (row.machine_memory / total) * 100, (row) => `${gigabytes(row.machine_memory)} GB`, "dot"),
  ];
  const gpus = Math.max(0, ...rows.map((row) => row.gpus?.length ?? 0));
  for (let n = 0; n < gpus; n++) {
    const memory = machine.gpus?.[n]?.memory_mb;
    found.push(series(rows, `GPU ${n}`, "#009e73", (row) => row.gpus?.[n]?.[0] ?? null, () => ""));
    if (memory) found.push(series(rows, `GPU ${n}, memory`, "#009e73", (row) => (row.gpus?.[n] ? (row.gpus[n][1] / memory) * 100 : null), (row) => `${gigabytes(row.gpus?.[n]?.[1] ?? 0)} GB`, "dot"));
    found.push(series(rows, `GPU ${n}, °C`, "#d55e00", (row) => row.gpus?.[n]?.[2] ?? null, () => "", undefined, "%{y:.0f} °C"));
  }
  return found;
}

function series(rows, name, color, pick, say, dash, template = "%{y:.0f} % %{customdata}") {
  const [x, y, customdata] = [[], [], []];
  rows.forEach((row, n) => {
    const before = rows[n - 1];
    if (before && row.at - before.at > before.seconds + GAP) add(localTime(before.at + before.seconds), null, "");
    add(localTime(row.at), pick(row), say(row));
  });
  function add(when, value, words) { x.push(when); y.push(value); customdata.push(words); }
  const mode = rows.length < 3 ? "lines+markers" : "lines";
  return { name, x, y, customdata, mode, line: { color, width: dash ? 1.2 : 2, dash }, hovertemplate: template };
}

/** The reader's own clock, as the chart takes it. */
function localTime(seconds) {
  const when = new Date(seconds * 1000);
  return new Date(when - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
