/** Where the tiles of a list are in a grid of equal tiles: pure geometry, in px from the grid's top. */

export class Layout {
  /** `count` tiles, `columns` in a row, `pitch` px from one row to the next, `gap` px of it between them. */
  constructor({ count = 0, columns = 1, pitch = 1, gap = 0 } = {}) {
    Object.assign(this, { count, columns: Math.max(1, columns), pitch: Math.max(1, pitch), gap });
  }

  get rows() {
    return Math.ceil(this.count / this.columns);
  }

  get height() {
    return Math.max(0, this.rows * this.pitch - this.gap);
  }

  top(index) {
    return Math.floor(index / this.columns) * this.pitch;
  }

  /** The positions [first, end) of the whole rows between `top` and `bottom`. */
  range(top, bottom) {
    const firstRow = Math.min(Math.max(0, Math.floor(top / this.pitch)), Math.max(0, this.rows - 1));
    const endRow = Math.min(this.rows, Math.max(firstRow, Math.ceil(bottom / this.pitch)));
    return { first: firstRow * this.columns, end: Math.min(this.count, endRow * this.columns) };
  }

  /** Where a key leads from a position; `visibleRows` is how far PageUp and PageDown go. Null: the key leads nowhere. */
  move(index, key, visibleRows = 1) {
    const steps = {
      ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns,
      PageUp: -this.columns * visibleRows, PageDown: this.columns * visibleRows,
    };
    if (!this.count) return null;
    if (key === "Home") return 0;
    if (key === "End") return this.count - 1;
    if (!(key in steps)) return null;
    const to = index + steps[key];
    if (to >= 0 && to < this.count) return to;
    if (key.startsWith("Page")) return this.#sameColumn(index, to);
    // Below the last but one row with a shorter row under it: its last tile.
    return key === "ArrowDown" && Math.floor(index / this.columns) < this.rows - 1 ? this.count - 1 : index;
  }

  #sameColumn(index, to) {
    const column = index % this.columns;
    if (to < 0) return column;
    const last = (this.rows - 1) * this.columns + column;
    return last < this.count ? last : this.count - 1;
  }
}
