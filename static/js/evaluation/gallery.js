// The images that a model got wrong: pointing at a mistake's words shows its boxes, and a choice leads elsewhere.

document.addEventListener("pointerover", (event) => point(event.target, true));
document.addEventListener("pointerout", (event) => point(event.target, false));

function point(target, isOn) {
  const words = target.closest?.("[data-points-to]");
  if (!words) return;
  const svg = words.closest("article").querySelector("svg");
  svg.classList.toggle("pointed", isOn);
  svg.querySelector(`[data-mistake="${words.dataset.pointsTo}"]`).classList.toggle("pointed", isOn);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-goes-to]")) location.assign(event.target.value + location.search.replace(/([?&])page=\d+&?/, "$1"));
});
