/** A found object enlarged: what it is, how sure, how large; to copy or to keep as a file. */
import { el, iconButton } from "../annotator/dom.js";

const LARGEST = 460; // CSS px of the longer side
const AROUND = 0.06; // of the box's size, shown around it

/** The crop at the picture's own resolution. `source` is {picture, width, height} in px of the image. */
export function cropOf({ picture, width, height }, { box }) {
  const [margin, canvas] = [AROUND * Math.max(box.x2 - box.x1, box.y2 - box.y1), document.createElement("canvas")];
  const x = Math.max(0, Math.floor(box.x1 - margin));
  const y = Math.max(0, Math.floor(box.y1 - margin));
  canvas.width = Math.max(1, Math.min(width, Math.ceil(box.x2 + margin)) - x);
  canvas.height = Math.max(1, Math.min(height, Math.ceil(box.y2 + margin)) - y);
  const scale = picture.width / width; // a live frame may be smaller than the source that the answer counts in
  canvas.getContext("2d").drawImage(picture, x * scale, y * scale, canvas.width * scale, canvas.height * scale, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Opens a dialog on one of `list`; the arrow keys go through it. */
export function openCrop(source, list, one) {
  let place = list.indexOf(one);
  const body = el("div");
  const words = el("p", { class: "small", role: "status" });
  const dialog = el("dialog", { class: "test-crop", aria: { label: "Found object" } });
  const step = (by) => { place = (place + by + list.length) % list.length; show(); };
  const show = () => {
    const found = list[place];
    const canvas = source.picture ? cropOf(source, found) : null;
    if (canvas) enlarge(canvas);
    words.textContent = "";
    body.replaceChildren(
      el("div", { class: "card-head" }, el("h2", { text: found.class_name }), el("span", { class: "muted", text: found.confidence.toFixed(3) }), el("span", { class: "spacer" }), iconButton("x", "Close", () => dialog.close(), { class: "icon-button" })),
      canvas ?? el("p", { class: "muted", text: "This browser cannot show this format, so there is no crop." }),
      el("p", { class: "small muted", text: sizeOf(found) }),
      words,
      el("div", { class: "actions" },
        ...(list.length > 1 ? [el("button", { type: "button", class: "button ghost small", text: "←", aria: { label: "The one before" }, onclick: () => step(-1) }), el("span", { class: "small muted", text: `${place + 1} of ${list.length}` }), el("button", { type: "button", class: "button ghost small", text: "→", aria: { label: "The next" }, onclick: () => step(1) })] : []),
        el("span", { class: "spacer" }),
        ...(canvas ? [el("button", { type: "button", class: "button ghost small", text: "Copy", onclick: () => copy(canvas, words) }), el("button", { type: "button", class: "button ghost small", text: "Download", onclick: () => download(canvas, found) })] : [])),
    );
  };
  dialog.append(body);
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  show();
  dialog.showModal();
}

function enlarge(canvas) {
  const scale = Math.min(LARGEST / Math.max(canvas.width, canvas.height), 16);
  canvas.style.width = `${Math.round(canvas.width * scale)}px`;
  canvas.style.imageRendering = scale > 4 ? "pixelated" : "auto";
}

function sizeOf({ box: { x1, y1, x2, y2 } }) {
  return `${Math.round(x2 - x1)} × ${Math.round(y2 - y1)} px, from (${Math.round(x1)}, ${Math.round(y1)}) to (${Math.round(x2)}, ${Math.round(y2)})`;
}

const asPng = (canvas) => new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });

async function copy(canvas, words) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": asPng(canvas) })]);
    words.textContent = "Copied as a picture.";
  } catch {
    words.textContent = "This browser copies pictures only over https or on localhost. Download it instead.";
  }
}

async function download(canvas, found) {
  const link = el("a", { href: URL.createObjectURL(await asPng(canvas)), download: `${found.class_name.replaceAll(/[^\p{L}\p{N}]+/gu, "-")}-${found.confidence.toFixed(2)}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
