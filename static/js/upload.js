// Images dropped on the field go up, each with its own bar and its own answer: some at a time straight to the store
// where that is offered and can be reached, else one by one through the server, three at a time.

import { Batch, NoWay, takeBatch } from "./direct_images.js";

const PARALLEL = 3;
const SHOWN = 300;
const TRIES = 3; // that the store does not take one picture, before it goes through the server
const area = document.getElementById("upload");
if (area) start(area);

function start(area) {
  const drop = area.querySelector(".drop");
  const input = drop.querySelector("input");
  const state = {
    queue: [], running: 0, created: 0, duplicates: 0, rejected: 0, total: 0,
    direct: area.dataset.direct ?? "", reached: false, through: [], sending: null, looking: new Map(),
  };
  input.addEventListener("change", () => { add(area, state, [...input.files]); input.value = ""; });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); add(area, state, [...event.dataTransfer.files]); });
  addEventListener("beforeunload", (event) => { if (state.running || state.sending) event.preventDefault(); });
  addEventListener("pagehide", () => state.sending?.leave());
}

function add(area, state, files) {
  const list = area.querySelector(".uploads");
  list.hidden = false;
  area.classList.add("is-busy");
  state.total += files.length;
  for (const file of files) state.queue.push({ file, tries: 0, row: list.childElementCount < SHOWN ? row(list, file) : null });
  pump(area, state);
}

function row(list, file) {
  const item = document.createElement("li");
  item.innerHTML = '<span class="file"></span><span class="progress"><i style="width: 0"></i></span><span class="state muted">waiting</span>';
  item.querySelector(".file").textContent = file.name;
  item.querySelector(".file").title = file.name;
  list.append(item);
  return item;
}

function pump(area, state) {
  if (state.direct && !state.sending && state.queue.length) sendStraight(area, state);
  const next = () => state.through.shift() ?? (state.direct ? null : state.queue.shift());
  for (let item; state.running < PARALLEL && (item = next()); ) {
    state.running += 1;
    send(area, state, item);
  }
  summary(area, state);
  if (!state.running && !state.sending && !state.looking.size && !state.queue.length) done(area, state);
}

/** One batch is sent at a time; while a worker looks at it the next one is under way. */
async function sendStraight(area, state) {
  const say = (item, told) => (told.kind ? settle(state, item, told.kind, told.words) : progress(item, told));
  const batch = new Batch(takeBatch(state.queue), { url: state.direct, headers, say });
  state.sending = batch;
  try {
    await batch.send();
    state.reached ||= batch.sent.length > 0;
  } catch (error) {
    if (error instanceof NoWay) {
      state.direct = "";
      state.queue.unshift(...batch.items);
    } else for (const item of batch.items) settle(state, item, "rejected", error.message);
  }
  state.sending = null;
  state.looking.set(batch, "");
  pump(area, state);
  try {
    await batch.settle((job) => { state.looking.set(batch, job.message); summary(area, state); });
  } catch (error) {
    for (const item of batch.sent) settle(state, item, "rejected", error.message);
  }
  state.looking.delete(batch);
  sendAgain(state, batch.again);
  pump(area, state);
}

/** What the store did not take: where it never took anything it cannot be reached from here, and is left alone. */
function sendAgain(state, items) {
  if (!items.size) return;
  if (!state.reached) state.direct = "";
  for (const item of items) {
    item.tries += 1;
    progress(item, { share: 0, words: "waiting" });
    (item.tries < TRIES ? state.queue : state.through).push(item);
  }
}

/** Through the server. */
function send(area, state, item) {
  const request = new XMLHttpRequest();
  const data = new FormData();
  data.append("files", item.file, item.file.name);
  request.open("POST", area.dataset.url);
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  request.upload.onprogress = (event) => progress(item, { share: event.loaded / event.total });
  request.onloadend = () => {
    state.running -= 1;
    settle(state, item, ...outcome(request));
    pump(area, state);
  };
  request.send(data);
}

function headers() {
  return { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] };
}

function progress({ row }, { share, words }) {
  if (!row) return;
  row.querySelector("i").style.width = `${100 * share}%`;
  if (words) row.querySelector(".state").textContent = words;
}

function settle(state, { row }, kind, words) {
  state[kind] += 1;
  show(row, kind, words);
}

function outcome(request) {
  let answer = {};
  try { answer = JSON.parse(request.responseText); } catch { /* not JSON: said below by its status */ }
  if (request.status === 201) {
    if (answer.created.length) return ["created", "in"];
    if (answer.duplicates.length) return ["duplicates", "already here"];
    return ["rejected", answer.rejected[0].reason];
  }
  if (!request.status) return ["rejected", "The connection broke."];
  return ["rejected", answer.detail ?? answer.files?.[0] ?? `The server answered ${request.status}.`];
}

function show(row, kind, words) {
  if (!row) return;
  const state = row.querySelector(".state");
  state.textContent = words;
  state.title = words;
  state.className = `state ${kind === "created" ? "good" : kind === "rejected" ? "bad" : "muted"}`;
  row.querySelector("i").style.width = "100%";
  row.querySelector(".progress").classList.add(kind === "rejected" ? "bad" : "done");
}

function summary(area, state) {
  const words = [`${state.created} of ${state.total} in`];
  if (state.duplicates) words.push(`${state.duplicates} already here`);
  if (state.rejected) words.push(`${state.rejected} refused`);
  const sent = [...state.looking.keys()].reduce((sum, batch) => sum + batch.sent.length, 0);
  if (sent) words.push(`${sent} sent (${[...state.looking.values()].find(Boolean)?.toLowerCase() ?? "to be looked at"})`);
  const line = area.querySelector("[data-summary]");
  line.hidden = false;
  line.textContent = words.join(", ");
}

function done(area, state) {
  if (!state.created) return;
  // With refusals on the page their reasons must stay readable: only the gallery is fetched anew.
  if (!state.rejected && !state.duplicates) location.reload();
  else if (document.getElementById("gallery")) document.dispatchEvent(new CustomEvent("gallery:changed"));
  else area.querySelector("[data-summary]").append(" ", Object.assign(document.createElement("a"), { href: location.href, textContent: "Show the images" }));
}
