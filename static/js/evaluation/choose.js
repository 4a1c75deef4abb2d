// Two to six models, or jobs by the models that they made, chosen in a list can be compared.

const FEWEST = 2;
const MOST = 6;
const chosen = new Set();

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-choose]")) return;
  if (event.target.checked) chosen.add(event.target.value);
  else chosen.delete(event.target.value);
  show();
});
document.addEventListener("htmx:afterSettle", show);
show();

function show() {
  for (const box of document.querySelectorAll("[data-choose]")) {
    box.checked = chosen.has(box.value);
    box.disabled = !box.checked && chosen.size >= MOST;
  }
  const bar = document.querySelector("[data-compare]");
  bar.hidden = !chosen.size;
  bar.querySelector("[data-words]").textContent = chosen.size < FEWEST ? "Choose one more to compare" : `${chosen.size} chosen`;
  bar.querySelector("button").disabled = chosen.size < FEWEST;
  bar.querySelector("[name=ids]").value = [...chosen].join(",");
}
