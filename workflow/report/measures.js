/* Probes, steering and doses as plots with intervals. */

const SERIES = ["s0", "s1", "s2", "s3", "s4", "s5"]; // how lines are told apart

/** Lines of points {x, y, low, high, tip} with whiskers where there are intervals, named above. */
function lineChart(series, { room, across, up, log = false, low = null, high = null, format = number }) {
  const kept = series.slice(0, SERIES.length), points = kept.flatMap((one) => one.points);
  const width = Math.max(300, Math.min(room, 560)), frame = { left: 62, right: width - 16, top: 14 + 20 * Math.ceil(kept.length / 2), bottom: 240 + 20 * Math.ceil(kept.length / 2) };
  const all = points.flatMap((p) => [p.y, p.low, p.high]).filter((v) => Number.isFinite(v));
  const ends = [low ?? Math.min(...all), high ?? Math.max(...all)];
  const at = (v) => (log ? Math.log10(v) : v), xs = points.map(({ x }) => at(x));
  const pad = 0.04 * (Math.max(...xs) - Math.min(...xs) || 1);
  const x = scale([Math.min(...xs) - pad, Math.max(...xs) + pad], [frame.left, frame.right]);
  const inside = (v) => Math.max(ends[0], Math.min(ends[1], v)), place = scale(ends, [frame.bottom, frame.top]), y = (v) => place(inside(v));
  const marks = [...new Set(points.map((p) => p.x))].toSorted((a, b) => a - b);
  const tens = [1, 10, 100, 1000, 1e4, 1e5, 1e6].filter((v) => v >= marks[0] && v <= marks.at(-1));
  const shown = marks.length <= 8 ? marks : log ? tens : ticks(marks[0], marks.at(-1), 6);
  const step = (frame.right - frame.left) / 2;
  const words = kept.map(({ name, points: own }) => `${name}: ${own.map((p) => `${format(p.y)} at ${number(p.x)}`).slice(0, 12).join(", ")}`).join("; ");
  return picture(width, frame.bottom + 44, words,
    kept.map(({ name }, k) => [
      svg("line", { x1: frame.left + (k % 2) * step, x2: frame.left + (k % 2) * step + 26, y1: 14 + 20 * Math.floor(k / 2), y2: 14 + 20 * Math.floor(k / 2), class: `series ${SERIES[k]}` }),
      label(frame.left + (k % 2) * step + 33, 18 + 20 * Math.floor(k / 2), name),
    ]),
    axisLeft(frame, place, ticks(...ends, 5), up, format),
    axisBottom(frame, (v) => x(at(v)), shown, across, number),
    kept.map(({ points: own }, k) => [
      own.map((p) => (p.low == null ? null : svg("line", { x1: x(at(p.x)) + 3 * k - 4, x2: x(at(p.x)) + 3 * k - 4, y1: y(p.low), y2: y(p.high), class: `series whisker ${SERIES[k]}` }))),
      svg("path", { d: `M${own.map((p) => `${(x(at(p.x)) + (p.low == null ? 0 : 3 * k - 4)).toFixed(1)},${y(p.y).toFixed(1)}`).join("L")}`, class: `series ${SERIES[k]}` }),
      own.map((p) => svg("circle", { cx: x(at(p.x)) + (p.low == null ? 0 : 3 * k - 4), cy: y(p.y), r: 3.5, class: `dot ${SERIES[k]}`, "data-tip": p.tip })),
    ]));
}

/** The rows of a table as records. */
function records(name) {
  const table = page.tables[name];
  return table ? table.rows.map((row) => Object.fromEntries(table.columns.map((column, k) => [column, row[k]]))) : [];
}

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) groups.set(row[key], [...(groups.get(row[key]) ?? []), row]);
  return [...groups];
}

function spread(row, name, format = number) {
  const [low, high] = [row[`${name}_low`], row[`${name}_high`]];
  return format(row[name]) + (low == null ? "" : ` (${format(low)} to ${format(high)})`);
}

const SCORES = { ridge: "Spearman's correlation", logistic: "area under the ROC curve" };
const FEATURES = { onehot: "one-hot letters" };

function probeSection(room) {
  const strongest = new Map(grouped(records("probe_latents"), "probe"));
  return grouped(records("probes"), "probe").map(([probe, rows]) => {
    const series = grouped(rows, "features").map(([name, own]) => ({
      name: FEATURES[name] ?? name, points: own.map((row) => ({ x: row.labels, y: row.score, low: row.score_low, high: row.score_high, tip: `${name}, ${row.labels} labels: ${spread(row, "score")}` + (row.gain == null ? "" : `\nlatents score ${number(row.gain, true)} more (${number(row.gain_low, true)} to ${number(row.gain_high, true)})`) })),
    }));
    const named = strongest.get(probe) ?? [];
    return html("figure", { class: "probe" },
      html("h3", {}, `Probe of ${probe}`),
      scrolling(`Probe of ${probe}`, lineChart(series, { room, across: "labels", up: SCORES[rows[0].model] ?? "score", log: true })),
      html("figcaption", {}, "On held-out clusters, mean over draws of labels with its 95 % interval, of the same draws for all features."),
      named.length ? html("p", {}, "Strongest latents: ", named.map((row, k) => [k ? ", " : null, latentButton(row.latent.split(" ").at(-1), row.latent), ` ${number(row.weight, true)}`]), ".") : null);
  });
}

/** Rows of points with whiskers: `kinds` are [column, words, style], `named` says what a row is called. */
function dotRows(rows, kinds, named, across, words, room) {
  const left = 12 + 7 * Math.max(6, ...rows.map((row) => named(row).length)), width = Math.max(340, Math.min(room, 720));
  const beside = Math.max(1, Math.floor((width - 6) / 165)), top = 34 + 20 * (Math.ceil(kinds.length / beside) - 1);
  const frame = { left, right: width - 16, top, bottom: top + 26 * rows.length };
  const all = rows.flatMap((row) => kinds.flatMap(([name]) => [row[name], row[`${name}_low`], row[`${name}_high`]])).filter((v) => Number.isFinite(v));
  const ends = [Math.min(0, ...all), Math.max(0, ...all)], x = scale(ends, [frame.left, frame.right]);
  return picture(width, frame.bottom + 44, words,
    kinds.map(([, text, style], k) => {
      const [x, y] = [165 * (k % beside), 20 * Math.floor(k / beside)];
      return [svg("circle", { cx: 16 + x, cy: 12 + y, r: 4, class: `dot ${style}` }), label(26 + x, 16 + y, text)];
    }),
    svg("line", { x1: x(0), x2: x(0), y1: frame.top - 6, y2: frame.bottom, class: "base" }),
    axisBottom(frame, x, ticks(...ends, 5), across),
    rows.map((row, r) => {
      const middle = frame.top + 26 * r + 10;
      return [
        svg("line", { x1: frame.left, x2: frame.right, y1: middle, y2: middle, class: "grid" }),
        label(frame.left - 8, middle + 4, named(row), { "text-anchor": "end" }),
        kinds.map(([name, text, style], k) => [
          row[`${name}_low`] == null ? null : svg("line", { x1: x(row[`${name}_low`]), x2: x(row[`${name}_high`]), y1: middle + 5 * k - 5, y2: middle + 5 * k - 5, class: `series whisker ${style}` }),
          svg("circle", { cx: x(row[name]), cy: middle + 5 * k - 5, r: 3.5, class: `dot ${style}`, "data-tip": `${named(row)}, ${text}: ${spread(row, name)}` }),
        ]),
      ];
    }));
}

/** What pushes of equal length do to each output: the chosen latent, random ones, the difference of means. */
function steeringFigure(room) {
  const rows = records("steering");
  if (!rows.length) return null;
  const kinds = [["change", "the latent", "s0"], ["random_change", "random latents", "s2"], ["means_change", "difference of means", "s1"]];
  const wins = rows.filter((row) => row.wins).length, sure = rows.filter((row) => row.gain_low > 0).length;
  const lost = rows.filter((row) => !row.wins).map(({ output, gain }) => `${output} (${number(gain, true)})`);
  return html("figure", { id: "steering" },
    html("h3", {}, "Pushes of equal length"),
    html("p", {}, `Pushed along one latent, ${wins} of ${rows.length} outputs rise more than by pushes of equal length along random latents or the difference of means, of ${sure} the 95 % interval of the difference is above 0. ${lost.length ? `Behind a control: ${lost.join(", ")}.` : ""}`),
    scrolling("Steering", dotRows(rows, kinds, ({ output, latent }) => `${output}  ${String(latent).replace("-", "−")}`, "change of the output", `Steering: the latent moves ${wins} of ${rows.length} outputs most`, room)),
    html("figcaption", {}, "Mean change with its 95 % interval over sequences that chose no push. A minus: pushed against the latent."));
}

const ARMS = { latents: "latents", layer: "layer", logits: "no push", random: "random latents", means: "difference of means" };

/** What a held-out scorer says of the designs of each arm. */
function designFigure(room) {
  const rows = records("designs");
  if (!rows.length) return null;
  const kinds = [["mean", "mean", "s2"], ["top", "best tenth", "s0"], ["max", "best", "s1"]];
  const others = rows.filter(({ arm }) => arm !== "latents").map((row) => `${ARMS[row.arm]} ${number(row.top_gain, true)} (${number(row.top_gain_low, true)} to ${number(row.top_gain_high, true)})`);
  return html("figure", { id: "designs" },
    html("h3", {}, "Designs"),
    html("p", {}, `What the best tenth of the latents' designs scores more than that of others, draw by draw of the labels: ${others.join("; ")}.`),
    scrolling("Designs", dotRows(rows, kinds, ({ arm }) => ARMS[arm] ?? arm, "score above the wild type", "Designs by arm", room)),
    html("figcaption", {}, "Mutations that the masked model prefers when it is pushed as a few labels say, scored by another model: mean over draws of labels with its 95 % interval."));
}

/** How outputs answer to a latent that is held at multiples of its largest activation. */
function doseFigure(room) {
  const latents = grouped(records("doses"), "latent");
  if (!latents.length) return null;
  const place = html("div", {});
  const show = (k) => {
    const outputs = grouped(latents[k][1], "output").toSorted((a, b) => most(b[1]) - most(a[1])).slice(0, 4);
    const series = outputs.map(([name, rows]) => ({ name, points: rows.map((row) => ({ x: row.dose, y: row.change, low: row.change_low, high: row.change_high, tip: `${name} at ${number(row.dose)}: ${spread(row, "change")}` })) }));
    place.replaceChildren(scrolling("Dose and response", lineChart(series, { room, across: "times the largest activation", up: "change of the output" })), html("p", {}, latentButton(latents[k][0], `latent ${latents[k][0]}`)));
  };
  const most = (rows) => Math.max(...rows.map(({ change }) => Math.abs(change)));
  show(0);
  return html("figure", { id: "doses" }, html("h3", {}, "Dose and response"), choices("Latent", latents.map(([name]) => name), 0, show), place,
    html("figcaption", {}, "A latent is held at all positions while the model runs; of the outputs, those that it moves most. Mean change with its 95 % interval over sequences."));
}
