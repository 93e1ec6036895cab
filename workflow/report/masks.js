"use strict";
/* The page of a masked explanation: one sequence as an overview, a part of it as a map with its interactions as arcs, its
   strongest players, and a table of all sequences. */

const WIDTH = 1040;
const MAX_ARCS = 12;
const Z = 1.96; // standard errors of an error bar
const MAX_WHOLE = 160; // positions that are seen at once, without an overview
const DETAIL = 120; // positions that are seen in detail
const MIN_VIEW = 20;
const STRETCH = 20; // positions whose sum tells where to look first
const MAX_STRONGEST = 12;
const page = JSON.parse(document.getElementById("page-data").textContent);
let output = 0;
let row = 0;
let view = [0, 0]; // the first position in view, and the one after the last

/** The whole sequence, one bar per pixel (the highest and the lowest value there); a drag or a click chooses the view. */
function overview(one) {
  const n = one.values.length;
  const frame = { left: 58, right: WIDTH - 24, top: 6, bottom: 66 };
  const x = scale([0, n], [frame.left, frame.right]);
  const { low, high } = one.range;
  const y = scale([low, high], [frame.bottom, frame.top]);
  const columns = new Map();
  one.values.forEach((v, i) => {
    const at = Math.floor(x(i + 0.5));
    const [least, most] = columns.get(at) ?? [0, 0];
    columns.set(at, [Math.min(least, v ?? 0), Math.max(most, v ?? 0)]);
  });
  const lines = (kind, end) =>
    svg("path", { class: `stem ${kind}`, d: [...columns].filter((c) => c[1][end]).map(([at, c]) => `M${at + 0.5},${y(0)}V${y(c[end])}`).join("") });
  const shade = svg("rect", { x: x(view[0]), y: frame.top, width: x(view[1]) - x(view[0]), height: frame.bottom - frame.top, class: "view" });
  const place = (event) => {
    const box = drawn.getBoundingClientRect();
    return Math.max(0, Math.min(n, ((((event.clientX - box.left) * WIDTH) / box.width - frame.left) / (frame.right - frame.left)) * n));
  };
  let from = null;
  const drawn = picture(
    WIDTH,
    frame.bottom + 20,
    `Shapley values of all ${n} positions of ${one.id}; choose a part to see its letters`,
    svg("line", { x1: frame.left, x2: frame.right, y1: y(0), y2: y(0), class: "zero" }),
    lines("up", 1),
    lines("down", 0),
    one.seqlets.map((s) => svg("rect", { x: x(s.start), y: frame.bottom - 2, width: Math.max(2, x(s.end) - x(s.start)), height: 4, class: `seqlet ${s.value > 0 ? "up" : "down"}` })),
    shade,
    ticks(1, n, 8).map(Math.round).map((t) => label(x(t - 0.5), frame.bottom + 15, String(t), { "text-anchor": "middle", class: "soft-text" })),
  );
  drawn.addEventListener("pointerdown", (event) => { from = place(event); drawn.setPointerCapture(event.pointerId); });
  drawn.addEventListener("pointermove", (event) => {
    if (from == null) return;
    const to = place(event);
    shade.setAttribute("x", x(Math.min(from, to)));
    shade.setAttribute("width", Math.max(1, x(Math.max(from, to)) - x(Math.min(from, to))));
  });
  drawn.addEventListener("pointerup", (event) => {
    const [first, last] = [Math.min(from, place(event)), Math.max(from, place(event))];
    from = null;
    const middle = (first + last) / 2;
    look(one, last - first < 4 ? [middle - DETAIL / 2, middle + DETAIL / 2] : [first, last]);
  });
  return drawn;
}

/** Choose the part of a sequence that is seen in detail, and draw it. */
function look(one, [from, to]) {
  const n = one.values.length;
  const width = Math.min(n, Math.max(MIN_VIEW, Math.round(to - from)));
  const first = Math.max(0, Math.min(n - width, Math.round((from + to - width) / 2)));
  view = [first, first + width];
  drawMap(one);
}

/** The part that is looked at first: all of it, or what surrounds the strongest stretch. */
function firstView(one) {
  const n = one.values.length;
  if (n <= MAX_WHOLE) return [0, n];
  let [sum, best, at] = [0, -1, 0];
  one.values.forEach((v, i) => {
    sum += Math.abs(v ?? 0) - (i >= STRETCH ? Math.abs(one.values[i - STRETCH] ?? 0) : 0);
    if (sum > best) [best, at] = [sum, i - STRETCH / 2];
  });
  const from = Math.max(0, Math.min(n - DETAIL, Math.round(at - DETAIL / 2)));
  return [from, from + DETAIL];
}

/** The values in view as bars, their letters where there is room, with arcs above; the axis crosses at zero. */
function map(one) {
  const [from, to] = view;
  const frame = { left: 58, right: WIDTH - 24 };
  const x = scale([from, to], [frame.left, frame.right]);
  const inside = (i) => i.positions.every(([a, b]) => b >= from && a < to);
  const shown = one.interactions.filter(inside).slice(0, MAX_ARCS);
  const heights = shown.flatMap((i) => {
    const places = middles(i, x);
    return places.slice(1).map((end, k) => arcHeight(end - places[k]));
  });
  frame.top = Math.max(16, ...heights) + 14;
  frame.bottom = frame.top + 160;
  const { low, high } = one.range;
  const y = scale([low, high], [frame.bottom, frame.top]);
  const step = (frame.right - frame.left) / (to - from);
  const width = Math.max(1, step - (step > 3 ? 1 : 0));
  const part = one.values.slice(from, to);
  const bars = part.map((v, k) => {
    const i = from + k;
    return v
      ? svg("rect", {
          x: x(i),
          y: Math.min(y(v), y(0)),
          width,
          height: Math.max(0.5, Math.abs(y(v) - y(0))),
          class: `cell ${v > 0 ? "up" : "down"}`,
          "data-tip": `${one.letters[i]} at ${i + 1}: ${number(v, true)}${one.divided ? "" : ` ± ${number(Z * one.errors[i])}`}`,
        })
      : null;
  });
  const whiskers = step < 2.5 || one.divided ? [] : part.map((v, k) => {
    const middle = x(from + k) + width / 2;
    const reach = Z * one.errors[from + k];
    return reach ? svg("line", { x1: middle, x2: middle, y1: y(v - reach), y2: y(v + reach), class: "whisker" }) : null;
  });
  const letters = step < 6 ? [] : part.map((v, k) =>
    label(x(from + k) + width / 2, frame.bottom + 11, one.letters[from + k], { "text-anchor": "middle", class: "soft-text", "font-size": Math.min(12, step + 2) }));
  frame.bottom += letters.length ? 18 : 0;
  const lane = seqletLane(one, x, view, frame.bottom + 44);
  const places = ticks(from + 1, to, 8).map((t) => Math.round(t));
  return picture(
    WIDTH,
    frame.bottom + 44 + lane.height,
    `Shapley values of ${one.id} from position ${from + 1} to ${to}, with its strongest interactions there as arcs`,
    axisLeft(frame, y, ticks(low, high, 4), "Shapley value"),
    axisBottom(frame, (p) => x(p - 0.5), places, "position", String),
    svg("line", { x1: frame.left, x2: frame.right, y1: y(0), y2: y(0), class: "zero" }),
    bars,
    whiskers,
    letters,
    lane.drawn,
    shown.map((interaction) => arcs(interaction, one, x, frame.top - 6)),
  );
}

/** The strongest players of a sequence: positions, or whole segments, whose values the page shares out. */
function strongest(one) {
  const bounds = page.players ?? one.values.map((_, i) => [i, i]);
  const sum = (list, [a, b]) => list.slice(a, b + 1).reduce((total, v) => total + (v ?? 0), 0);
  return bounds
    .map((b) => ({ bounds: b, value: sum(one.values, b), error: sum(one.errors, b), spread: one.spread && sum(one.spread, b), letters: one.letters.slice(b[0], b[1] + 1) }))
    .sort((p, q) => Math.abs(q.value) - Math.abs(p.value))
    .slice(0, MAX_STRONGEST);
}

function strongestTable(one) {
  const name = ([a, b]) => (a === b ? String(a + 1) : `${a + 1}–${b + 1}`);
  const lines = strongest(one).map((p) =>
    html("tr", {},
      html("td", {}, html("button", { type: "button", class: "name", onclick: () => look(one, [(p.bounds[0] + p.bounds[1] - DETAIL) / 2, (p.bounds[0] + p.bounds[1] + DETAIL) / 2]) }, name(p.bounds))),
      html("td", { class: "mono" }, p.letters.length > 24 ? `${p.letters.slice(0, 24)}…` : p.letters),
      html("td", { class: "number" }, `${number(p.value, true)} ± ${number(p.error)}`),
      ...(one.spread ? [html("td", { class: "number" }, number(p.spread))] : [])));
  const head = html("tr", {}, html("th", {}, page.players ? "segment" : "position"), html("th", {}, "letters"), html("th", { class: "number" }, "value ± standard error"), ...(one.spread ? [html("th", { class: "number" }, "standard deviation over the folds")] : []));
  return html("div", {}, html("h4", {}, page.players ? "Strongest segments" : "Strongest positions"), html("div", { class: "scroll" }, html("table", {}, html("thead", {}, head), html("tbody", {}, lines))));
}

/** Buttons that move the view and change its width. */
function controls(one) {
  const move = (text, words, next) =>
    html("button", { type: "button", class: "choice", "aria-label": words, title: words, onclick: () => look(one, next(view[0], view[1], view[1] - view[0])) }, text);
  return html("div", { class: "choices", role: "group", "aria-label": "Part of the sequence" },
    move("←", "to the left", (a, b, w) => [a - w / 2, b - w / 2]),
    move("→", "to the right", (a, b, w) => [a + w / 2, b + w / 2]),
    move("+", "closer", (a, b, w) => [a + w / 4, b - w / 4]),
    move("−", "further away", (a, b, w) => [a - w / 2, b + w / 2]),
    move("all", "the whole sequence", () => [0, one.values.length]));
}

function drawMap(one) {
  const whole = one.values.length <= MAX_WHOLE;
  document.getElementById("map").replaceChildren(
    ...(whole ? [] : [scrolling(`Overview of ${one.id}`, overview(one)), controls(one)]),
    scrolling(`Map of ${one.id}`, map(one)),
    ...(!one.divided && one.errors.some(Boolean) ? [html("p", { class: "caption" }, "Thin lines, and ± in the tips, are 95 % intervals (1.96 standard errors); ± below is one standard error.")] : []),
    ...(one.divided ? [html("p", { class: "caption" }, "Letters share the values of their segments as the students divide them, which has no standard error; those of the segments are in the table.")] : []),
  );
}

/** The lowest and the highest end of all error bars, zero among them. */
function rangeOf(one) {
  const reach = (i) => (one.divided ? 0 : Z * one.errors[i]);
  const low = one.values.reduce((least, v, i) => Math.min(least, v - reach(i)), 0);
  const high = one.values.reduce((most, v, i) => Math.max(most, v + reach(i)), 0);
  return { low, high: high === low ? low + 1 : high };
}

/** Where the middles of an interaction's players are. */
function middles(interaction, x) {
  return interaction.positions.map(([a, b]) => x((a + b + 1) / 2));
}

/** How far the handles of an arc rise. */
function arcHeight(span) {
  return Math.min(110, 14 + span / 4);
}

/** The arcs of an interaction, from each of its players to the next. */
function arcs(interaction, one, x, base) {
  const most = Math.max(...one.interactions.map((i) => Math.abs(i.value)));
  const places = middles(interaction, x);
  const kind = interaction.value > 0 ? "up" : "down";
  const paths = places.slice(1).map((to, k) => {
    const from = places[k];
    const peak = base - arcHeight(to - from);
    return svg("path", {
      d: `M${from},${base} C${from},${peak} ${to},${peak} ${to},${base}`,
      "stroke-width": 1 + (2.5 * Math.abs(interaction.value)) / most,
    });
  });
  const dots = places.map((middle) => svg("circle", { cx: middle, cy: base, r: 2.5 }));
  return svg("g", { class: `arc ${kind}`, "data-tip": words(interaction) }, paths, dots);
}

function words(interaction) {
  const places = interaction.positions.map(([a, b]) => (a === b ? a + 1 : `${a + 1}–${b + 1}`)).join(", ");
  const letters = interaction.letters.length <= 24 ? `${interaction.letters} at ` : "";
  return `${letters}${places}: ${number(interaction.value, true)}`;
}

/** A number with its standard error. */
function uncertain(value, error) {
  return value == null ? "–" : `${number(value)}${error ? ` ± ${number(error)}` : ""}`;
}

function show() {
  const one = page.outputs[output].rows[row];
  if (!one) return;
  one.range ??= rangeOf(one);
  view = firstView(one);
  const facts = [
    ["prediction", number(one.prediction)],
    ...(one.predictionSd == null ? [] : [["its standard deviation over the folds", number(one.predictionSd)]]),
    ["missed of it, and divided among the values", uncertain(one.gap, one.gapError)],
    ["background's mean", uncertain(one.base, one.baseError)],
    ["R² on masks of every size", one.r2],
    ["R² on masks of half the players", one.halfR2],
    ["warnings", one.warnings.join(", ") || "none"],
    ["noise of the draws", one.noise == null ? "–" : percent(one.noise)],
    ...(one.stretches == null ? [] : [["real sequences of its background", String(one.stretches)]]),
    ["estimator", one.estimator],
  ];
  document.getElementById("explanation").replaceChildren(
    html("h3", {}, one.id),
    html("div", { id: "map" }),
    html("dl", { class: "facts" }, facts.map(([name, text]) => html("div", {}, html("dt", {}, name), html("dd", {}, text)))),
    strongestTable(one),
    ...(one.seqlets.length ? [html("h4", {}, "Motifs"), html("ul", { class: "cells" }, one.seqlets.map((s) =>
      html("li", {}, html("button", { type: "button", class: "name", onclick: () => look(one, [(s.start + s.end - DETAIL) / 2, (s.start + s.end + DETAIL) / 2]) }, motifName(s.motif)), ` ${s.start + 1}–${s.end}, ${s.minus ? "minus" : "plus"} strand, ${number(s.value, true)}`)))] : []),
    page.index && one.interactions.length
      ? html("div", {}, html("h4", {}, `Strongest interactions (${page.index})`),
          html("ol", { class: "interactions" }, one.interactions.map((i) => html("li", { class: i.value > 0 ? "up" : "down" }, words(i)))))
      : html("p", { class: "soft" }, "No interaction was found."),
  );
  drawMap(one);
  document.querySelectorAll("#table tr[data-row]").forEach((line) => line.classList.toggle("chosen", Number(line.dataset.row) === row));
}

function list() {
  const titles = ["sequence", "prediction", "gap ± standard error", "R² on masks of every size", "of half the players", "warnings", "strongest interaction"];
  const choose = (k) => { row = k; show(); document.getElementById("sequences").scrollIntoView(); };
  const lines = page.outputs[output].rows.map((one, k) =>
    html("tr", { "data-row": String(k), onclick: () => choose(k) },
      html("td", {}, html("button", { type: "button", class: "name", onclick: () => choose(k) }, one.id)),
      [number(one.prediction), uncertain(one.gap, one.gapError), one.r2, one.halfR2].map((text) => html("td", { class: "number" }, text)),
      html("td", {}, one.warnings.join(", ")),
      html("td", { class: "wrap" }, one.interactions.length ? words(one.interactions[0]) : ""),
    ),
  );
  const head = html("tr", {}, titles.map((title, k) => html("th", k > 0 && k < 5 ? { class: "number" } : {}, title)));
  const count = html("p", { role: "status", class: "soft" });
  const search = html("input", { type: "search", "aria-label": "Search for names and letters", placeholder: "name or letters", oninput: () => find() });
  const find = () => {
    const [name, letters] = [search.value.trim().toLowerCase(), search.value.trim().toUpperCase()];
    let found = 0;
    page.outputs[output].rows.forEach((one, k) => {
      lines[k].hidden = !(one.id.toLowerCase().includes(name) || (letters && one.letters.toUpperCase().includes(letters)));
      found += lines[k].hidden ? 0 : 1;
    });
    count.textContent = `${thousands(found)} of ${thousands(lines.length)} sequences`;
  };
  find();
  document.getElementById("table").replaceChildren(html("div", { class: "tools" }, search, count), html("table", {}, html("thead", {}, head), html("tbody", {}, lines)));
}

function draw() {
  drawMotifs();
  list();
  show();
}

startTips();
defineGlyphs(page.alphabet);
if (page.outputs.length > 1) {
  const names = page.outputs.map((one) => one.name);
  document.getElementById("output-choice").append(choices("Output", names, 0, (k) => { output = k; draw(); }));
}
draw();
