// The page of one training job: asks for what is new, and lets the figures, charts and log grow.

import { draw } from "./charts.js";

const page = document.getElementById("job");
const api = page.dataset.api;
const rows = [];
let logOffset = 0;
let timer = 0;

const find = (selector) => page.querySelector(selector);
const words = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));

async function get(path) {
  const answer = await fetch(api + path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

function showJob(job) {
  find("[data-epoch]").textContent = job.current_epoch;
  find("[data-bar]").style.width = `${job.progress * 100}%`;
  find("[role=progressbar]").setAttribute("aria-valuenow", Math.round(job.progress * 100));
  find("[role=progressbar]").classList.toggle("done", job.status === "completed");
  find("[role=progressbar]").classList.toggle("bad", job.status === "failed");
  find("[data-phase]").textContent = job.phase || { completed: "Finished", failed: "Failed", cancelled: "Cancelled" }[job.status] || job.status;
  find("[data-time]").textContent = duration(job.training_time);
  find("[data-left]").textContent = job.eta_seconds === null ? "" : `about ${duration(job.eta_seconds)} left`;
  find("[data-started-from]").textContent = job.started_from || job.weights;
  find("[data-device]").textContent = job.environment.device ?? "–";
  find("[data-warnings]").hidden = !job.warnings.length;
  find("[data-warning]").textContent = job.warnings.join(" ");
  const badge = find("[data-badge] .badge");
  badge.className = `badge badge-${job.status}`;
  badge.textContent = job.status;
}

function showFigures() {
  const best = rows.reduce((a, b) => ((b.mAP50_95 ?? -1) >= (a?.mAP50_95 ?? -1) ? b : a), null);
  if (!best) return;
  for (const element of page.querySelectorAll("[data-metric]")) element.textContent = words(best[element.dataset.metric]);
}

function line(name, pick, more = {}) {
  return { name, x: rows.map((row) => row.epoch), y: rows.map(pick), mode: rows.length < 3 ? "lines+markers" : "lines", ...more };
}

function showCharts() {
  const xaxis = { title: { text: "epoch" }, dtick: rows.length < 12 ? 1 : undefined };
  draw(find("[data-chart=accuracy]"), [
    line("mAP50", (row) => row.mAP50), line("mAP50-95", (row) => row.mAP50_95),
    line("precision", (row) => row.precision, { line: { width: 1, dash: "dot" } }),
    line("recall", (row) => row.recall, { line: { width: 1, dash: "dot" } }),
  ], { xaxis, yaxis: { range: [0, 1] } });
  const parts = Object.keys(rows[0].train_loss ?? {});
  const colors = ["#3457d5", "#e69f00", "#009e73", "#d55e00"];
  draw(find("[data-chart=loss]"), parts.flatMap((part, index) => [
    line(`${part} train`, (row) => row.train_loss?.[part], { line: { color: colors[index] } }),
    line(`${part} val`, (row) => row.val_loss?.[part], { line: { color: colors[index], dash: "dot" } }),
  ]), { xaxis });
}

async function showLog() {
  const log = find("[data-log]");
  for (;;) {
    const piece = await get(`/logs?offset=${logOffset}`);
    if (!piece.text) return;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
    if (logOffset === 0) log.textContent = "";
    log.append(piece.text);
    logOffset = piece.next_offset;
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
}

async function refresh() {
  clearTimeout(timer);
  let pause = 2000;
  try {
    const job = await get("");
    const fresh = await get(`/metrics?after=${rows.at(-1)?.epoch ?? 0}`);
    showJob(job);
    if (fresh.length) {
      rows.push(...fresh);
      showFigures();
      showCharts();
    }
    await showLog();
    if (!["pending", "running"].includes(job.status)) {
      // The buttons and links of an ended job come from the server. A cancelled job's model comes a moment later.
      if (page.dataset.status !== job.status) setTimeout(() => location.reload(), 1500);
      return;
    }
  } catch {
    pause = 5000; // the server may be starting again; what is on the page stays true
    find("[data-left]").textContent = "no answer from the server, trying again";
  }
  timer = setTimeout(refresh, document.hidden ? 10000 : pause);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && timer) refresh(); });
addEventListener("load", refresh);
