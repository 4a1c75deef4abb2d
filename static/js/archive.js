// An archive goes up in pieces and goes on after a lost network, a restarted server or a reload of the page; without
// JavaScript the form works as it is.

import { Upload, forget, unfinished } from "./tus.js";

const headers = () => ({ "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] });
const WORDS = { waiting: "No answer from the server. It goes on by itself as soon as there is one.", paused: "Paused. What is sent stays on the server." };

for (const form of document.querySelectorAll("form[data-archive]")) new ArchiveForm(form);

function ArchiveForm(form) {
  const part = (name) => form.querySelector(`[data-${name}]`);
  const input = form.querySelector("input[type=file]");
  const [panel, bar, start] = [part("transfer"), form.querySelector("[role=progressbar]"), part("start")];
  let upload = null;

  form.addEventListener("submit", (event) => {
    if (!input.files[0] || form.elements.upload.value) return;
    if (form.dataset.archive === "one" && !isLarge(input.files)) return; // pictures go with the form itself
    event.preventDefault();
    begin(input.files[0]);
  });
  form.addEventListener("dragover", (event) => event.preventDefault());
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length && !upload) input.files = event.dataTransfer.files;
  });
  part("pause").addEventListener("click", () => upload.pause());
  part("resume").addEventListener("click", () => { if (upload.state === "paused") send(); });
  part("cancel").addEventListener("click", async () => {
    await upload.cancel();
    upload = null;
    show(false);
  });
  addEventListener("beforeunload", (event) => { if (upload && ["sending", "waiting"].includes(upload.state)) event.preventDefault(); });
  tellUnfinished();

  function begin(file) {
    upload = new Upload(file, { headers, onchange: paint });
    show(true);
    part("name").textContent = file.name;
    send();
  }

  async function send() {
    let id = null;
    try { id = await upload.run(); } catch (error) { return fail(error.message); }
    if (!id) return;
    form.elements.upload.value = id;
    input.disabled = true; // the server has the bytes: only the id goes with the form
    part("words").textContent = "All of it is there. Looking inside…";
    form.submit();
  }

  function show(sending) {
    form.querySelector(".message.error")?.remove();
    panel.hidden = !sending;
    start.hidden = sending;
    input.closest(".field").hidden = sending;
    part("unfinished").hidden = true;
    if (!sending) tellUnfinished();
    for (const button of start.querySelectorAll("button")) button.disabled = false;
  }

  function paint({ state, share, offset, speed, left, resumed, file }) {
    const percent = Math.floor(100 * share);
    bar.firstElementChild.style.width = `${100 * share}%`;
    bar.setAttribute("aria-valuenow", percent);
    part("share").textContent = `${percent} %`;
    part("pause").hidden = !["sending", "waiting"].includes(state);
    part("resume").hidden = state !== "paused";
    const words = [`${megabytes(offset)} of ${megabytes(file.size)}`];
    if (state === "sending" && speed) words.push(`${megabytes(speed)} a second`, `${time(left)} left`);
    if (state === "sending" && resumed) words.push("went on where it had stopped");
    part("words").textContent = WORDS[state] ?? words.join(" · ");
  }

  function fail(words) {
    upload = null;
    show(false);
    const message = document.createElement("div");
    message.className = "message error";
    message.setAttribute("role", "alert");
    message.textContent = words;
    form.prepend(message);
  }

  /** A reload took the file away from the page: chosen again, it goes on where it was. */
  function tellUnfinished() {
    const [last] = unfinished().sort((a, b) => b.at - a.at);
    const line = part("unfinished");
    line.hidden = !last;
    if (!last) return;
    line.textContent = `The upload of “${last.name}” stopped at ${Math.floor((100 * last.offset) / last.size)} %. Choose the same file again: it goes on from there. `;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button ghost small";
    button.textContent = "Forget it";
    button.addEventListener("click", async () => { await forget(last.key, headers); tellUnfinished(); });
    line.append(button);
  }
}

/** Where a form takes pictures too: one archive or one video, which go up in pieces. */
function isLarge(files) {
  return files.length === 1 && (files[0].type.startsWith("video/") || /\.(zip|tar|tgz|tar\.gz|tar\.bz2|mp4|m4v|mov|mkv|webm|avi)$/i.test(files[0].name));
}

function megabytes(bytes) {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function time(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h ${Math.ceil((seconds % 3600) / 60)} min`;
}
