// The charts by epoch: they grow without jumping, are zoomed and pointed at together, and mark what happened.

import { draw, token } from "../charts.js";
import { withLegend } from "./legend.js";

const OTHERS = ["#e69f00", "#009e73", "#d55e00", "#9a6bff", "#56b4e9", "#cc79a7", "#8c564b"];
const NAMES = { mAP50_95: "mAP50-95", box: "box", cls: "class", dfl: "distance", giou: "GIoU", l1: "L1" };
const MOST_MARKS = 12; // restarts; more would hide the lines

export class Curves {
  constructor(page) {
    this.charts = ["accuracy", "loss", "rate"].map((name) => page.querySelector(`[data-chart=${name}]`));
    this.linked = false;
    this.again = () => {};
    document.addEventListener("themechange", () => this.again());
  }

  show(epochs, job) {
    this.again = () => this.show(epochs, job);
    if (!epochs.count) return;
    const upper = job.is_over ? Math.max(epochs.last, 2) : Math.min(roomFor(epochs.last), Math.max(job.epochs, 2));
    const marks = this.marks(epochs, job, upper);
    const margin = Math.max(upper * 0.01, 0.1);
    const xaxis = { title: { text: "epoch" }, range: [1 - margin, upper + margin], dtick: upper <= 12 ? 1 : undefined };
    const [accuracy, loss, rate] = this.charts;
    this.draw(accuracy, accuracyLines(epochs), { xaxis, yaxis: { range: [0, highest(epochs)] }, ...marks(true) });
    this.draw(loss, lossLines(epochs), { xaxis, yaxis: {}, ...marks(false) });
    this.draw(rate, rateLines(epochs), { xaxis, yaxis: { exponentformat: "e" }, ...marks(false) });
    if (!this.linked) this.link();
  }

  draw(element, lines, more) {
    const zoom = matchMedia("(pointer: coarse)").matches ? false : "zoom"; // a finger scrolls the page
    const shown = withLegend(element, lines, () => this.again());
    draw(element, shown, { ...more, showlegend: false, yaxis: { ...more.yaxis, fixedrange: true }, dragmode: zoom, uirevision: "kept" });
  }

  /** Shapes and words for the best epoch, an early end and restarts; the words only where they are asked for. */
  marks(epochs, job, upper) {
    const numbers = epochs.of("epoch");
    const best = numbers[epochs.best(job.best_epoch)];
    const found = [];
    const starts = (job.environment.starts ?? []).slice(1).slice(-MOST_MARKS);
    for (const start of starts) found.push({ x: start.epoch - 0.5, words: "went on", color: token("--border-strong"), dash: "dot" });
    if (best) found.push({ x: best, words: `best: ${best}`, color: token("--ok"), dash: "dash" });
    if (job.ended_by === "patience") found.push({ x: epochs.last, words: "stopped early", color: token("--warn"), dash: "dash" });
    return (withWords) => ({
      shapes: found.map(({ x, color, dash }) => ({
        type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", layer: "below", line: { color, width: 1.5, dash },
      })),
      annotations: withWords ? found.map((mark, n) => words(mark, n, upper)) : [],
    });
  }

  /** What is zoomed or pointed at in one chart is so in all. */
  link() {
    this.linked = true;
    let busy = false;
    const together = (act) => {
      if (busy) return;
      busy = true;
      Promise.allSettled(act()).finally(() => { busy = false; });
    };
    for (const chart of this.charts) {
      const others = this.charts.filter((other) => other !== chart);
      chart.on("plotly_relayout", (change) => {
        if (!Object.keys(change).some((name) => name.startsWith("xaxis"))) return;
        together(() => others.map((other) => Plotly.relayout(other, { "xaxis.range": [...chart.layout.xaxis.range] })));
      });
      chart.on("plotly_hover", ({ points }) => together(() => others.map((other) => pointAt(other, points[0].x))));
      chart.on("plotly_unhover", () => together(() => others.map((other) => Plotly.Fx.unhover(other))));
    }
  }
}

async function pointAt(chart, epoch) {
  Plotly.Fx.hover(chart, { xval: epoch, yval: 0 });
}

function words({ x, words: text, color }, number, upper) {
  const right = x > upper / 2;
  return {
    x, y: 1 - 0.09 * (number % 3), yref: "paper", text, showarrow: false, font: { size: 11, color },
    xanchor: right ? "right" : "left", yanchor: "top", xshift: right ? -3 : 3, bgcolor: token("--surface"), borderpad: 1,
  };
}

/** The first is the accent, which is another one in the dark. */
function color(n) {
  return n % (OTHERS.length + 1) ? OTHERS[(n % (OTHERS.length + 1)) - 1] : token("--accent");
}

function line(epochs, column, name, tone, more = {}) {
  const { count } = epochs;
  return { name, x: [...epochs.of("epoch")], y: [...epochs.of(column)], mode: count < 3 ? "lines+markers" : "lines", line: { color: tone, width: 2, ...more }, connectgaps: true };
}

function accuracyLines(epochs) {
  const thin = { width: 1.2, dash: "dot" };
  return [
    line(epochs, "mAP50_95", NAMES.mAP50_95, color(0)), line(epochs, "mAP50", "mAP50", color(1)),
    line(epochs, "precision", "precision", color(2), thin), line(epochs, "recall", "recall", color(3), thin),
  ];
}

function lossLines(epochs) {
  return epochs.names("train_").flatMap((name, n) => {
    const part = name.slice("train_".length);
    const said = NAMES[part] ?? part;
    return [
      line(epochs, name, `${said}, train`, color(n)),
      line(epochs, `val_${part}`, `${said}, val`, color(n), { dash: "dot" }),
    ];
  });
}

/** A line for each group of parameters; groups that never differ are one. */
function rateLines(epochs) {
  const lines = new Map();
  for (const name of epochs.names("lr_")) {
    const key = epochs.of(name).join();
    lines.set(key, [...(lines.get(key) ?? []), name]);
  }
  return [...lines.values()].map((names, n) => {
    const groups = names.map((name) => Number(name.slice(3)) + 1).join(", ");
    const said = lines.size === 1 ? "all parameters" : `group${names.length > 1 ? "s" : ""} ${groups}`;
    return line(epochs, names[0], said, color(n));
  });
}

/** Room for the epochs to come, so that the axis changes seldom: 5, 10, 20, 50, 100, … */
function roomFor(count) {
  for (let ten = 1; ; ten *= 10) for (const step of [5, 10, 20]) if (count <= step * ten) return step * ten;
}

/** The top of the axis of accuracy: lines that are low are seen too. */
function highest(epochs) {
  const most = Math.max(0, ...["mAP50", "mAP50_95", "precision", "recall"].flatMap((name) => epochs.of(name).filter(Number.isFinite)));
  return [0.1, 0.25, 0.5].find((top) => most < top * 0.95) ?? 1.02;
}
