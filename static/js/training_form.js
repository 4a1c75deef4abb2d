// The training form: presets fill it, sliders show their number, what differs from the defaults is counted, and what
// to expect is asked of the server again as settings change.

const form = document.getElementById("training-form");
const presets = JSON.parse(document.getElementById("presets").textContent);
const says = document.querySelector("[data-preset-says]");

function show(name, value) {
  const control = form.elements[name];
  if (!control) return;
  if (control.type === "checkbox") control.checked = Boolean(value);
  else control.value = value;
}

function showNumber(control) {
  const output = control.closest(".slider")?.querySelector("output");
  if (output && control.type === "range") output.value = control.value;
}

/** Everything that follows from what stands in the form. */
function settle() {
  for (const control of form.querySelectorAll(".slider input")) showNumber(control);
  form.elements.batch_size.disabled = form.elements.fit_batch.checked;
  for (const group of form.querySelectorAll("details.more")) {
    const changed = [...group.querySelectorAll("input, select")].filter(differs).length;
    group.querySelector("[data-changed]").textContent = changed ? `${changed} changed` : "";
  }
  document.body.dispatchEvent(new CustomEvent("plan"));
}

/** Have the images drawn again; htmx waits until the slider rests, and gives up what is on its way. */
function draw() {
  document.body.dispatchEvent(new CustomEvent("preview"));
}

function differs(control) {
  if (control.tagName === "SELECT") return control.selectedIndex > 0;
  const usual = control.dataset.default ?? control.defaultValue;
  return control.value !== usual && (control.value === "" || usual === "" || Number(control.value) !== Number(usual));
}

document.querySelector(".presets").addEventListener("click", (event) => {
  const link = event.target.closest("[data-preset]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const preset = presets[link.dataset.preset];
  for (const [name, value] of Object.entries(preset.values)) show(name, value);
  for (const other of document.querySelectorAll("[data-preset]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  says.textContent = preset.says;
  says.hidden = false;
  settle();
  draw();
});

document.querySelector("[data-defaults]").addEventListener("click", () => {
  for (const control of form.querySelectorAll(".slider input")) control.value = control.dataset.default;
  settle();
  draw();
});

form.addEventListener("input", (event) => {
  if (event.target.type !== "range") return;
  showNumber(event.target);
  draw();
});
form.addEventListener("change", (event) => {
  if (event.target.name === "img_size" || event.target.name === "seed") draw();
});
form.addEventListener("change", settle);
settle();
