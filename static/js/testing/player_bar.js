/** The controls of what is live: play and pause, the place in the video, its speed, keep a frame, stop. */

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

export class PlayerBar {
  constructor(root, live, { onKeep }) {
    Object.assign(this, { root, live });
    const { video } = live;
    const find = (name) => root.querySelector(`[data-${name}]`);
    Object.assign(this, { play: find("play"), seek: find("seek"), time: find("time"), rate: find("rate"), rateField: find("rate-field"), stop: find("stop") });
    this.play.addEventListener("click", () => live.toggle());
    this.seek.addEventListener("input", () => { if (Number.isFinite(video.duration)) video.currentTime = this.seek.valueAsNumber * video.duration; });
    this.rate.addEventListener("change", () => { video.playbackRate = Number(this.rate.value); });
    find("keep").addEventListener("click", onKeep);
    find("stop").addEventListener("click", () => live.stop());
  }

  show() {
    const { live, root } = this;
    root.hidden = !live.item;
    if (!live.item) return;
    const { video, item: { kind } } = live;
    this.play.querySelector("[data-when=playing]").hidden = !live.isPlaying;
    this.play.querySelector("[data-when=paused]").hidden = live.isPlaying;
    this.play.setAttribute("aria-label", live.isPlaying ? "Pause" : "Play");
    this.seek.hidden = this.time.hidden = this.rateField.hidden = kind !== "video";
    this.stop.hidden = kind === "video"; // it pauses, or is taken away
    if (!Number.isFinite(video.duration)) return;
    this.seek.value = video.duration ? video.currentTime / video.duration : 0;
    this.time.textContent = `${clock(video.currentTime)} / ${clock(video.duration)}`;
  }
}
