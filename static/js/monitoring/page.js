// The traffic of a deployment or a model: asks the API for the numbers of a span of time, and again as long as somebody looks.

import { showCharts } from "./charts.js";
import { showDrift } from "./drift.js";

const EVERY = { hour: 5, day: 15, week: 60, month: 120 }; // seconds
const WORDS = { hour: "the last hour", day: "the last 24 hours", week: "the last 7 days", month: "the last 30 days" };

class Monitoring {
  constructor(root) {
    this.root = root;
    this.span = "day";
    this.asked = 0;
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-range]");
      if (button) this.choose(button.dataset.range);
    });
    for (const button of root.querySelectorAll("[data-range]")) button.disabled = false; // a press before now would be lost
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.ask(); });
    document.addEventListener("themechange", () => { if (this.body && this.isOpen) this.show(this.body); });
    this.ask();
  }

  get isOpen() { return this.root.isConnected; }

  find(name) { return this.root.querySelector(`[data-${name}]`); }

  choose(span) {
    this.span = span;
    for (const button of this.root.querySelectorAll("[data-range]")) button.setAttribute("aria-pressed", String(button.dataset.range === span));
    this.ask();
  }

  /** Of several questions under way the newest holds. */
  async ask() {
    const mine = ++this.asked;
    clearTimeout(this.timer);
    if (!this.isOpen || document.hidden) return;
    try {
      await plotly(this.root.dataset.plotly);
      const answer = await fetch(`${this.root.dataset.source}?range=${this.span}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const body = await answer.json();
      if (mine !== this.asked || !this.isOpen) return;
      this.show(body);
      this.find("failed").hidden = true;
    } catch (error) {
      if (mine !== this.asked) return;
      this.find("failed").textContent = `The traffic could not be loaded (${error.message}). It is tried again.`;
      this.find("failed").hidden = false;
    }
    if (mine === this.asked) this.timer = setTimeout(() => this.ask(), EVERY[this.span] * 1000);
  }

  show(body) {
    this.body = body;
    const { totals } = body;
    this.find("loading").hidden = true;
    this.find("empty").hidden = totals.requests > 0;
    this.find("full").hidden = totals.requests === 0;
    this.find("span-words").textContent = WORDS[body.range];
    this.find("asof").textContent = `as of ${new Date(body.to).toLocaleTimeString()}`;
    this.root.dataset.shown = body.range;
    this.find("floods").hidden = !body.refused_unread;
    this.find("floods").textContent = flooded(body.refused_unread, WORDS[body.range]);
    if (!totals.requests) return;
    this.tiles(totals);
    this.find("latency-error").textContent = `${totals.latency_ms.error * 100} %`;
    this.find("models").textContent = body.models.length > 1 ? `Answered by ${body.models.map((one) => `${one.name} (${one.requests.toLocaleString()})`).join(", ")}.` : "";
    this.find("asked-by").textContent = body.asked_by ? askedBy(body.asked_by) : "";
    showCharts(this.root, body);
    showDrift(this.root, body.drift);
  }

  tiles(totals) {
    const put = (name, value) => { this.root.querySelector(`[data-tile=${name}]`).textContent = value; };
    const note = (name, value) => { this.root.querySelector(`[data-tile-note=${name}]`).textContent = value; };
    put("requests", totals.requests.toLocaleString());
    note("requests", `request${totals.requests === 1 ? "" : "s"}, ${perMinute(totals.requests_per_minute)}`);
    put("errors", totals.errors.toLocaleString());
    const bad = Object.entries(totals.statuses).filter(([status]) => Number(status) >= 400);
    note("errors", bad.length ? `errors, ${share(totals.error_share)}: ${bad.map(([status, count]) => `${count.toLocaleString()} × ${status}`).join(", ")}` : "errors");
    for (const name of ["p50", "p95", "p99"]) put(name, milliseconds(totals.latency_ms[name]));
    put("objects", totals.objects_per_image === null ? "–" : totals.objects_per_image.toLocaleString());
  }
}

/** How a model was asked: by its own id, and through which deployments. */
export function askedBy(ways) {
  const words = ways.map((one) => `${one.deployment_id === null ? "by its id" : `through ${one.name}`} (${one.requests.toLocaleString()})`);
  return words.length ? ` Asked ${words.join(", ")}.` : "";
}

/** What was refused at the door, of all models, as a sentence; null where it is not known. */
export function flooded(number, when) {
  if (!number) return "";
  return `Overload: in ${when} ${number.toLocaleString()} prediction${number === 1 ? " was" : "s were"} refused with 503 before it was read which model they ask. They are of all models, and not in the figures below.`;
}

function perMinute(rate) {
  return rate >= 0.1 ? `${rate.toLocaleString()} a minute` : `${(rate * 1440).toFixed(0)} a day`;
}

function share(part) {
  const percent = part * 100;
  return `${percent < 1 ? percent.toPrecision(2) : percent.toFixed(1)} %`;
}

function milliseconds(value) {
  if (value === null) return "–";
  return value >= 1000 ? `${(value / 1000).toPrecision(3)} s` : `${value.toPrecision(3)} ms`;
}

/** The library of the charts, loaded once and only where charts are. */
function plotly(address) {
  if (globalThis.Plotly) return Promise.resolve();
  globalThis.plotlyLoading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => { globalThis.plotlyLoading = undefined; script.remove(); reject(new Error("the charts' library did not come")); };
    document.head.append(script);
  });
  return globalThis.plotlyLoading;
}

export function start(scope) {
  for (const root of scope.querySelectorAll("[data-monitoring]")) root.monitoring ??= new Monitoring(root);
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.target.parentElement ?? document)); // the fragment came again
