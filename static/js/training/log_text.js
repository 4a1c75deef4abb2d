// The lines of a log: newest ones first to come, earlier ones when they are wanted, new ones at the end. Knows no DOM.

const EARLIER = 200_000; // characters that are fetched at once
const MOST_FETCHED = 20_000_000; // a log that is longer is searched as a file

export class LogText {
  /** `ask(offset, limit)` answers the text from there. */
  constructor(ask) {
    this.ask = ask;
    this.lines = [];
    this.start = 0; // the character of the log that the first line begins at
    this.fetched = 0;
    this.isOpen = false; // whether the last line waits for its end
  }

  append({ start, text }) {
    if (!this.lines.length && !this.fetched) this.start = start;
    if (!text) return false;
    this.fetched += text.length;
    const fresh = text.split("\n");
    if (this.isOpen) this.lines[this.lines.length - 1] += fresh.shift();
    this.isOpen = fresh.length ? fresh.at(-1) !== "" : !text.endsWith("\n");
    if (fresh.at(-1) === "") fresh.pop();
    for (const line of fresh) this.lines.push(line);
    return true;
  }

  get isWhole() {
    return this.start === 0;
  }

  get isTooLong() {
    return this.fetched > MOST_FETCHED;
  }

  /** Fetch the lines before the first one; answers how many came. */
  async earlier() {
    if (this.isWhole || this.fetching || this.isTooLong) return 0;
    this.fetching = true;
    try {
      const offset = Math.max(this.start - EARLIER, 0);
      let text = await this.ask(offset, this.start - offset);
      this.fetched += text.length;
      const cut = offset ? text.indexOf("\n") + 1 : 0;
      this.start = offset + [...text.slice(0, cut)].length; // the server counts characters, not UTF-16's halves
      text = text.slice(cut);
      const lines = text.split("\n");
      if (lines.at(-1) === "") lines.pop();
      this.lines = lines.concat(this.lines);
      return lines.length;
    } finally {
      this.fetching = false;
    }
  }
}

const BAD = /\b(error|exception|traceback|killed|out of memory|no space left|nan)\b/i;
const WARNING = /\bwarning\b/i;

/** "bad", "warning", "own" (a line of the platform's) or "". */
export function kindOf(line) {
  if (BAD.test(line)) return "bad";
  if (WARNING.test(line)) return "warning";
  return line.startsWith("— ") ? "own" : "";
}
