// What a training finds in a few validation images, epoch by epoch: asked for when it comes into view, one epoch at a time.

import { Batches } from "./batches.js";
import { Frame } from "./look_frame.js";

const STEP = 280; // milliseconds an epoch, when played
const NEAR = "400px"; // below the window: asked for before it is seen

const section = document.getElementById("looks");
const dialog = document.getElementById("look-dialog");
const api = section.dataset.api;
const row = section.querySelector("[data-looks-row]");
const all = (selector) => [section, dialog].flatMap((part) => [...part.querySelectorAll(selector)]);
const batches = new Batches(api);
const shown = { confidence: 0.25, labels: true, predictions: true };
const answers = new Map(); // epoch → what was found after it, image by image
let watch = null; // the classes and images, once they are known
let epochs = [];
let best = null;
let place = 0; // among `epochs`
let follows = true; // the newest
let frames = [];
let large = null; // { frame, number } while the large view is open
let playing = 0;
let begun = false;
let hasEnded = null;

async function get(path) {
  const answer = await fetch(api + path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw Object.assign(new Error(`${answer.status}`), { status: answer.status });
  return answer.json();
}

function say(words) {
  const line = section.querySelector("[data-looks-empty]");
  line.textContent = words;
  line.hidden = !words;
}

/** Ask which epochs are kept, and show the newest unless another was chosen. */
async function refresh() {
  let kept;
  try {
    kept = await get("/looks");
    if (kept.epochs.length && !watch?.images.length) prepare(await get("/looks/images"));
  } catch (error) {
    if (error.status === 404) say("These pictures are of a dataset that you can no longer see.");
    return; // else the server may be starting again: the next news asks again
  }
  const chosen = epochs[place];
  best = kept.best_epoch;
  epochs = kept.epochs;
  if (!epochs.length) {
    say(hasEnded ? "No validation was kept of this training." : "The first validation comes with the first epoch.");
    return;
  }
  say("");
  section.querySelector("[data-looks-body]").hidden = false;
  place = follows ? epochs.length - 1 : nearest(chosen);
  await show();
}

/** The place of an epoch, or of the last one before it where it is not kept any more. */
function nearest(epoch) {
  return Math.max(epochs.findLastIndex((kept) => kept <= epoch), 0);
}

function prepare(answer) {
  watch = answer;
  frames = watch.images.map((image, number) => {
    const frame = new Frame(image, watch.classes);
    const card = document.createElement("button");
    card.type = "button";
    card.className = "look-card";
    card.addEventListener("click", () => open(number));
    frame.words = document.createElement("span");
    frame.words.className = "look-words small";
    card.append(frame.element, frame.words);
    frame.card = card;
    return frame;
  });
  row.replaceChildren(...frames.map((frame) => frame.card));
  const present = new Set(watch.images.flatMap((image) => image.labels.map((label) => label.class_id)));
  section.querySelector("[data-looks-classes]").replaceChildren(
    ...watch.classes.filter((_, number) => present.has(number)).map((one) => {
      const entry = document.createElement("span");
      const dot = document.createElement("i");
      dot.style.background = one.color;
      entry.append(dot, one.name);
      return entry;
    }),
  );
}

async function found(epoch) {
  if (!answers.has(epoch)) {
    const { images } = await get(`/looks/${epoch}`);
    answers.set(epoch, images.map((image) => image.found));
  }
  return answers.get(epoch);
}

/** Show the chosen epoch; an answer that comes when another one was chosen meanwhile is only kept. */
async function show() {
  const epoch = epochs[place];
  showControls();
  try {
    await found(epoch);
  } catch (error) {
    if (error.status === 404) await refreshOnce(epoch);
    return;
  }
  if (epochs[place] === epoch) draw();
}

/** A training thins out what it keeps: this epoch went since the list was read. */
async function refreshOnce(epoch) {
  epochs = (await get("/looks")).epochs.filter((kept) => kept !== epoch);
  place = nearest(epoch);
  if (epochs.length) await show();
}

function draw() {
  const boxes = answers.get(epochs[place]);
  if (!boxes) return;
  frames.forEach((frame, number) => {
    const count = frame.draw(boxes[number], shown);
    const words = boxes[number] ? `${count} found, ${frame.image.labels.length} labelled` : "not looked at";
    frame.words.textContent = words;
    frame.card.setAttribute("aria-label", `${frame.image.filename}: ${words}. Open it large.`);
    frame.card.title = frame.image.filename;
  });
  if (!large) return;
  const count = large.frame.draw(boxes[large.number], shown);
  dialog.querySelector("[data-look-words]").textContent =
    `${count} found from confidence ${shown.confidence.toFixed(2)}, ${large.frame.image.labels.length} labelled. ← → epoch, ↑ ↓ image.`;
}

function showControls() {
  const epoch = epochs[place];
  const words = epoch === best ? `epoch ${epoch}, the best` : `epoch ${epoch}`;
  for (const slider of all("[data-look-epoch]")) {
    slider.max = epochs.length - 1;
    slider.value = place;
    slider.setAttribute("aria-valuetext", words);
  }
  for (const output of all("[data-look-which]")) output.textContent = words;
  for (const button of all("[data-look-newest]")) button.setAttribute("aria-pressed", String(follows));
}

/** Go to a place among the epochs; at the last one the page goes with the training again. */
function goTo(next) {
  place = Math.min(Math.max(next, 0), epochs.length - 1);
  follows = place === epochs.length - 1;
  return show();
}

// --- play ---------------------------------------------------------------------------------------------------

function play() {
  if (playing) return stop();
  if (place >= epochs.length - 1) place = 0;
  follows = false;
  showPlaying(1);
  step(playing);
}

async function step(mine) {
  const until = performance.now() + STEP;
  await show();
  if (place >= epochs.length - 1) {
    follows = true;
    showControls();
    return stop();
  }
  found(epochs[place + 1]).catch(() => {}); // ahead; where it fails, its turn says so
  setTimeout(() => {
    if (playing !== mine) return;
    place += 1;
    step(mine);
  }, Math.max(until - performance.now(), 0));
}

function stop() {
  showPlaying(0);
}

let plays = 0;
function showPlaying(on) {
  playing = on ? ++plays : 0;
  for (const button of all("[data-look-play]")) {
    button.querySelector("[data-when-still]").hidden = Boolean(playing);
    button.querySelector("[data-when-playing]").hidden = !playing;
    button.setAttribute("aria-label", playing ? "Pause" : "Play from the first epoch");
    button.title = playing ? "Pause" : "Play";
  }
}

// --- the large view -----------------------------------------------------------------------------------------

function open(number) {
  const frame = new Frame(watch.images[number], watch.classes, { large: true });
  large = { frame, number };
  frame.element.style.setProperty("--ratio", frame.image.width / frame.image.height);
  dialog.querySelector("[data-look-name]").textContent = frame.image.filename;
  dialog.querySelector("[data-look-large]").replaceChildren(frame.element);
  if (!dialog.open) dialog.showModal();
  draw();
}

function turn(by) {
  open((large.number + by + frames.length) % frames.length);
}

dialog.addEventListener("close", () => {
  frames[large?.number]?.card.focus();
  large = null;
});
dialog.querySelector("[data-look-previous]").addEventListener("click", () => turn(-1));
dialog.querySelector("[data-look-next]").addEventListener("click", () => turn(1));
dialog.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: () => goTo(place - 1), ArrowRight: () => goTo(place + 1), ArrowUp: () => turn(-1), ArrowDown: () => turn(1) };
  if (!moves[event.key] || event.target.matches("[data-look-confidence]")) return;
  event.preventDefault();
  stop();
  moves[event.key]();
});

// --- the controls, twice --------------------------------------------------------------------------------------

function choose(name, value) {
  shown[name] = value;
  draw();
}

for (const slider of all("[data-look-epoch]")) slider.addEventListener("input", () => { stop(); goTo(Number(slider.value)); });
for (const button of all("[data-look-play]")) button.addEventListener("click", play);
for (const button of all("[data-look-newest]")) button.addEventListener("click", () => { stop(); goTo(epochs.length - 1); });
for (const slider of all("[data-look-confidence]")) {
  slider.addEventListener("input", () => {
    for (const other of all("[data-look-confidence]")) other.value = slider.value;
    for (const output of all("[data-look-from]")) output.textContent = Number(slider.value).toFixed(2);
    choose("confidence", Number(slider.value));
  });
}
for (const [name, selector] of [["labels", "[data-look-labels]"], ["predictions", "[data-look-found]"]]) {
  for (const box of all(selector)) {
    box.addEventListener("change", () => {
      for (const other of all(selector)) other.checked = box.checked;
      choose(name, box.checked);
    });
  }
}
for (const part of [section, dialog]) {
  const box = part.querySelector("[data-look-names]");
  const name = () => part.classList.toggle("with-names", box.checked);
  box.addEventListener("change", name);
  name();
}
for (const button of document.querySelectorAll("[data-look-close]")) button.addEventListener("click", () => button.closest("dialog").close());

// --- when -------------------------------------------------------------------------------------------------

const ENDED = ["completed", "failed", "cancelled"];

document.addEventListener("training:news", ({ detail: { job } }) => {
  const ends = ENDED.includes(job.status) && hasEnded === false;
  hasEnded = ENDED.includes(job.status);
  if (!begun) return;
  if (ends || job.current_epoch !== (epochs.at(-1) ?? 0) && !hasEnded) refresh();
  batches.news(job, hasEnded);
});

new IntersectionObserver((entries, observer) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  observer.disconnect();
  begun = true;
  const status = document.getElementById("job").dataset;
  hasEnded ??= ENDED.some((name) => (status.status ?? status.state ?? "").startsWith(name));
  refresh();
  batches.refresh(hasEnded);
}, { rootMargin: NEAR }).observe(section);
