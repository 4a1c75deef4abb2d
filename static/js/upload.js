// Images dropped on the field go up one by one, three at a time, each with its own bar and its own answer.

const PARALLEL = 3;
const SHOWN = 300;
const area = document.getElementById("upload");
if (area) start(area);

function start(area) {
  const drop = area.querySelector(".drop");
  const input = drop.querySelector("input");
  const state = { queue: [], running: 0, created: 0, duplicates: 0, rejected: 0, total: 0 };
  input.addEventListener("change", () => { add(area, state, [...input.files]); input.value = ""; });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); add(area, state, [...event.dataTransfer.files]); });
  addEventListener("beforeunload", (event) => { if (state.running) event.preventDefault(); });
}

function add(area, state, files) {
  const list = area.querySelector(".uploads");
  list.hidden = false;
  area.classList.add("is-busy");
  state.total += files.length;
  for (const file of files) state.queue.push({ file, row: list.childElementCount < SHOWN ? row(list, file) : null });
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
  while (state.running < PARALLEL && state.queue.length) {
    state.running += 1;
    send(area, state, state.queue.shift());
  }
  summary(area, state);
}

function send(area, state, { file, row }) {
  const request = new XMLHttpRequest();
  const data = new FormData();
  data.append("files", file, file.name);
  request.open("POST", area.dataset.url);
  request.setRequestHeader("X-CSRFToken", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
  request.upload.onprogress = (event) => { if (row) row.querySelector("i").style.width = `${(100 * event.loaded) / event.total}%`; };
  request.onloadend = () => {
    const [kind, words] = outcome(request);
    state[kind] += 1;
    state.running -= 1;
    show(row, kind, words);
    pump(area, state);
    if (!state.running && !state.queue.length) done(area, state);
  };
  request.send(data);
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
