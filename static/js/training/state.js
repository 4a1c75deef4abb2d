// The head of the page: what the job does, how long it will take, and the figures of its best epoch beside the newest.

import { clock, duration, metric, roughly } from "./words.js";

const ENDED = { completed: "Finished", failed: "Failed", cancelled: "Cancelled", paused: "Paused" };

export class State {
  constructor(page) {
    this.page = page;
    this.find = (name) => page.querySelector(`[data-${name}]`);
  }

  showJob(job) {
    const bar = this.page.querySelector("[data-progress]");
    const share = job.status === "completed" ? 1 : job.progress;
    bar.firstElementChild.style.width = `${share * 100}%`;
    bar.setAttribute("aria-valuenow", Math.round(share * 100));
    bar.classList.toggle("done", job.status === "completed");
    bar.classList.toggle("bad", job.status === "failed");
    this.say("epoch", job.current_epoch);
    this.say("phase", this.phase(job));
    this.say("time", duration(job.training_time));
    this.say("left", this.left(job));
    this.say("started-from", job.started_from || job.weights);
    this.say("device", job.environment.device ?? "–");
    this.find("warnings").hidden = !job.warnings.length;
    this.say("warning", job.warnings.join(" "));
    this.find("leaks").hidden = !job.environment.warnings?.length;
    const badge = this.page.querySelector("[data-badge] .badge");
    badge.className = `badge badge-${job.status}`;
    badge.textContent = job.status;
  }

  phase(job) {
    const words = job.phase || ENDED[job.status] || job.status;
    if (job.status !== "running" || /^(Final|Storing)/.test(words) || !/^(Training|Validating)/.test(words)) return words;
    return `Epoch ${Math.min(job.current_epoch + 1, job.epochs)} of ${job.epochs} · ${words}`;
  }

  left(job) {
    if (job.status !== "running") return "";
    if (job.eta_seconds === null) return /^Training/.test(job.phase) ? "The time left is known after the first epoch." : "";
    return `about ${roughly(job.eta_seconds)} left, done at ${clock(job.eta_seconds)}`;
  }

  showFigures(epochs, job) {
    const best = epochs.best(job.best_epoch);
    const last = epochs.count - 1;
    for (const element of this.page.querySelectorAll("[data-best]")) {
      const column = epochs.of(element.dataset.best);
      element.textContent = metric(column[best]);
      const now = element.parentElement.querySelector("[data-now]");
      now.textContent = last >= 0 && last !== best ? `${job.is_over ? "last" : "now"} ${metric(column[last])}` : "";
    }
    const bestEpoch = epochs.of("epoch")[best];
    this.say("best-epoch", bestEpoch ? `Measured after epoch ${bestEpoch}, the best${job.is_over ? "" : " so far"}${last === best ? ` and the ${job.is_over ? "last" : "newest"}` : ""}.` : "");
  }

  noAnswer() {
    this.say("left", "No answer from the server; trying again.");
  }

  say(name, words) {
    const element = this.find(name);
    if (element && element.textContent !== String(words)) element.textContent = words;
  }
}
