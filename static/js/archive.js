// An archive goes up with a progress bar; without JavaScript the form works as it is.

for (const form of document.querySelectorAll("form[data-archive]")) {
  const file = form.querySelector("input[type=file]");
  const name = form.querySelector("input[name=name]");
  file.addEventListener("change", () => {
    if (name && !name.value && file.files[0]) name.value = file.files[0].name.replace(/\.(zip|tar|tgz|tar\.gz|tar\.bz2)$/i, "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}

function send(form) {
  const progress = form.querySelector("[data-progress]");
  const button = form.querySelector("button");
  const request = new XMLHttpRequest();
  progress.hidden = false;
  button.disabled = true;
  request.open("POST", form.action);
  request.upload.onprogress = (event) => { progress.firstElementChild.style.width = `${(100 * event.loaded) / event.total}%`; };
  request.onload = () => {
    // The answer is the job's page, or this form with what is wrong in it.
    if (request.status < 400) {
      location.assign(request.responseURL);
      return;
    }
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const errors = [...answer.querySelectorAll(".errorlist li")].map((li) => li.textContent);
    fail(form, errors.join(" ") || `The server answered ${request.status}.`);
  };
  request.onerror = () => fail(form, "The connection broke. Nothing was imported; try again.");
  request.send(new FormData(form));
}

function fail(form, words) {
  form.querySelector("[data-progress]").hidden = true;
  form.querySelector("button").disabled = false;
  let message = form.querySelector(".message");
  if (!message) {
    message = document.createElement("div");
    message.className = "message error";
    message.setAttribute("role", "alert");
    form.prepend(message);
  }
  message.textContent = words;
}
