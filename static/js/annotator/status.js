/** The indicator that always tells the truth about what is saved. */
import { errorText } from "./api.js";

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/** A sync status → {text, hint, kind} for people. */
export function describeStatus({ kind, changes, images, kept, refused }) {
  const count = plural(changes, "change");
  const where = kept ? "They are kept in this browser and sent by themselves." : "This browser refuses to keep them: leave the page open.";
  if (kind === "saved") return { kind, text: "Saved", hint: "Everything is on the server." };
  if (kind === "saving") return { kind, text: kept ? "Saving…" : "Saving (not kept here)", hint: `${count} on the way. ${kept ? "" : where}` };
  if (kind === "conflict") return { kind, text: "Conflict", hint: "Somebody else changed this image meanwhile. Choose what to keep." };
  if (kind === "refused") return describeRefusal(refused, count, where);
  const text = kept ? `Offline, ${count} kept` : `Offline, ${count} not kept`;
  return { kind: kept ? "offline" : "danger", text, hint: `${count} on ${plural(images, "image")} not yet on the server. ${where}` };
}

function describeRefusal({ status, body }, count, where) {
  const signedOut = status === 401 || (status === 403 && /credential|csrf|log|sign/i.test(body?.detail ?? "credentials"));
  if (signedOut) {
    return { kind: "danger", text: `Signed out, ${count} kept`, hint: `Sign in in another tab, then press Save. ${where}` };
  }
  return { kind: "danger", text: `Not accepted, ${count} kept`, hint: `${errorText(body, status)} ${where}` };
}

/** Shows the status of `sync` in an element, and holds the page back only where leaving it would lose work. */
export function watchStatus(sync, element) {
  const show = (status) => {
    const { kind, text, hint } = describeStatus(status);
    element.dataset.kind = kind;
    element.lastElementChild.textContent = text;
    element.title = hint;
  };
  sync.on("status", show);
  show(sync.status);
  window.addEventListener("beforeunload", (event) => {
    if (sync.unsafe) event.preventDefault();
  });
}
