// What every page has: the theme switch, the narrow menu, messages that go, questions before loss.

const root = document.documentElement;

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-theme-switch], [data-toggle], [data-dismiss], [data-copy]");
  if (!target) return;
  if (target.matches("[data-theme-switch]")) {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    document.dispatchEvent(new CustomEvent("themechange"));
  } else if (target.matches("[data-toggle]")) {
    const open = document.getElementById(target.dataset.toggle).classList.toggle("open");
    target.setAttribute("aria-expanded", String(open));
  } else if (target.matches("[data-dismiss]")) {
    target.parentElement.remove();
  } else {
    copy(target);
  }
});

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    flash(button, "Copied");
  } catch {
    getSelection().selectAllChildren(source); // no clipboard without https: selected, one key away
    flash(button, "Selected: press Ctrl+C");
  }
}

function flash(button, words) {
  const before = button.dataset.words ?? (button.dataset.words = button.textContent);
  button.textContent = words;
  setTimeout(() => { button.textContent = before; }, 1600);
}

// A form that loses something asks first; the words stand in the page.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  const asked = button?.dataset.confirm ? button : event.target; // a form of several buttons asks by the button
  const question = asked.dataset.confirm;
  if (question && !asked.dataset.confirmed) {
    event.preventDefault();
    ask(question, asked.dataset.confirmAction ?? "Delete").then((yes) => {
      if (!yes) return;
      asked.dataset.confirmed = "yes";
      event.target.requestSubmit(button);
    });
    return;
  }
  if (button && !event.target.hasAttribute("hx-post")) setTimeout(() => { button.disabled = true; }, 0);
});

// What htmx sends asks in the same way.
document.addEventListener("htmx:confirm", (event) => {
  const { question, elt, issueRequest } = event.detail;
  if (!question) return;
  event.preventDefault();
  ask(question, elt.dataset.confirmAction ?? "Delete").then((yes) => { if (yes) issueRequest(true); });
});

// A question that stands in the page as a <dialog>; its form sends the answer.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dialog]");
  if (button) document.getElementById(button.dataset.dialog).showModal();
});

// Coming back by the browser's history shows the form as it was: buttons work again.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button[disabled]:not([data-disabled])")) button.disabled = false;
});

export function ask(question, action) {
  const dialog = document.createElement("dialog");
  const words = document.createElement("p");
  words.textContent = question;
  const row = document.createElement("div");
  row.className = "actions";
  const [no, yes] = [document.createElement("button"), document.createElement("button")];
  no.textContent = "Cancel";
  no.className = "button ghost";
  yes.textContent = action;
  yes.className = "button danger";
  row.append(no, yes);
  dialog.append(words, row);
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((resolve) => {
    const close = (answer) => { dialog.remove(); resolve(answer); };
    no.onclick = () => close(false);
    yes.onclick = () => close(true);
    dialog.oncancel = () => close(false);
  });
}

// A menu closes when something else is clicked, or by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
});

// On a narrow screen the tabs scroll: the one that is open is in sight.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Times in the reader's own zone; the server writes UTC.
export function localTimes(scope) {
  for (const time of scope.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    time.textContent = ago(when);
    time.title = when.toLocaleString();
  }
}

function ago(when) {
  const seconds = (Date.now() - when) / 1000;
  if (seconds < -60) return when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }); // still to come
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
  return when.toLocaleDateString();
}

localTimes(document);
document.addEventListener("htmx:afterSettle", (event) => localTimes(event.target));

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});
