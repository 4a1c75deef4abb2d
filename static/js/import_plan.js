// The name of a new class is only asked where there is one.

for (const row of document.querySelectorAll("[data-plan] .plan tbody tr")) {
  const [choice, name] = [row.querySelector("select"), row.querySelector("input")];
  const paint = () => { name.disabled = choice.value !== "new"; };
  choice.addEventListener("change", () => { paint(); if (!name.disabled) name.select(); });
  paint();
}
