/* Outputs side by side: how much each position moves each of them. */

/**
 * A map of outputs (rows) over positions (columns), with R² of each output beside it.
 * @param shown `names`, `r2` (in words) and `values`, a row of numbers for each output.
 * @param shares whether each row is drawn as shares of its sum.
 * @param choose called with the number of an output whose row is clicked.
 */
function outputsMap(page, shown, shares, room, choose) {
  const { names, r2 } = shown,
    n = page.template.length;
  const rows = shares
    ? shown.values.map((row) => {
        const sum = row.reduce((total, v) => total + v, 0);
        return row.map((v) => (sum ? v / sum : 0));
      })
    : shown.values;
  const strongest = rows.flat().reduce((most, v) => Math.max(most, v), 0);
  const left = 12 + 7 * Math.min(18, Math.max(6, ...names.map((name) => name.length)));
  const cell = Math.max(3, Math.min(30, (room - left - 90) / n));
  const height = Math.max(12, Math.min(22, 440 / names.length));
  const frame = { left, right: left + n * cell, top: 36, bottom: 36 + names.length * height };
  const named = (name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name);
  const told = (v) => (shares ? percent(v) : number(v));
  const best = rows.map((row, k) => `${names[k]} at ${1 + row.indexOf(Math.max(...row))}`);
  const marks = [...Array(n).keys()].filter((i) => n <= 30 || i === 0 || (i + 1) % (n > 150 ? 20 : 5) === 0);
  return picture(
    frame.right + 90,
    frame.bottom + 40,
    `Mean magnitude of Shapley values by position, of ${names.length} outputs. Strongest position of each: ${best.join(", ")}`,
    svg("rect", { class: "under", x: frame.left, y: frame.top, width: frame.right - frame.left, height: frame.bottom - frame.top }),
    rows.map((row, k) =>
      svg(
        "g",
        { class: "row", onclick: () => choose(k) },
        row.map((v, i) =>
          svg("rect", {
            x: (frame.left + i * cell).toFixed(2),
            y: (frame.top + k * height).toFixed(2),
            width: cell,
            height,
            class: "cell plain",
            "fill-opacity": (strongest ? v / strongest : 0).toFixed(3),
            "data-tip": `${names[k]}, position ${i + 1}\n${told(v)}`,
          }),
        ),
      ),
    ),
    svg(
      "g",
      { class: "axis" },
      names.map((name, k) => label(frame.left - 6, frame.top + (k + 0.5) * height + 4, named(name), { "text-anchor": "end" })),
      r2.map((text, k) => label(frame.right + 8, frame.top + (k + 0.5) * height + 4, text)),
      label(frame.right + 8, frame.top - 10, "R²", { class: "title" }),
      marks.map((i) => label(frame.left + (i + 0.5) * cell, frame.bottom + 15, i + 1, { "text-anchor": "middle" })),
      label((frame.left + frame.right) / 2, frame.bottom + 33, "position", { "text-anchor": "middle", class: "title" }),
    ),
    outputsLegend(frame, told(strongest)),
  );
}

/** What the colours mean, above the map. */
function outputsLegend(frame, most) {
  const steps = [0, 0.25, 0.5, 0.75, 1],
    size = 20;
  return svg(
    "g",
    { class: "axis" },
    label(frame.left, 20, "0"),
    steps.map((part, k) =>
      svg("rect", { x: frame.left + 12 + k * size, y: 10, width: size, height: 12, "fill-opacity": part, class: "cell plain" }),
    ),
    svg("rect", { x: frame.left + 12, y: 10, width: size * steps.length, height: 12, class: "outline" }),
    label(frame.left + 18 + size * steps.length, 20, most),
  );
}
