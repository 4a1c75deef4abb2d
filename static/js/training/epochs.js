// The epochs of a job as the server tells them: a list for each metric, all equally long.

export class Epochs {
  constructor() {
    this.columns = { epoch: [] };
  }

  get count() {
    return this.columns.epoch.length;
  }

  get last() {
    return this.columns.epoch.at(-1) ?? 0;
  }

  /** Take an answer's epochs; true where something is new. */
  take(fresh, isAll) {
    const count = fresh.epoch?.length ?? 0;
    const before = this.count;
    if (isAll) this.columns = { epoch: [] };
    if (!count) return isAll && before > 0;
    const known = this.count;
    for (const name of Object.keys(fresh)) this.columns[name] ??= new Array(known).fill(null);
    for (const [name, column] of Object.entries(this.columns)) column.push(...(fresh[name] ?? new Array(count).fill(null)));
    return true;
  }

  of(name) {
    return this.columns[name] ?? [];
  }

  /** The names that begin with `prefix`, as they came. */
  names(prefix) {
    return Object.keys(this.columns).filter((name) => name.startsWith(prefix));
  }

  /** The place of the best epoch, -1 before the first: as the job says, else the last one that was marked so. */
  best(told) {
    const place = told ? this.columns.epoch.indexOf(told) : -1;
    return place >= 0 ? place : this.of("is_best").lastIndexOf(1);
  }
}
