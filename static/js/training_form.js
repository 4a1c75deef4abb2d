// Says what the training will start from, for the model and the choice that stand in the form.

const atHand = JSON.parse(document.getElementById("weights-at-hand").textContent);
const note = document.querySelector("[data-weights-note]");
const model = document.querySelector("[name=model_type]");
const weights = document.querySelector("[name=weights]");

function say() {
  const name = model.value;
  if (weights.value === "scratch") {
    note.textContent = "Starts from nothing. Fine for small images and simple shapes; real photos want pretrained weights.";
  } else if (weights.value !== "auto" && weights.value !== "pretrained") {
    note.textContent = "Goes on from a model of yours; its architecture is taken over.";
  } else if (atHand.includes(name)) {
    note.textContent = `Starts from the pretrained ${name}.pt that is on this machine.`;
  } else if (weights.value === "auto") {
    note.textContent = `${name}.pt is not on this machine. The trainer tries to download it; without internet it starts from nothing, and the job's page says so.`;
  } else {
    note.textContent = `${name}.pt is not on this machine. The trainer downloads it; without internet the job fails and says where to put the file.`;
  }
}

model.addEventListener("change", say);
weights.addEventListener("change", say);
say();
