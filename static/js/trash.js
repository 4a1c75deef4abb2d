// The trash: how many are chosen, and a question before anything goes for good.
import { ask } from "./app.js";

const form = document.getElementById("trash");
if (form) start(form);

function start(form) {
  const boxes = [...form.querySelectorAll("[name=ids]")];
  const all = form.querySelector("[data-all-here]");
  const count = () => boxes.filter((box) => box.checked).length;
  const show = () => {
    const n = count();
    form.querySelector("[data-chosen]").textContent = n ? `${n} chosen` : "";
    for (const button of form.querySelectorAll("[data-needs-choice]")) button.disabled = !n;
    all.checked = n === boxes.length;
    all.indeterminate = n > 0 && n < boxes.length;
  };
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; });
  form.addEventListener("change", show);
  addEventListener("pageshow", show);
  const purge = form.querySelector("[data-purge]");
  purge.addEventListener("click", async (event) => {
    if (purge.dataset.asked) return;
    event.preventDefault();
    const n = count();
    const words = `Delete ${n} image${n === 1 ? "" : "s"} for good? Their labels go with them. Nothing brings them back.`;
    if (!await ask(words, "Delete for good")) return;
    purge.dataset.asked = "yes";
    form.requestSubmit(purge);
  });
}
