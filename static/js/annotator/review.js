/** The reviewer's word on an image: accept it, or send it back with a note; and the note, shown to whoever mends it. */
import { ApiError } from "./api.js";
import { el, openDialog, toast } from "./dom.js";

async function askNote(filename) {
  const note = el("textarea", { rows: 4, placeholder: "What is to be mended?", autofocus: true, aria: { label: "Note" } });
  const send = el("button", { type: "button", class: "ws-button is-primary", text: "Send back", onclick: () => opened.dialog.close("send") });
  const opened = openDialog(`Send back ${filename}`, [note, el("footer", { class: "ws-dialog-foot" }, send)]);
  return (await opened.closed) === "send" ? note.value.trim() : null;
}

/** `action` is "accept" or "send_back". What is unsent is saved first, so that the word is about what is seen. */
export async function openReview(ws, action) {
  const { item } = ws;
  const note = action === "send_back" ? await askNote(item.filename) : "";
  if (note === null) return;
  await ws.sync.flush();
  if (ws.sync.unsent(item.id)) return toast("First the changes have to be saved.");
  try {
    const { state, revision } = await ws.api.review(item.id, action, note, ws.sync.revision(item.id));
    ws.reviewed(item, state, revision);
    toast(action === "accept" ? "Accepted." : "Sent back.");
  } catch (error) {
    toast(error instanceof ApiError ? error.message : "The server does not answer.", { kind: "is-danger" });
  }
}

/** Shows in `element` what the reviewer wrote, while the image on the screen is one that was sent back. */
export function watchNote(ws, element) {
  let shown = null;
  ws.on("state", async (state) => {
    const item = state === "needs_work" ? ws.item : null;
    if (item && item === shown) return;
    shown = item;
    element.hidden = true;
    const { reviews } = item ? await ws.api.reviews(item.id).catch(() => ({ reviews: [] })) : { reviews: [] };
    if (!reviews.length || shown !== item) return;
    const [{ reviewer, note }] = reviews;
    element.replaceChildren(el("strong", { text: `Sent back by ${reviewer ?? "a reviewer"}` }), el("p", { text: note }));
    element.hidden = false;
  });
}
