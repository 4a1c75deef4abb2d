// Drop an image, see the boxes; the threshold only redraws what the model has answered once.

const COLORS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c564b", "#9a6bff", "#2ed9c3"];
const LOWEST = 0.05;
const page = document.getElementById("tester");
if (page) start(page);

function start(page) {
  const state = { file: null, bitmap: null, answer: null, hovered: null };
  const input = page.querySelector("input[type=file]");
  const drop = page.querySelector(".drop");
  input.addEventListener("change", () => { if (input.files[0]) ask(page, state, input.files[0]); input.value = ""; });
  for (const name of ["dragenter", "dragover"]) page.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) page.addEventListener(name, () => drop.classList.remove("over"));
  page.addEventListener("drop", (event) => { event.preventDefault(); if (event.dataTransfer.files[0]) ask(page, state, event.dataTransfer.files[0]); });
  addEventListener("paste", (event) => { if (event.clipboardData.files[0]) ask(page, state, event.clipboardData.files[0]); });
  page.querySelector("#conf").addEventListener("input", () => show(page, state));
  page.querySelector("#model").addEventListener("change", (event) => {
    page.querySelector("#conf").value = event.target.selectedOptions[0].dataset.conf; // the model's own operating point
    show(page, state);
    if (state.file) ask(page, state, state.file);
  });
  addEventListener("resize", () => show(page, state));
}

async function ask(page, state, file) {
  state.file = file;
  say(page, "");
  page.querySelector("[data-speed]").textContent = "Asking the model…";
  const data = new FormData();
  data.append("image", file, file.name || "pasted.png");
  data.append("model_id", page.querySelector("#model").value);
  data.append("conf", LOWEST);
  const began = performance.now();
  try {
    const answer = await fetch(page.dataset.endpoint, { method: "POST", body: data, headers: { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] } });
    const body = await answer.json();
    if (!answer.ok) return say(page, body.detail ?? Object.values(body).flat().join(" "));
    state.answer = body;
    state.bitmap = await picture(file);
    const inside = Object.values(body.speed).reduce((a, b) => a + b, 0);
    page.querySelector("[data-speed]").textContent = `Answered in ${Math.round(performance.now() - began)} ms, of which the model took ${inside.toFixed(1)} ms.`;
    show(page, state);
  } catch {
    say(page, "The server did not answer. Is it running?");
  }
  return undefined;
}

// Browsers show no TIFF: then the boxes are drawn on an empty picture of its size.
async function picture(file) {
  try { return await createImageBitmap(file, { imageOrientation: "from-image" }); } catch { return null; }
}

function say(page, words) {
  const error = page.querySelector("[data-error]");
  error.hidden = !words;
  error.textContent = words;
  if (words) page.querySelector("[data-speed]").textContent = "";
}

function show(page, state) {
  const least = Number(page.querySelector("#conf").value);
  page.querySelector("output[data-conf]").textContent = least.toFixed(2);
  if (!state.answer) return;
  const found = state.answer.predictions.filter((one) => one.confidence >= least);
  list(page, state, found);
  paint(page, state, found);
}

function list(page, state, found) {
  page.querySelector("[data-found-card]").hidden = false;
  page.querySelector("[data-count]").textContent = found.length ? String(found.length) : "nothing at this confidence";
  page.querySelector("[data-found]").replaceChildren(...found.map((one) => {
    const row = document.createElement("tr");
    const [name, confidence] = [document.createElement("td"), document.createElement("td")];
    const dot = document.createElement("i");
    dot.className = "dot";
    dot.style.background = COLORS[one.class_id % COLORS.length];
    name.append(dot, one.class_name);
    confidence.className = "num";
    confidence.textContent = one.confidence.toFixed(2);
    row.append(name, confidence);
    row.onmouseenter = () => { state.hovered = one; paint(page, state, found); };
    row.onmouseleave = () => { state.hovered = null; paint(page, state, found); };
    return row;
  }));
}

function paint(page, state, found) {
  const stage = page.querySelector("[data-stage]");
  stage.hidden = false;
  const { width, height } = state.answer.image;
  const canvas = stage.querySelector("canvas");
  const fit = Math.min(stage.clientWidth / width, (innerHeight * 0.7) / height, 8);
  const ratio = devicePixelRatio || 1;
  canvas.style.width = `${width * fit}px`;
  canvas.style.height = `${height * fit}px`;
  canvas.width = width * fit * ratio;
  canvas.height = height * fit * ratio;
  const context = canvas.getContext("2d");
  context.scale(fit * ratio, fit * ratio);
  if (state.bitmap) context.drawImage(state.bitmap, 0, 0, width, height);
  for (const one of [...found].reverse()) box(context, one, fit, one === state.hovered);
}

function box(context, { box: { x1, y1, x2, y2 }, class_id: id, class_name: name, confidence }, fit, strong) {
  const color = COLORS[id % COLORS.length];
  context.lineWidth = (strong ? 4 : 2) / fit;
  context.strokeStyle = color;
  context.strokeRect(x1, y1, x2 - x1, y2 - y1);
  const words = `${name} ${confidence.toFixed(2)}`;
  const size = 12 / fit;
  context.font = `600 ${size}px system-ui, sans-serif`;
  const top = Math.max(y1 - size * 1.4, 0);
  context.fillStyle = color;
  context.fillRect(x1 - context.lineWidth / 2, top, context.measureText(words).width + size * 0.8, size * 1.4);
  context.fillStyle = "#111";
  context.fillText(words, x1 + size * 0.35, top + size * 1.06);
}
