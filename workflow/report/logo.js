/* Logos: letters as high as what they do, for means over many sequences, for motifs, and for one sequence with its
   error bars and its interactions as arcs. */

const LOGO = { right: 10, narrow: 4, wide: 34, widest: 72, foot: 36 };

/** Puts the outlines of all letters into the page once; logos refer to them. */
function defineGlyphs({ glyphs, colors }) {
  const shapes = Object.entries(glyphs).map(([letter, d]) =>
    svg("path", {
      id: glyphId(letter),
      d,
      fill: `light-dark(${colors[letter]}, color-mix(in oklab, ${colors[letter]}, white 28%))`,
    }),
  );
  document.body.append(
    svg("svg", { width: 0, height: 0, "aria-hidden": true, class: "glyphs" }, svg("defs", {}, shapes)),
  );
}

function glyphId(letter) {
  return `glyph-${letter.charCodeAt(0)}`;
}

/** Stacks positive letters above zero and negative ones below, the largest outermost. */
function stack(heights) {
  const parts = heights.filter(({ value }) => value).map((part) => ({ ...part }));
  parts.sort((a, b) => Math.abs(a.value) - Math.abs(b.value));
  let above = 0,
    below = 0;
  for (const part of parts) {
    part.from = part.value > 0 ? above : below + part.value;
    if (part.value > 0) above += part.value;
    else below += part.value;
  }
  return { parts, above, below };
}

/**
 * Draws a logo.
 * @param columns [{heights, position, shaded, tip, error}]: `heights` as [{letter, value}]; `error` half the bar.
 * @param options label (in words), unit, height, room (pixels), arcs (of one sequence), text (its letters), and `within`,
 *   values that the axis holds besides, so that logos side by side have the same one.
 */
function logo(columns, options) {
  const { unit, height = 210, room = 900, arcs = [], text = "", within = [] } = options;
  const wide = Math.max(LOGO.wide, Math.min(LOGO.widest, 420 / columns.length));
  const margin = room < 450 ? 58 : 64;
  const width = Math.min(wide, Math.max(LOGO.narrow, (room - margin - LOGO.right) / columns.length));
  const total = margin + LOGO.right + width * columns.length;
  const head = arcRoom(arcs, columns.length) + (text ? 26 : 8);
  const frame = { left: margin, right: total - LOGO.right, top: head, bottom: head + height - LOGO.foot };
  const stacks = columns.map((column) => stack(column.heights));
  const reach = (k, side) => stacks[k][side] + (side === "above" ? 1 : -1) * (columns[k].error || 0);
  let high = Math.max(0, ...within, ...columns.map((_, k) => reach(k, "above")));
  let low = Math.min(0, ...within, ...columns.map((_, k) => reach(k, "below")));
  if (high === low) [low, high] = [-1, 1];
  const y = scale([low, high], [frame.bottom - 2, frame.top + 2]);
  const left = (k) => frame.left + k * width;
  const drawn = picture(
    Math.ceil(total),
    frame.bottom + LOGO.foot + 2,
    options.label,
    axisLeft(frame, y, ticks(low, high, 4), unit),
    columns
      .map(
        (column, k) =>
          column.shaded &&
          svg("rect", {
            x: left(k),
            y: frame.top,
            width,
            height: frame.bottom - frame.top,
            class: "shade",
          }),
      )
      .filter(Boolean),
    svg(
      "g",
      { class: "letters" },
      stacks.map(({ parts }, k) => parts.map((part) => glyph(part, left(k), width, y))),
    ),
    svg("line", { x1: frame.left, x2: frame.right, y1: y(0), y2: y(0), class: "base" }),
    columns
      .map((column, k) => column.error && errorBar(left(k) + width / 2, y, stacks[k], column.error, width))
      .filter(Boolean),
    positionLabels(columns, left, width, frame, options.across || "position"),
    text &&
      svg(
        "g",
        { class: "sequence" },
        [...text].map((letter, k) =>
          label(left(k) + width / 2, head - 10, letter, {
            "text-anchor": "middle",
            "font-size": Math.min(15, width < 9 ? width + 1 : width + 3),
          }),
        ),
      ),
    arcs.length
      ? arcLayer(arcs, (position) => left(position - 1) + width / 2, head - 26, width * columns.length)
      : null,
    columns.map((column, k) =>
      svg("rect", {
        x: left(k),
        y: frame.top,
        width,
        height: frame.bottom - frame.top,
        class: "hit",
        "data-tip": column.tip,
      }),
    ),
  );
  return drawn;
}

function glyph({ letter, from, value }, x, width, y) {
  const bottom = y(from),
    tall = bottom - y(from + Math.abs(value));
  if (tall < 0.4) return null;
  return svg("use", {
    href: `#${glyphId(letter)}`,
    transform: `translate(${(x + 0.04 * width).toFixed(2)},${bottom.toFixed(2)}) scale(${(0.92 * width).toFixed(2)},${(-tall).toFixed(2)})`,
  });
}

function errorBar(x, y, { above, below }, error, width) {
  const value = above || below,
    cap = Math.min(4, width / 4);
  const [top, bottom] = [y(value + error), y(value - error)];
  return svg("path", {
    class: "error",
    d: `M${x} ${top}V${bottom}M${x - cap} ${top}h${2 * cap}M${x - cap} ${bottom}h${2 * cap}`,
  });
}

function positionLabels(columns, left, width, frame, title) {
  const every = width > 20 ? 1 : width > 5.5 ? 5 : 10;
  return svg(
    "g",
    { class: "axis" },
    columns
      .map(({ position }, k) =>
        position && (every === 1 || position % every === 0 || position === 1)
          ? label(left(k) + width / 2, frame.bottom + 16, position, { "text-anchor": "middle" })
          : null,
      )
      .filter(Boolean),
    label((frame.left + frame.right) / 2, frame.bottom + 33, title, { "text-anchor": "middle", class: "title" }),
  );
}

/** How far the ends of an arc are pulled up; it reaches three quarters of that. */
function arcRise(part) {
  return 16 + 104 * Math.sqrt(part);
}

function arcRoom(arcs, n) {
  const widest = Math.max(0, ...arcs.flatMap(({ positions }) => positions.slice(1).map((to, i) => to - positions[i])));
  return widest ? 0.75 * arcRise(widest / n) + 8 : 0;
}

/** Interactions as arcs over the letters they join: colour is the sign, thickness the strength. */
function arcLayer(arcs, x, y, span) {
  const strongest = Math.max(...arcs.map(({ value }) => Math.abs(value)));
  return svg(
    "g",
    { class: "arcs" },
    arcs
      .map((arc, k) => ({ arc, k }))
      .reverse()
      .map(({ arc: { positions, value, tip }, k }) => {
        const legs = positions.slice(1).map((to, i) => {
          const [a, b] = [x(positions[i]), x(to)];
          const rise = arcRise((b - a) / span);
          return `M${a} ${y}C${a} ${y - rise},${b} ${y - rise},${b} ${y}`;
        });
        const part = Math.abs(value) / strongest;
        return svg(
          "g",
          {
            class: `arc ${value > 0 ? "up" : "down"}`,
            "data-k": k,
            "data-tip": tip,
            opacity: (0.35 + 0.6 * part).toFixed(2),
          },
          svg("path", { d: legs.join(""), "stroke-width": (1 + 4 * part).toFixed(2) }),
          svg("path", { d: legs.join(""), class: "grip" }),
          positions.map((p) => svg("circle", { cx: x(p), cy: y, r: 1.5 + 1.5 * part })),
        );
      }),
  );
}

/**
 * The logo of mean contributions of a set of sequences.
 * @param view heights by position and letter; `count`, sequences, and `errors`, standard errors like heights, where known.
 * @param within values that the axis holds besides.
 */
function contributionLogo(page, view, room, height = 240, unit = "mean Shapley value", within = []) {
  const fixed = new Set(page.fixed);
  const columns = view.heights.map((row, k) => {
    const heights = lettered(page, row);
    const where = `position ${k + 1}${fixed.has(k + 1) ? ", fixed by the template" : ""}`;
    const errors = view.errors?.[k];
    const bar = ({ letter }) => errors?.[page.alphabet.letters.indexOf(letter)];
    const lines = listed(heights, (value) => number(value, true), (part) => (bar(part) ? ` ± ${number(1.96 * bar(part))}` : ""));
    return { heights, position: k + 1, shaded: fixed.has(k + 1), tip: [where, ...lines].join("\n") };
  });
  const over = view.count === undefined ? "" : `, ${view.count} sequences`;
  const words = `Logo of the ${unit} of each letter at each position${over}. Strongest: ${strongest(columns)}`;
  return logo(columns, { label: words, unit, room, height, within });
}

/** A motif by its mean contributions, or by its information in bits against the background. */
function motifLogo(page, motif, kind, room) {
  const bits = kind === "information";
  const rows = bits ? motif.frequency.map((row) => information(row, page.alphabet.frequencies)) : motif.contribution;
  const columns = rows.map((row, k) => {
    const where = motif.columns[k] ? `position ${motif.columns[k]}` : `column ${k + 1}`;
    const tip = [where, ...listed(lettered(page, motif.frequency[k]), percent)].join("\n");
    return { heights: lettered(page, row), position: motif.columns[k] ?? k + 1, shaded: motif.core[k], tip };
  });
  const words = `Logo of motif ${motif.motif}, ${motif.consensus}, ${bits ? "in bits" : "mean Shapley values"}`;
  const across = motif.columns.every(Boolean) ? "position" : "column";
  return logo(columns, { label: words, unit: bits ? "bits" : "Shapley value", room, height: 150, across });
}

/** One sequence: its letters by Shapley value, error bars where it was refined or the model has folds, interactions as arcs. */
function sequenceLogo(page, sequence, arcs, room) {
  const columns = [...sequence.letters].map((letter, k) => {
    const value = sequence.values[k],
      error = sequence.errors ? 1.96 * sequence.errors[k] || 0 : 0;
    const margin = error ? ` ± ${number(error)}` : "";
    const tip = `${letter} at position ${k + 1}\n${number(value, true)}${margin}`;
    return { heights: [{ letter, value }], error, position: k + 1, shaded: page.fixed.includes(k + 1), tip };
  });
  const words = `Shapley values of the letters of ${sequence.id}. Strongest: ${strongest(columns)}. ${arcs.length} interactions as arcs.`;
  return logo(columns, { label: words, unit: "Shapley value", room, height: 230, arcs, text: sequence.letters });
}

function lettered(page, row) {
  return row.map((value, k) => ({ letter: page.alphabet.letters[k], value }));
}

/** The letters of a column in words, the largest value first. */
function listed(heights, format = (value) => number(value, true), after = () => "") {
  const some = heights.filter(({ value }) => value).sort((a, b) => b.value - a.value);
  return some.slice(0, 6).map((part) => `${part.letter}  ${format(part.value)}${after(part)}`);
}

function strongest(columns) {
  const all = columns.flatMap(({ heights, position }) =>
    heights.map(({ letter, value }) => ({ letter, value, position })),
  );
  all.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return all
    .slice(0, 5)
    .map(({ letter, value, position }) => `${letter} at ${position} (${number(value, true)})`)
    .join(", ");
}

/** Heights in bits: the relative entropy of a column, shared out by frequency. A letter that the background lacks stands
    only where the template fixes it, and adds none. */
function information(row, background) {
  const bits = row.reduce((sum, f, k) => sum + (f > 0 && background[k] > 0 ? f * Math.log2(f / background[k]) : 0), 0);
  return row.map((f) => f * Math.max(bits, 0));
}
