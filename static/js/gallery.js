// Draws each image's boxes over its thumbnail.

const SVG = "http://www.w3.org/2000/svg";

async function drawBoxes() {
  const gallery = document.getElementById("gallery");
  const frames = [...(gallery?.querySelectorAll("[data-image]") ?? [])];
  if (!frames.length) return;
  const ids = frames.map((frame) => frame.dataset.image).join(",");
  const answer = await fetch(`${gallery.dataset.boxesUrl}?ids=${ids}`);
  if (!answer.ok) return;
  const { boxes, colors } = await answer.json();
  for (const frame of frames) overlay(frame, boxes[frame.dataset.image] ?? [], colors);
  applyChoice();
}

function overlay(frame, boxes, colors) {
  const [width, height] = [Number(frame.dataset.width), Number(frame.dataset.height)];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true");
  for (const [classId, x, y, w, h, points] of boxes) {
    const shape = document.createElementNS(SVG, points ? "polygon" : "rect");
    if (points) shape.setAttribute("points", points.map(([px, py]) => `${px * width},${py * height}`).join(" "));
    else for (const [name, value] of Object.entries({ x: (x - w / 2) * width, y: (y - h / 2) * height, width: w * width, height: h * height })) shape.setAttribute(name, value);
    shape.setAttribute("fill", "none");
    shape.setAttribute("stroke", colors[classId] ?? "#888");
    shape.setAttribute("stroke-width", "1.5");
    shape.setAttribute("vector-effect", "non-scaling-stroke");
    svg.append(shape);
  }
  frame.querySelector("svg")?.remove();
  frame.append(svg);
}

function applyChoice() {
  const shown = document.querySelector("[data-show-boxes]")?.checked ?? true;
  for (const svg of document.querySelectorAll("#gallery svg[viewBox]")) if (svg.parentElement.matches(".frame")) svg.style.display = shown ? "" : "none";
}

document.addEventListener("change", (event) => { if (event.target.matches("[data-show-boxes]")) applyChoice(); });
document.addEventListener("htmx:afterSettle", drawBoxes);
drawBoxes();
