// Numbers as people read them.

export function metric(value) {
  return value === null || value === undefined ? "–" : value.toFixed(3);
}

export function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** A guess, with no more digits than are known: 40 s, 12 min, 2 h 10 min, 2.3 days. */
export function roughly(seconds) {
  if (seconds < 55) return `${Math.max(Math.round(seconds / 5) * 5, 5)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (seconds < 36 * 3600) return `${Math.floor(minutes / 60)} h ${Math.floor((minutes % 60) / 10) * 10} min`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

/** The clock at `seconds` from now; with the day where it is not today. */
export function clock(seconds) {
  const then = new Date(Date.now() + seconds * 1000);
  const today = then.toDateString() === new Date().toDateString();
  return then.toLocaleString([], { ...(today ? {} : { weekday: "short", day: "numeric", month: "short" }), hour: "2-digit", minute: "2-digit" });
}

/** MiB as GB, with a digit where there are few. */
export function gigabytes(mib) {
  const gb = mib / 1024;
  return gb < 10 ? gb.toFixed(1) : gb.toFixed(0);
}
