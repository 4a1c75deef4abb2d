/**
 * A video or the webcam before the models: frames are taken as the answers come, one at a time, so that the server never
 * has more than one question of each side. Nothing is stored, here or there.
 */

const LARGEST = 1280; // px of a frame's longer side: models look at less
const QUALITY = 0.9;

const CAMERA_WORDS = {
  NotAllowedError: "The browser refused the camera. Allow it for this page (by the sign beside the address), and try again.",
  NotFoundError: "No camera was found on this device.",
  NotReadableError: "The camera is in use by another program.",
};
const INSECURE = "Browsers give the camera only to pages over https or on localhost. Open this page so, or drop a video instead.";

const nextFrame = () => new Promise(requestAnimationFrame);

export class Live {
  item = null;
  #stream = null;
  #url = null;
  #ending = null; // aborts the questions of what is live now
  #changed = false;
  #frames = [document.createElement("canvas"), document.createElement("canvas")];

  /** `onError(words)`; `onChange()` when it starts, stops, plays or pauses. */
  constructor({ session, asker, video, onError, onChange }) {
    Object.assign(this, { session, asker, video, onError, onChange });
    for (const event of ["play", "pause", "ended", "loadedmetadata", "timeupdate", "seeked"]) video.addEventListener(event, onChange);
    for (const event of ["seeked", "loadeddata"]) video.addEventListener(event, () => { this.#changed = true; });
    video.addEventListener("error", () => { if (this.#url) this.#cannotPlay(); });
    session.on("current", () => this.#follow());
    session.on("items", () => { if (this.item && !session.items.includes(this.item)) this.stop(); });
    session.on("sides", () => { this.#changed = true; });
    addEventListener("pagehide", () => this.stop());
  }

  get isPlaying() {
    return Boolean(this.item) && !this.video.paused && !this.video.ended;
  }

  /** Asks for the camera and shows it; says in words why not. */
  async openCamera() {
    if (!navigator.mediaDevices?.getUserMedia) return this.onError(INSECURE);
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, height: { ideal: 720 } }, audio: false });
    } catch (error) {
      return this.onError(CAMERA_WORDS[error.name] ?? `The camera cannot be used: ${error.message || error.name}.`);
    }
    this.stop();
    const [item] = this.session.add([{ kind: "camera", name: "Webcam" }], { stay: true });
    if (!item) return stream.getTracks().forEach((track) => track.stop());
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => { this.onError("The camera stopped: it was unplugged, or taken back."); this.stop(); });
    this.#begin(item);
    this.video.srcObject = stream;
    this.#play();
    return this.session.go(item);
  }

  /** What becomes current starts; what was live before stops, and the camera goes. */
  #follow() {
    const { current } = this.session;
    if (current === this.item) return;
    this.stop();
    if (current?.kind !== "video") return;
    this.#begin(current);
    this.#url = URL.createObjectURL(current.file);
    this.video.src = this.#url;
    if (current.time) this.video.currentTime = current.time;
    this.#play();
  }

  #begin(item) {
    this.item = item;
    this.#ending = new AbortController();
    this.#run(item, this.#ending.signal);
    this.onChange();
  }

  async #play() {
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.onChange(); // some browsers want a click first: the button is there
    }
  }

  #cannotPlay() {
    const { item } = this;
    this.stop();
    this.onError(`This browser cannot play “${item.name}”. MP4 with H.264 and WebM play nearly everywhere.`);
    this.session.remove(item);
  }

  toggle() {
    if (this.isPlaying) this.video.pause(); else this.#play();
  }

  stop() {
    const { item, video } = this;
    if (!item) return;
    this.item = null;
    this.#ending.abort();
    item.time = video.currentTime;
    video.pause();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#stream = this.#url = video.srcObject = null;
    video.removeAttribute("src");
    video.load();
    this.onChange();
    if (item.kind === "camera") this.session.remove(item);
  }

  async #run(item, signal) {
    let last = -1;
    while (!signal.aborted) {
      const moved = this.isPlaying && this.video.currentTime !== last;
      if (this.video.readyState < 2 || document.hidden || !(moved || this.#changed)) {
        await nextFrame();
        continue;
      }
      this.#changed = false;
      last = this.video.currentTime;
      await this.#ask(item, signal);
    }
  }

  async #ask(item, signal) {
    const sides = this.session.sides.map((side) => ({ key: this.session.keyOf(side), model: side.about.key, iou: this.session.thresholdsOf(side).iou }));
    const frame = this.#take(item);
    const picture = await new Promise((resolve) => { frame.toBlob(resolve, "image/jpeg", QUALITY); });
    const answers = await Promise.all(sides.map(({ model, iou }) => this.#answer({ key: model, picture, name: "frame.jpg", iou, signal })));
    if (signal.aborted) return;
    const failed = answers.find((one) => one.status === "failed");
    if (failed) this.video.pause(); // once is enough to say it
    Object.assign(item, { frame, picture, size: { width: frame.width, height: frame.height } });
    this.session.setAnswers(item, new Map(sides.map(({ key }, i) => [key, answers[i]])));
  }

  async #answer(question) {
    try {
      return { status: "done", answer: await this.asker.ask(question) };
    } catch (error) {
      return { status: "failed", words: error.message };
    }
  }

  /** The frame of now, on the canvas that is not looked at. */
  #take(item) {
    const { video } = this;
    const scale = Math.min(1, LARGEST / Math.max(video.videoWidth, video.videoHeight));
    const frame = this.#frames.find((one) => one !== item.frame);
    frame.width = Math.round(video.videoWidth * scale);
    frame.height = Math.round(video.videoHeight * scale);
    frame.getContext("2d").drawImage(video, 0, 0, frame.width, frame.height);
    return frame;
  }

  /** Puts the frame that was answered last among the images, with its answers. */
  keep() {
    const { item } = this;
    if (!item?.picture) return null;
    const stamp = item.kind === "camera" ? new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-") : `${this.video.currentTime.toFixed(2)}s`;
    const name = `${item.name.replace(/\.[^.]*$/, "")}-${stamp}.jpg`;
    return this.session.add([{ name, file: item.picture, answers: new Map(item.answers) }], { stay: true })[0] ?? null;
  }
}
