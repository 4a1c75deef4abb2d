// The log on the page: only the lines in sight are drawn, so that it may be as long as it likes; it is searched, and it
// follows its end until one scrolls up.

import { LogText, kindOf } from "./log_text.js";

const HEIGHT = 18; // pixels of a line, as in the style sheet
const MARGIN = 20; // lines that are drawn above and below those in sight

export class Log {
  constructor(page, ask) {
    const find = (name) => page.querySelector(`[data-${name}]`);
    this.box = find("log");
    this.all = this.box.querySelector(".log-all");
    this.window = this.box.querySelector(".log-window");
    [this.search, this.count, this.only] = [find("log-search"), find("log-count"), find("log-only")];
    [this.followButton, this.status] = [find("log-follow"), find("log-status")];
    this.text = new LogText(ask);
    this.follows = true;
    this.query = "";
    this.hits = []; // places of lines
    this.hit = -1; // which of them is shown
    this.listen(find);
  }

  append(piece) {
    const before = this.text.lines.length;
    if (!this.text.append(piece)) return;
    if (this.query) this.findAgain(Math.max(before - 1, 0));
    this.draw();
    if (this.follows) this.toEnd();
  }

  listen(find) {
    this.box.addEventListener("scroll", () => this.onScroll());
    this.followButton.addEventListener("click", () => { this.setFollows(!this.follows); if (this.follows) this.toEnd(); });
    this.search.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.start(this.search.value.trim()), 150);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); this.step(event.shiftKey ? -1 : 1); }
      if (event.key === "Escape") { this.search.value = ""; this.start(""); }
    });
    this.only.addEventListener("change", () => { this.draw(); this.showHit(); });
    find("log-next").addEventListener("click", () => this.step(1));
    find("log-previous").addEventListener("click", () => this.step(-1));
    this.box.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "f") { event.preventDefault(); this.search.focus(); }
    });
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  onScroll() {
    const atEnd = this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < HEIGHT * 1.5;
    if (this.box.scrollTop < (this.seen ?? 0) - 1 && !atEnd) this.setFollows(false);
    if (atEnd && !this.filters) this.setFollows(true);
    this.seen = this.box.scrollTop;
    if (this.box.scrollTop < HEIGHT * MARGIN && !this.filters) this.fetchEarlier();
    this.draw();
  }

  setFollows(follows) {
    this.follows = follows;
    this.followButton.setAttribute("aria-pressed", String(follows));
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.draw();
  }

  /** Lines that come before those that are here; what is in sight stays where it is. */
  async fetchEarlier() {
    let count = 0;
    try {
      count = await this.text.earlier();
    } catch {
      this.say("The earlier lines could not be fetched; scroll up to try again.");
      return;
    }
    this.say(this.text.isTooLong ? "This log is very long: its beginning is only in the download." : "");
    if (!count) return;
    if (this.query) this.findAgain(0);
    if (!this.filters) this.box.scrollTop += count * HEIGHT;
    this.draw();
  }

  // --- search -------------------------------------------------------------------------------------------------

  get filters() {
    return this.only.checked && this.query !== "";
  }

  async start(query) {
    this.query = query.toLowerCase();
    this.findAgain(0);
    this.hit = this.hits.length - 1; // the newest one
    this.draw();
    this.showHit();
    while (this.query === query.toLowerCase() && query && !this.text.isWhole && !this.text.isTooLong) {
      this.say("Searching the earlier lines …");
      const before = this.text.start;
      await this.fetchEarlier();
      if (this.text.start === before) break; // it said why
    }
  }

  /** Note the lines that match, from a line on; those before it are known. */
  findAgain(from) {
    const shown = this.hits[this.hit];
    const fromEnd = this.hits.length - this.hit;
    this.hits = from ? this.hits.filter((place) => place < from) : [];
    if (this.query) {
      for (let place = from; place < this.text.lines.length; place++) {
        if (this.text.lines[place].toLowerCase().includes(this.query)) this.hits.push(place);
      }
    }
    this.hit = from ? this.hits.indexOf(shown) : Math.max(this.hits.length - fromEnd, -1);
    this.tell();
  }

  step(by) {
    if (!this.hits.length) return;
    this.hit = (this.hit + by + this.hits.length) % this.hits.length;
    this.showHit();
  }

  showHit() {
    this.tell();
    if (this.hit < 0 || !this.hits.length) return;
    this.setFollows(false);
    const row = this.filters ? this.hit : this.hits[this.hit];
    this.box.scrollTop = row * HEIGHT - this.box.clientHeight / 2;
    this.draw();
  }

  tell() {
    this.count.textContent = !this.query ? "" : this.hits.length ? `${this.hit + 1} of ${this.hits.length}` : "none";
  }

  say(words) {
    this.status.textContent = words;
  }

  // --- drawing ------------------------------------------------------------------------------------------------

  draw() {
    const count = this.filters ? this.hits.length : this.text.lines.length;
    this.all.style.height = `${Math.max(count, 1) * HEIGHT}px`;
    const first = Math.max(Math.floor(this.box.scrollTop / HEIGHT) - MARGIN, 0);
    const last = Math.min(first + Math.ceil(this.box.clientHeight / HEIGHT) + 2 * MARGIN, count);
    this.window.style.transform = `translateY(${first * HEIGHT}px)`;
    const rows = [];
    for (let row = first; row < last; row++) rows.push(this.row(this.filters ? this.hits[row] : row));
    if (!count) rows.push(element("div", "log-line muted", this.query && this.filters ? "No line matches." : "Nothing yet."));
    this.window.replaceChildren(...rows);
  }

  row(place) {
    const line = this.text.lines[place];
    const row = element("div", `log-line ${kindOf(line)}`);
    if (place === this.hits[this.hit] && this.query) row.classList.add("current");
    row.append(...this.marked(line));
    return row;
  }

  /** The line with what is searched for in marks. */
  marked(line) {
    if (!this.query) return [line];
    const parts = [];
    const low = line.toLowerCase();
    let from = 0;
    for (let at = low.indexOf(this.query); at >= 0; at = low.indexOf(this.query, from)) {
      parts.push(line.slice(from, at), element("mark", "", line.slice(at, at + this.query.length)));
      from = at + this.query.length;
    }
    return [...parts, line.slice(from)];
  }
}

function element(name, classes, text = "") {
  const made = document.createElement(name);
  made.className = classes;
  made.textContent = text;
  return made;
}
