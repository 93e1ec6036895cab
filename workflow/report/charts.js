/* Charts of faithfulness and of interactions. */

/** R2 on the hold-out against evaluations, with its 95 % intervals. */
function learningCurve(points, room) {
  const width = Math.min(room, 420),
    frame = { left: 58, right: width - 14, top: 12, bottom: 208 };
  const values = points.map(({ evaluations }) => Math.log10(evaluations));
  const x = scale([Math.min(...values) - 0.08, Math.max(...values) + 0.08], [frame.left, frame.right]);
  const low = Math.max(0, Math.min(...points.map(({ r2_low }) => r2_low)));
  const span = Math.max(1 - low, 0.002);
  const y = scale([Math.max(0, 1 - 1.1 * span), 1], [frame.bottom, frame.top]);
  const place = ({ evaluations, r2 }) => `${x(Math.log10(evaluations))},${y(Math.max(r2, 0))}`;
  const last = points.at(-1);
  const words = `Learning curve: R² ${points.map((p) => `${p.r2.toFixed(3)} from ${thousands(p.evaluations)} evaluations`).join(", ")}`;
  return picture(
    width,
    250,
    words,
    axisLeft(frame, y, ticks(Math.max(0, 1 - 1.1 * span), 1, 4), "R² on the hold-out", (v) =>
      String(Number(v.toFixed(4))),
    ),
    axisBottom(
      frame,
      (v) => x(Math.log10(v)),
      points.map(({ evaluations }) => evaluations),
      "evaluations",
      compact,
    ),
    svg("path", {
      class: "band",
      d: `M${points.map((p) => `${x(Math.log10(p.evaluations))},${y(Math.max(p.r2_high, 0))}`).join("L")}L${points
        .toReversed()
        .map((p) => `${x(Math.log10(p.evaluations))},${y(Math.max(p.r2_low, 0))}`)
        .join("L")}Z`,
    }),
    svg("path", { class: "line", d: `M${points.map(place).join("L")}` }),
    points.map((p) =>
      svg("circle", {
        class: p === last ? "point last" : "point",
        cx: x(Math.log10(p.evaluations)),
        cy: y(Math.max(p.r2, 0)),
        r: 5,
        "data-tip": `${thousands(p.evaluations)} evaluations (${p.estimator})\nR² ${p.r2.toFixed(4)} (${p.r2_low.toFixed(4)} to ${p.r2_high.toFixed(4)})`,
      }),
    ),
  );
}

function compact(count) {
  return count >= 1e6 ? `${number(count / 1e6)} M` : count >= 1000 ? `${number(count / 1000)} k` : String(count);
}

/** The variance by order of interaction: the part that was found as the terms carry it, and the rest. */
function orderBars({ variance_by_order, r2 }, room) {
  const found = Object.values(variance_by_order).reduce((a, b) => a + b, 0),
    explained = Math.max(r2, 0);
  const bars = Object.entries(variance_by_order).map(([order, part]) => ({
    name: `order ${order}`,
    share: found > 0 ? (explained * part) / found : 0,
  }));
  bars.push({ name: "not found", share: 1 - explained, rest: true });
  const width = Math.min(room, 420),
    height = 30 * bars.length + 12,
    x = scale([0, 1], [92, width - 62]);
  const words = `Variance by order: ${bars.map(({ name, share }) => `${name} ${percent(share)}`).join(", ")}`;
  return picture(
    width,
    height,
    words,
    bars.map(({ name, share, rest }, k) => {
      const top = 6 + 30 * k;
      return svg(
        "g",
        { class: "axis", "data-tip": `${name}: ${percent(share)} of the model's variance` },
        label(84, top + 16, name, { "text-anchor": "end" }),
        svg("rect", { x: x(0), y: top, width: x(1) - x(0), height: 22, rx: 3, class: "track" }),
        svg("rect", {
          x: x(0),
          y: top,
          width: Math.max(x(share) - x(0), share > 0 ? 1.5 : 0),
          height: 22,
          rx: 3,
          class: rest ? "bar rest" : "bar",
        }),
        label(x(1) + 8, top + 16, percent(share)),
      );
    }),
  );
}

/** The model against the spectrum, point by point. */
function scatter(predicted, truth, words, room) {
  const width = Math.min(room, 420),
    frame = { left: 58, right: width - 14, top: 12, bottom: width - 64 };
  const pairs = [...predicted]
    .map((p, k) => [p, truth[k]])
    .filter(([p, t]) => Number.isFinite(p) && Number.isFinite(t));
  const all = pairs.flat();
  let low = all.reduce((a, b) => Math.min(a, b), Infinity),
    high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!(high > low)) [low, high] = [low - (Math.abs(low) || 1), high + (Math.abs(high) || 1)];
  // Values that differ by little beside an offset are drawn, and named, less that offset.
  const span = high - low,
    power = 10 ** Math.ceil(Math.log10(span));
  const offset = Math.max(Math.abs(low), Math.abs(high)) > 1000 * span ? Math.round(low / power) * power : 0;
  const less = offset ? ` − ${offset.toExponential()}` : "";
  for (const pair of pairs) pair.forEach((v, k) => (pair[k] = v - offset));
  [low, high] = [low - offset, high - offset];
  const margin = 0.04 * (high - low);
  const x = scale([low - margin, high + margin], [frame.left, frame.right]);
  const y = scale([low - margin, high + margin], [frame.bottom, frame.top]);
  const opacity = Math.max(0.18, Math.min(0.8, 60 / Math.sqrt(pairs.length) / 10));
  return picture(
    width,
    frame.bottom + 44,
    `${words}: the model against the spectrum, ${pairs.length} points`,
    axisLeft(frame, y, ticks(low, high, 5), `model${less}`),
    axisBottom(frame, x, ticks(low, high, 5), `spectrum${less}`),
    svg("line", { class: "diagonal", x1: x(low), y1: y(low), x2: x(high), y2: y(high) }),
    svg("path", {
      class: "dots",
      opacity,
      d: pairs.map(([p, t]) => `M${x(p).toFixed(1)} ${y(t).toFixed(1)}h0`).join(""),
    }),
  );
}

/** How strongly positions interact, pair by pair: the lower triangle of a matrix. */
function interactionMap(page, values, words, signed, room) {
  const n = page.template.length;
  const cell = Math.max(4, Math.min(Math.max(18, 200 / n), (Math.min(room, 560) - 70) / n));
  const frame = { left: 52, right: 52 + n * cell, top: 8, bottom: 8 + n * cell };
  const strongest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const cells = [];
  for (let i = 1, k = 0; i < n; i++) {
    for (let j = 0; j < i; j++, k++) {
      const part = strongest ? Math.abs(values[k]) / strongest : 0;
      const side = signed && values[k] < 0 ? "down" : "up";
      cells.push(
        svg("rect", {
          x: (frame.left + j * cell).toFixed(2),
          y: (frame.top + i * cell).toFixed(2),
          width: cell,
          height: cell,
          class: `cell ${signed ? side : "plain"}`,
          "fill-opacity": part.toFixed(3),
          "data-tip": `positions ${j + 1} and ${i + 1}\n${number(values[k], signed)}`,
        }),
      );
    }
  }
  const marks = [...Array(n).keys()].filter((i) => n <= 12 || i === 0 || (i + 1) % 5 === 0);
  return picture(
    frame.right + 12,
    frame.bottom + 40,
    `${words} Strongest: ${strongestPairs(values)
      .map(([i, j, v]) => `${i} and ${j} (${number(v, signed)})`)
      .join(", ")}`,
    svg("path", {
      class: "under",
      d: `M${frame.left} ${frame.top + cell}L${frame.left} ${frame.bottom}H${frame.right - cell}Z`,
    }),
    svg("g", {}, cells),
    svg(
      "g",
      { class: "axis" },
      marks.map((i) => label(frame.left - 6, frame.top + (i + 0.5) * cell + 4, i + 1, { "text-anchor": "end" })),
      marks.map((i) => label(frame.left + (i + 0.5) * cell, frame.bottom + 15, i + 1, { "text-anchor": "middle" })),
      label((frame.left + frame.right) / 2, frame.bottom + 33, "position", { "text-anchor": "middle", class: "title" }),
    ),
    legend(frame, strongest, signed),
  );
}

/** The strongest pairs of positions (from 1), with their values. */
function strongestPairs(values, most = 8) {
  const pairs = [];
  for (let i = 1, k = 0; k < values.length; i++) for (let j = 0; j < i; j++, k++) pairs.push([j + 1, i + 1, values[k]]);
  pairs.sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
  return pairs.filter(([, , v]) => v).slice(0, most);
}

/** What the colours of a map mean, in its empty upper corner. */
function legend(frame, strongest, signed) {
  const steps = signed ? [-1, -0.6, -0.3, 0, 0.3, 0.6, 1] : [0, 0.25, 0.5, 0.75, 1];
  const size = Math.min(22, (frame.right - frame.left) / (2 * steps.length)),
    left = frame.right - size * steps.length;
  return svg(
    "g",
    { class: "axis" },
    steps.map((part, k) =>
      svg("rect", {
        x: left + k * size,
        y: frame.top + 4,
        width: size,
        height: 12,
        "fill-opacity": Math.abs(part),
        class: `cell ${signed ? (part < 0 ? "down" : "up") : "plain"}`,
      }),
    ),
    svg("rect", { x: left, y: frame.top + 4, width: size * steps.length, height: 12, class: "outline" }),
    label(left, frame.top + 32, signed ? number(-strongest) : "0", { "text-anchor": "middle" }),
    label(frame.right, frame.top + 32, number(strongest), { "text-anchor": "end" }),
  );
}

/** How often the two halves of a motif lie how far apart. */
function spacingBars(gaps) {
  const low = gaps[0][0],
    high = gaps.at(-1)[0],
    most = Math.max(...gaps.map(([, count]) => count));
  const step = Math.max(3, Math.min(16, 220 / (high - low + 1))),
    width = 44 + step * (high - low + 1);
  const words = `Spacing: ${gaps.map(([gap, count]) => `${gap} letters between in ${count}`).join(", ")}`;
  return picture(
    Math.max(width, 110),
    76,
    words,
    gaps.map(([gap, count]) =>
      svg("rect", {
        class: "bar",
        x: 30 + step * (gap - low),
        y: 44 - (40 * count) / most,
        width: Math.max(step - 1.5, 1.5),
        height: (40 * count) / most,
        "data-tip": `${gap} letters between: ${thousands(count)} instances`,
      }),
    ),
    svg(
      "g",
      { class: "axis" },
      svg("line", { class: "base", x1: 28, x2: width - 10, y1: 44, y2: 44 }),
      [...new Set([low, high])].map((gap) =>
        label(30 + step * (gap - low + 0.5), 58, gap, { "text-anchor": "middle" }),
      ),
      label(30, 73, "letters between", { class: "title" }),
    ),
  );
}

/** The letter table of a pair of positions as a map. */
function letterTable(page, support) {
  const letters = page.alphabet.letters,
    [first, second] = support.positions.split(",");
  const cell = letters.length > 6 ? 13 : 26,
    left = 34,
    top = 36,
    size = cell * letters.length;
  const strongest = Math.max(...support.cells.map(([, value]) => Math.abs(value))) || 1;
  const words = `Letter table of positions ${first} and ${second}: ${support.cells
    .toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, 4)
    .map(([pair, value]) => `${pair} ${number(value, true)}`)
    .join(", ")}`;
  const middle = (k) => (k + 0.5) * cell;
  return picture(
    left + size + 8,
    top + size + 8,
    words,
    svg("rect", { class: "under", x: left, y: top, width: size, height: size }),
    support.cells.map(([pair, value, count]) =>
      svg("rect", {
        x: left + letters.indexOf(pair[1]) * cell,
        y: top + letters.indexOf(pair[0]) * cell,
        width: cell,
        height: cell,
        class: `cell ${value > 0 ? "up" : "down"}`,
        "fill-opacity": (Math.abs(value) / strongest).toFixed(3),
        "data-tip": `${pair[0]} at ${first}, ${pair[1]} at ${second}\n${number(value, true)} together\nin ${thousands(count)} sequences`,
      }),
    ),
    svg(
      "g",
      { class: "axis" },
      [...letters].map((a, k) => label(left - 8, top + middle(k) + 4, a, { "text-anchor": "middle" })),
      [...letters].map((a, k) => label(left + middle(k), top - 6, a, { "text-anchor": "middle" })),
      label(left + size / 2, 12, second, { "text-anchor": "middle", class: "title" }),
      label(9, top + size / 2 + 4, first, { "text-anchor": "middle", class: "title" }),
    ),
  );
}
