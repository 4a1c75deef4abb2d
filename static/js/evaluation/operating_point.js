// The operating point: a confidence, overall or for each class, chosen on the curves and stored with the model.
// The rules are those of apps/models/services/operating_points.py, which has the last word.

const csrf = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
const three = (value) => value.toFixed(3);
const NAMES = ["precision", "recall", "f1"];

/** A figure in words: where nothing is found there is no precision, though the curve goes on at 1. */
function told(figures, name) {
  return name === "precision" && !figures.recall ? "–" : three(figures[name]);
}

/** The place on the curves that a rule gives, or null where none reaches the target. */
export function placeOn({ f1, precision, recall }, rule, target) {
  if (rule === "best_f1") {
    const best = Math.max(...f1);
    const places = [...f1.keys()].filter((place) => f1[place] === best);
    return best > 0 ? places[Math.floor(places.length / 2)] : null;
  }
  const wanted = rule === "precision" ? precision : recall;
  const reached = [...wanted.keys()].filter((place) => wanted[place] >= target && recall[place] > 0);
  return (rule === "precision" ? reached[0] : reached.at(-1)) ?? null;
}

/** Wire the card; `mark(confidence)` draws the point into the charts. */
export function operatingPoint(page, curves, names, mark) {
  const card = page.querySelector("[data-point]");
  card.hidden = false;
  const find = (name) => card.querySelector(`[data-point-${name}]`);
  const slider = card.querySelector("#point-conf");
  const byClass = find("classes");
  const { x } = curves.f1;
  const overall = { f1: curves.f1.overall, precision: curves.precision.overall, recall: curves.recall.overall };
  const classes = curves.f1.per_class.map(({ class_id: id }, place) => ({
    id, f1: curves.f1.per_class[place].y, precision: curves.precision.per_class[place].y, recall: curves.recall.per_class[place].y,
  }));
  const stored = JSON.parse(document.getElementById("operating-point").textContent);
  const state = { rule: stored.rule ?? "best_f1", target: stored.target ?? null, confidence: stored.confidence ?? 0.25, own: new Map() };
  const at = (confidence) => Math.min(Math.round(confidence * (x.length - 1)), x.length - 1);

  function show() {
    slider.value = state.confidence;
    find("conf").textContent = state.confidence.toFixed(2);
    tell();
    const table = find("table");
    table.hidden = !byClass.checked;
    if (byClass.checked) table.querySelector("tbody").replaceChildren(...classes.map(line));
    clearTimeout(show.later);
    show.later = setTimeout(() => mark(state.confidence), 60);
  }

  function tell() {
    const now = figures();
    for (const name of NAMES) find(name).textContent = told(now, name);
  }

  // With a threshold for each class, the figures are the mean over the classes, each at its own.
  function figures() {
    if (!byClass.checked) return Object.fromEntries(Object.entries(overall).map(([name, y]) => [name, y[at(state.confidence)]]));
    const mean = (name) => classes.reduce((sum, row) => sum + row[name][at(ownOf(row))], 0) / classes.length;
    return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
  }

  const ownOf = (row) => state.own.get(row.id) ?? state.confidence;

  function line(row) {
    const tr = document.createElement("tr");
    const slide = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1, step: 0.01, value: ownOf(row) });
    slide.setAttribute("aria-label", `Confidence of ${names[row.id]}`);
    const cells = ["", "", "", "", "", ""].map(() => tr.insertCell());
    cells[0].textContent = names[row.id];
    cells[1].append(slide);
    for (const cell of cells.slice(2)) cell.className = "num";
    const numbers = () => {
      cells[2].textContent = ownOf(row).toFixed(2);
      const now = Object.fromEntries(NAMES.map((name) => [name, row[name][at(ownOf(row))]]));
      NAMES.forEach((name, n) => { cells[n + 3].textContent = told(now, name); });
    };
    slide.addEventListener("input", () => {
      state.own.set(row.id, Number(slide.value));
      state.rule = "manual";
      numbers();
      tell();
    });
    numbers();
    return tr;
  }

  function choose(rule) {
    const box = card.querySelector(`[data-target=${rule}]`);
    const target = box ? Number(box.value) : null;
    const place = placeOn(overall, rule, target);
    if (place === null && rule === "best_f1") return say("Nothing that the model found here is right, at any confidence: F1 is 0 throughout.", "warning");
    if (place === null) {
      const best = Math.max(...overall[rule].filter((_, n) => overall.recall[n] > 0), 0);
      return say(`No confidence gives a ${rule} of ${target}; the most that it reaches is ${three(best)}.`, "warning");
    }
    say("");
    Object.assign(state, { rule, target, confidence: x[place], own: new Map() });
    for (const row of classes) {
      const own = placeOn(row, rule, target);
      if (own !== null) state.own.set(row.id, x[own]);
    }
    return show();
  }

  function say(words, kind = "success") {
    const place = find("said");
    place.textContent = words;
    place.className = `message ${kind}`;
    place.hidden = !words;
  }

  async function store(point) {
    const answer = await fetch(page.dataset.model, {
      method: "PATCH", headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() }, body: JSON.stringify({ operating_point: point }),
    }).catch(() => null);
    if (!answer?.ok) {
      const body = await answer?.json().catch(() => null);
      return say(body ? [body.operating_point ?? body.detail ?? Object.values(body)].flat(3).map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" ") : "The server did not answer. Try again.", "error");
    }
    const { operating_point: kept } = await answer.json();
    const isSet = Object.keys(kept).length > 0;
    find("stored").textContent = isSet ? `${kept.confidence.toFixed(2)}${Object.keys(kept.per_class).length ? ", by class" : ""}` : "none chosen: 0.25";
    return say(isSet ? "Stored: predictions without a conf of their own use it from now on." : "Predictions use 0.25 again.");
  }

  slider.addEventListener("input", () => {
    Object.assign(state, { rule: "manual", target: null, confidence: Number(slider.value), own: new Map() });
    show();
  });
  byClass.addEventListener("change", show);
  for (const button of card.querySelectorAll("[data-rule]")) button.addEventListener("click", () => choose(button.dataset.rule));
  find("save")?.addEventListener("click", () => {
    const point = { rule: "manual", confidence: Math.max(state.confidence, 0.001) };
    if (page.dataset.evaluation) point.evaluation_id = Number(page.dataset.evaluation);
    if (state.rule !== "manual" && point.evaluation_id) {
      Object.assign(point, { rule: state.rule, per_class: byClass.checked });
      if (state.target !== null) point.target = state.target;
      delete point.confidence;
    } else if (byClass.checked) point.per_class = Object.fromEntries(classes.map((row) => [row.id, ownOf(row)]));
    store(point);
  });
  find("clear")?.addEventListener("click", () => store(null));

  byClass.checked = Object.keys(stored.per_class ?? {}).length > 0;
  for (const [id, confidence] of Object.entries(stored.per_class ?? {})) state.own.set(Number(id), confidence);
  if (!stored.confidence) say("");
  show();
}
