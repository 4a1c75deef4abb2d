// The page of one training job: asks for what is new, and lets the figures, charts, table and log grow.

import { Curves } from "./curves.js";
import { Epochs } from "./epochs.js";
import { Log } from "./log.js";
import { State } from "./state.js";
import { Table } from "./table.js";
import { Usage } from "./usage.js";

const PAUSE = { running: 2000, pending: 2000, paused: 5000 }; // milliseconds between two questions
const HIDDEN = 15_000;
const AFTERWARDS = 12; // questions, each 5 s, after the end: a cancelled job's model comes a moment later

const page = document.getElementById("job");
const epochs = new Epochs();
const state = new State(page);
const curves = new Curves(page);
const usage = new Usage(page);
const table = new Table(page, epochs);
const log = new Log(page, async (offset, limit) => (await get(`${page.dataset.api}/logs?offset=${offset}&limit=${limit}`)).text);
let since = "";
let shown = page.dataset.state;
let timer = 0;
let asked = 0; // after the end

async function get(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function take(told) {
  const { job } = told;
  since = told.since;
  job.is_over = !(job.status in PAUSE);
  state.showJob(job);
  const known = epochs.count;
  if (epochs.take(told.epochs, told.all_epochs)) {
    if (told.all_epochs && known) table.forget();
    state.showFigures(epochs, job);
    curves.show(epochs, job);
    table.show(epochs.best(job.best_epoch));
  }
  if (usage.take(told.usage)) usage.show(job);
  log.append(told.log);
  document.dispatchEvent(new CustomEvent("training:news", { detail: { job, epochs } }));
}

/** Buttons, links and messages depend on the state: they come from the server, into their places. */
async function renew(job) {
  const now = stateOf(job);
  if (now === shown) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of page.querySelectorAll("[data-server]")) {
    const same = fresh.querySelector(`[data-server="${part.dataset.server}"]`);
    if (same) part.replaceWith(document.adoptNode(same));
  }
  shown = now;
  curves.show(epochs, job);
  state.showJob(job);
}

/** What the server's parts of the page depend on; as `data-state` in the template. */
function stateOf(job) {
  return `${job.status}-${job.model_id ?? ""}-${job.stopped}`;
}

async function refresh() {
  clearTimeout(timer);
  let pause = 5000;
  try {
    const told = await get(`${page.dataset.api}/live?since=${since}`);
    take(told);
    await renew(told.job);
    if (told.job.is_over && ++asked > AFTERWARDS) return;
    pause = told.log.text.length > 100_000 ? 0 : (PAUSE[told.job.status] ?? 5000);
  } catch {
    state.noAnswer(); // the server may be starting again; what is on the page stays true
  }
  timer = setTimeout(refresh, document.hidden ? HIDDEN : pause);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && timer) refresh(); });
addEventListener("load", refresh);
