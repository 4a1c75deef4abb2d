// The statistics page: draws what the server counted, asks again while it is counted anew.

import { draw } from "../charts.js";
import { perImage, positions, shapes, sizes } from "./boxes.js";
import { number, perClass, together } from "./classes.js";
import { brightness, bySplit, imageSizes, overTime, peopleTable } from "./images.js";
import { showTable } from "./table.js";

const page = document.getElementById("statistics");
const { gallery, api } = page.dataset;
const chooser = page.querySelector("[data-map-class]");
const POLL = 2500;
let data = JSON.parse(document.getElementById("statistics-data").textContent);
let chosenMap = null; // of one class; null: of all

const FIGURES = {
  "by-split": () => data.images && bySplit(data),
  "boxes-per-class": () => data.classes.length && perClass(data, "boxes"),
  "images-per-class": () => data.classes.length && perClass(data, "images"),
  positions: () => data.boxes && positions(...mapToShow()),
  together: () => data.co_occurrence.class_ids.length > 1 && data.boxes && together(data),
  "boxes-per-image": () => data.labeled && perImage(data, (from, to) => `?labeled=true&boxes_min=${from}&boxes_max=${to}`),
  "box-sizes": () => data.boxes && sizes(data),
  "box-shapes": () => data.boxes && shapes(data),
  "image-sizes": () => data.images && imageSizes(data),
  brightness: () => data.brightness.known && brightness(data),
  "over-time": () => data.labelling.days.length && overTime(data),
};

function mapToShow() {
  if (chosenMap) return [chosenMap.cells, { boxes: chosenMap.boxes, name: `“${chosenMap.class_name}”` }];
  return [data.positions.cells, { boxes: data.boxes, name: "all classes" }];
}

function show(name) {
  const card = page.querySelector(`[data-figure="${name}"]`);
  const figure = FIGURES[name]() || null;
  card.hidden = !figure;
  if (!figure) return;
  const element = card.querySelector("[data-chart]");
  element.style.height = `${figure.height}px`;
  draw(element, figure.traces, { dragmode: false, height: figure.height, ...figure.layout });
  card.querySelector("[data-note]").textContent = figure.note ?? "";
  card.table = figure.table;
  fillTable(card);
  if (element.listens) return;
  element.listens = true;
  element.on("plotly_click", ({ points }) => { if (points[0].customdata) location.assign(gallery + points[0].customdata); });
}

function fillTable(card) {
  const details = card.querySelector("details");
  if (details?.open && card.table) showTable(details.querySelector("[data-table]"), card.table, gallery);
}

function showAll() {
  if (data.computed_at === null) return;
  const names = data.classes.map((row) => new Option(row.class_name, row.class_id, false, row.class_id === chosenMap?.class_id));
  chooser.replaceChildren(new Option("All classes", ""), ...names);
  for (const name of Object.keys(FIGURES)) show(name);
  const people = page.querySelector("[data-figure=people]");
  people.hidden = !data.labelling.people.length;
  people.table = peopleTable(data);
  if (!people.hidden) showTable(people.querySelector("[data-table]"), people.table, gallery);
}

function showWords() {
  for (const element of page.querySelectorAll("[data-number]")) {
    const value = data[element.dataset.number];
    element.textContent = value === null || value === undefined ? "–" : number(value);
  }
  page.querySelector("[data-unlabeled]").textContent = number(data.images - data.labeled);
  const hints = page.querySelector("[data-hints]");
  hints.replaceChildren(...(data.hints ?? []).map((words) => Object.assign(document.createElement("li"), { textContent: words })));
  hints.closest("section").hidden = !data.hints?.length;
  page.querySelector("[data-freshness]").textContent = freshness();
  page.querySelector("[data-counted]").hidden = data.computed_at === null;
  page.querySelector("[data-uncounted]").hidden = data.computed_at !== null;
}

function freshness() {
  const { counting, computed_at: when, is_current: current, changes } = data;
  const soon = "Being counted anew soon.";
  const going = { pending: soon, failed: "", running: `Being counted anew: ${Math.round((counting?.progress ?? 0) * 100)} %.` }[counting?.status] ?? soon;
  if (when === null) return counting?.status === "failed" ? `It could not be counted: ${counting.error}` : `Being counted for the first time${counting?.message ? `: ${counting.message}` : ""}.`;
  const time = new Date(when).toLocaleString();
  if (current) return `As of ${time}; nothing changed since.`;
  const more = [["images", changes.images], ["boxes", changes.boxes]].filter(([, count]) => count).map(([what, count]) => `${number(Math.abs(count))} ${count > 0 ? "more" : "fewer"} ${what}`);
  const failed = counting?.status === "failed" ? ` It could not be counted anew: ${counting.error}` : "";
  return `As of ${time}. Since then: ${more.join(", ") || "changes that leave the totals as they are"}. ${going}${failed}`;
}

async function refresh() {
  let pause = POLL;
  try {
    const answer = await fetch(api, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const before = data.computed_at;
    data = await answer.json();
    showWords();
    if (data.computed_at !== before) {
      chosenMap = null;
      showAll();
    }
  } catch {
    pause = 4 * POLL; // the server may be starting again; what is on the page stays true
  }
  askAgain(pause);
}

function askAgain(pause = POLL) {
  if (!data.is_current) setTimeout(refresh, document.hidden ? 8 * pause : pause);
}

page.addEventListener("toggle", (event) => fillTable(event.target.closest("[data-figure]")), true);
chooser.addEventListener("change", async () => {
  const chosen = chooser.value;
  const answer = chosen && await fetch(`${api}/positions?class_id=${chosen}`, { headers: { Accept: "application/json" } });
  if (chooser.value !== chosen) return; // another was chosen meanwhile
  chosenMap = answer && answer.ok ? await answer.json() : null;
  if (!chosenMap) chooser.value = "";
  show("positions");
});
document.addEventListener("themechange", showAll);
addEventListener("load", () => { showWords(); showAll(); askAgain(); });
