/** The testing page: wires the session, its views and the live sources together. */
import { el, perFrame } from "../annotator/dom.js";
import { asLabel } from "./answers.js";
import { Asker, wordsFor } from "./ask.js";
import { openCrop } from "./crop.js";
import { marksOf } from "./differences.js";
import { Editing } from "./editing.js";
import { Editor } from "./editor.js";
import { showDifferences, showFound } from "./found.js";
import { Intake } from "./intake.js";
import { Live } from "./live.js";
import { PlayerBar } from "./player_bar.js";
import { Sender } from "./send.js";
import { MOST_ITEMS, Session } from "./session.js";
import { Sliders } from "./sliders.js";
import { Stage } from "./stage.js";
import { Strip } from "./strip.js";

const page = document.getElementById("tester");
if (page) start(JSON.parse(document.getElementById("testing-config").textContent));

function start(config) {
  const find = (name) => page.querySelector(`[data-${name}]`);
  const cookie = () => document.cookie.split("; ").find((part) => part.startsWith(`${config.csrf_cookie}=`))?.split("=")[1] ?? "";
  const asker = new Asker({ endpoint: config.endpoint, csrf: cookie, onWait: waiting });
  const session = new Session(asker);
  const live = new Live({ session, asker, video: find("video"), onError: complain, onChange: () => { bar.show(); draw(); } });
  const bar = new PlayerBar(find("live"), live, { onKeep: keep });
  const editor = new Editor();
  const sender = new Sender({ config, csrf: cookie });
  const editing = new Editing(page, { editor, onSend: send, onDone: () => { layOut(); draw(); } });
  const intake = new Intake(page, { session, config, complain });
  const pictures = new WeakMap(); // item → a picture that canvases take, or null where the browser cannot show it
  let stages = [];
  let hovered = null;

  new Strip(find("strip"), session);
  new Sliders(find("sliders"), session);
  const draw = perFrame(paint);
  for (const event of ["thresholds", "answers"]) session.on(event, draw);
  session.on("sides", () => { layOut(); address(); draw(); });
  session.on("items", () => { frame(); draw(); });
  session.on("current", () => { hovered = null; editing.close(); complain(""); frame(); layOut(); load(session.current); draw(); });
  addEventListener("resize", () => { editor.resize(); draw(); });
  document.addEventListener("themechange", draw);

  // Models ------------------------------------------------------------------------------------------------------

  const selects = [...page.querySelectorAll("[data-side]")];
  for (const select of selects) select.addEventListener("change", () => choose(Number(select.dataset.side), select.value));

  async function choose(place, key) {
    if (!key) return session.setSide(place, null);
    const [kind, value] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
    try {
      const response = await fetch(`${config.about}?${new URLSearchParams({ [kind]: value })}`, { headers: { Accept: "application/json" } });
      if (response.status === 404 || response.redirected) throw new Error("This model does not answer any more, or you are signed out: load the page again.");
      const about = await response.json();
      if (!response.ok) throw new Error(wordsFor(response.status, about));
      if (selects[place].value !== key) return undefined; // another was chosen meanwhile
      complain("");
      intake.offer(place === 0 ? about.samples : null);
      return session.setSide(place, about);
    } catch (error) {
      return complain(error instanceof TypeError ? "The server does not answer. Is the network there?" : error.message);
    }
  }

  function address() {
    const query = new URLSearchParams();
    const [first, second] = session.sides.map((side) => side.about.key);
    query.set(first.slice(0, first.indexOf(":")), first.slice(first.indexOf(":") + 1));
    if (second) query.set("with", second);
    history.replaceState(null, "", `?${query}`);
  }

  // What is shown ------------------------------------------------------------------------------------------------

  /** Which parts of the page are there. */
  function frame() {
    const { current, items } = session;
    page.toggleAttribute("data-empty", !items.length);
    find("drop").hidden = items.length > 0;
    find("stages").hidden = find("bar").hidden = !current;
    find("correct").hidden = current?.kind !== "image";
    find("bar").querySelector("[data-send]").hidden = current?.kind !== "image";
    find("place").textContent = current ? `${items.indexOf(current) + 1} of ${items.length} · ${current.name}` : "";
    find("previous").disabled = items.indexOf(current) <= 0;
    find("next").disabled = items.indexOf(current) >= items.length - 1;
    bar.show();
  }

  /** One stage for each side, or the editor. */
  function layOut() {
    const { sides, current } = session;
    page.classList.toggle("editing", editing.item !== null);
    if (editing.item) return find("stages").replaceChildren(editor.root);
    if (stages.length !== sides.length) stages = sides.map((side, place) => new Stage({ onPick: (found) => pick(found, sides[place]), onHover: hover }));
    find("stages").replaceChildren(...stages.map((stage) => stage.root));
    return find("stages").classList.toggle("two", stages.length > 1 && Boolean(current));
  }

  async function load(item) {
    if (!item || item.kind !== "image" || pictures.has(item)) return;
    try {
      pictures.set(item, await createImageBitmap(item.file, { imageOrientation: "from-image" }));
    } catch {
      pictures.set(item, null);
    }
    draw();
  }

  /** Of what is live the frame that was answered, so that its boxes are where its objects are; before that the video. */
  const pictureOf = (item) => (item.kind === "image" ? pictures.get(item) ?? null : item.frame ?? (live.item === item ? find("video") : null));

  function sizeOf(item) {
    const answered = session.sides.map((side) => session.answerOf(item, side).answer).find(Boolean);
    const picture = pictures.get(item);
    return item.size ?? answered?.image ?? (picture && { width: picture.width, height: picture.height });
  }

  function paint() {
    const { current, sides } = session;
    if (!current || !sides.length) return asides();
    const size = sizeOf(current);
    if (!editing.item && size) {
      const different = session.differences(current);
      const marks = different ? marksOf(different) : new Map();
      stages.forEach((stage, place) => {
        const objects = session.shown(current, session.sides[place]);
        stage.show({ picture: pictureOf(current), size, objects, marks, names: session.names, hovered, room: innerHeight * 0.68 });
      });
    }
    stages.forEach((stage, place) => tell(stage, session.sides[place], size));
    return asides();
  }

  function tell(stage, side, size) {
    const { current } = session;
    const { status, answer } = session.answerOf(current, side);
    stage.title.textContent = side.about.title;
    stage.title.title = side.about.answers;
    stage.words.textContent = answer ? `${session.shown(current, side).length} found · ${Math.round(answer.ms)} ms` : "";
    const noPicture = current.kind === "image" && pictures.has(current) && !pictures.get(current) && size;
    stage.busy({ waiting: "Asking the model…", failed: "No answer", done: noPicture ? "This browser cannot show this format: the boxes stand where they are." : "" }[status]);
    if (!size) stage.canvas.height = 0;
  }

  let listed = "";
  function asides() {
    const { current, sides } = session;
    const answers = sides.map((side) => session.answerOf(current, side));
    const failed = current && answers.find((one) => one.status === "failed");
    if (failed) complain(failed.words, { again: current.kind === "image" });
    else if (page.dataset.refused) complain("");
    find("found-card").hidden = !answers.some((one) => one.answer);
    find("speed").textContent = speedWords(answers);
    const different = current && session.differences(current);
    find("differences").hidden = !different;
    if (different) showDifferences(find("differ"), session, different);
    // Not anew for a hovered box: the row under the pointer must stay.
    const now = JSON.stringify([current?.id, sides.map((side) => [session.keyOf(side), session.shown(current, side).map((one) => [one.class_name, one.confidence, one.x_center])])]);
    if (now === listed) return;
    listed = now;
    const counts = showFound(find("found"), session, { onHover: hover, onPick: pick });
    find("count").textContent = counts.every((n) => n === 0) ? "nothing at these thresholds" : counts.join(" and ");
  }

  function speedWords(answers) {
    const [first] = answers.map((one) => one.answer).filter(Boolean);
    if (!first) return session.current && answers.some((one) => one.status === "waiting") ? "Asking the model…" : "Thresholds redraw at once; they do not ask the model again.";
    const { decode_ms: decoding, preprocess_ms: before, inference_ms: inference, postprocess_ms: after } = first.speed;
    const words = `Answered in ${Math.round(first.ms)} ms: ${decoding.toFixed(1)} ms decoding, ${inference.toFixed(1)} ms the model, ${(before + after).toFixed(1)} ms around it; the rest is the way there and back.`;
    return session.current.kind === "image" ? words : `${words} About ${(1000 / first.ms).toFixed(0)} frames a second.`;
  }

  function hover(found) {
    if (found === hovered) return;
    hovered = found;
    draw();
  }

  function pick(found, side) {
    const { current } = session;
    const picture = current.kind === "image" ? pictures.get(current) ?? null : current.frame;
    const still = picture instanceof HTMLCanvasElement ? copyOf(picture) : picture; // a live frame is drawn over soon
    openCrop({ picture: still, ...sizeOf(current) }, session.shown(current, side), found);
  }

  function copyOf(canvas) {
    const copy = el("canvas", { width: canvas.width, height: canvas.height });
    copy.getContext("2d").drawImage(canvas, 0, 0);
    return copy;
  }

  // Words ----------------------------------------------------------------------------------------------------------

  function complain(words, { again = false } = {}) {
    const box = find("error");
    box.hidden = !words;
    box.querySelector("[data-words]").textContent = words;
    box.querySelector("[data-again]").hidden = !again;
    page.toggleAttribute("data-refused", again && Boolean(words));
  }

  function waiting(seconds) {
    const box = find("waiting");
    box.hidden = !seconds;
    box.textContent = seconds ? `The server is busy. Asking again in ${Math.ceil(seconds)} s.` : "";
  }

  find("again").addEventListener("click", () => { complain(""); session.again(session.current); });
  find("error").querySelector("[data-hide]").addEventListener("click", () => { find("error").hidden = true; });

  // Doing ----------------------------------------------------------------------------------------------------------

  function keep() {
    const item = live.keep();
    if (item) load(item);
    else complain(session.items.length >= MOST_ITEMS ? `At most ${MOST_ITEMS} images at once.` : "There is no frame yet.");
  }

  /** What is shown of the first side of an item, as labels. */
  function shownAsLabels(item) {
    const size = sizeOf(item);
    return session.shown(item, session.sides[0]).map((one) => asLabel(one, size ? size.width / size.height : 1));
  }

  /** The labels of an item: as corrected, else what is shown of the first side. */
  const labelsOf = (item) => editor.corrected(item) ?? shownAsLabels(item);

  function correct() {
    const { current } = session;
    const size = current && sizeOf(current);
    if (current?.kind !== "image" || !size) return;
    find("bar").hidden = true;
    editing.open(current, { labels: shownAsLabels(current), picture: pictures.get(current) ?? null, size, names: session.names });
    layOut();
    editor.resize();
    editor.canvas.focus({ preventScroll: true });
  }

  function send() {
    const { current } = session;
    if (current?.kind !== "image" || !session.answerOf(current, session.sides[0]).answer) return complain("There is no answer yet to send along.");
    return sender.open(current, labelsOf(current), session.sides[0].about.dataset_id);
  }

  find("camera").addEventListener("click", () => { complain(""); live.openCamera(); });
  find("previous").addEventListener("click", () => session.step(-1));
  find("next").addEventListener("click", () => session.step(1));
  find("correct").addEventListener("click", correct);
  find("bar").querySelector("[data-send]").addEventListener("click", send);
  find("remove").addEventListener("click", () => remove());

  function remove() {
    const { current } = session;
    if (!current) return;
    editor.forget(current);
    session.remove(current);
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]") || event.target.matches("input:not([type=checkbox]), select, textarea")) return;
    if (editing.item) return void (editing.key(event) && event.preventDefault());
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const does = {
      ArrowLeft: () => session.step(-1), ArrowRight: () => session.step(1), e: correct, Delete: remove,
      " ": () => (live.item && !event.target.matches("button, a, summary, label") ? live.toggle() : null),
    }[event.key];
    if (!does || !session.current || (event.key === " " && (!live.item || event.target.matches("button, a, summary, label")))) return;
    event.preventDefault();
    does();
  });

  // The select remembers what the browser had before a reload: what the address says holds.
  selects[0].value = config.chosen;
  selects[1].value = [...selects[1].options].some((option) => option.value === config.beside) ? config.beside : "";
  choose(0, selects[0].value).then(() => selects[1].value && choose(1, selects[1].value));
  intake.takeChosen();
}
