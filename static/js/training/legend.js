// A chart's legend outside of its drawing: the plot keeps its size however many lines there are and however narrow the
// page is. A press on a name hides its line.

/** Put a legend for `lines` before `chart`; returns the lines with those hidden that were pressed. */
export function withLegend(chart, lines, redraw) {
  chart.hiddenLines ??= new Set();
  const names = lines.map(({ name, line }) => name + line.color).join();
  if (chart.legendNames !== names) {
    chart.legendNames = names;
    chart.legendBox?.remove();
    chart.legendBox = document.createElement("div");
    chart.legendBox.className = "chart-legend";
    chart.legendBox.append(...lines.map((line) => button(chart, line, redraw)));
    chart.before(chart.legendBox);
  }
  return lines.map((line) => ({ ...line, visible: chart.hiddenLines.has(line.name) ? "legendonly" : true }));
}

function button(chart, { name, line }, redraw) {
  const made = document.createElement("button");
  made.type = "button";
  made.title = "Show or hide this line";
  const mark = document.createElement("i");
  mark.style.borderTop = `${line.width > 1.5 ? 3 : 2}px ${line.dash ? "dotted" : "solid"} ${line.color}`;
  made.append(mark, name);
  made.setAttribute("aria-pressed", String(!chart.hiddenLines.has(name)));
  made.addEventListener("click", () => {
    if (!chart.hiddenLines.delete(name)) chart.hiddenLines.add(name);
    made.setAttribute("aria-pressed", String(!chart.hiddenLines.has(name)));
    redraw();
  });
  return made;
}
