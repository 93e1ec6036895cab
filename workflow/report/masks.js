"use strict";
/* The page of a masked explanation: the map of one sequence, its interactions as arcs, and a table of all. */

const WIDTH = 1040;
const MAX_ARCS = 12;
const Z = 1.96; // standard errors of an error bar
const MAX_BARS = 400; // positions that have one
const page = JSON.parse(document.getElementById("page-data").textContent);
let output = 0;
let row = 0;

/** The values of a sequence as bars, one per position or per pixel (the largest there), with arcs above. */
function map(one) {
  const n = one.values.length;
  const frame = { left: 58, right: WIDTH - 24 };
  const x = scale([0, n], [frame.left, frame.right]);
  const shown = one.interactions.slice(0, MAX_ARCS);
  const heights = shown.flatMap((i) => {
    const places = middles(i, x);
    return places.slice(1).map((to, k) => arcHeight(to - places[k]));
  });
  frame.top = Math.max(16, ...heights) + 14;
  frame.bottom = frame.top + 160;
  const low = Math.min(0, ...one.values.map((v, i) => v - Z * one.errors[i]));
  const high = Math.max(0, ...one.values.map((v, i) => v + Z * one.errors[i]));
  const y = scale([low, high === low ? low + 1 : high], [frame.bottom, frame.top]);
  const width = Math.max(1, (frame.right - frame.left) / n - (n < 300 ? 1 : 0));
  const bars = one.values.map((v, i) =>
    v
      ? svg("rect", {
          x: x(i),
          y: Math.min(y(v), y(0)),
          width,
          height: Math.max(0.5, Math.abs(y(v) - y(0))),
          class: `cell ${v > 0 ? "up" : "down"}`,
          "data-tip": `${one.letters[i]} at ${i + 1}: ${number(v, true)} ± ${number(one.errors[i])}`,
        })
      : null,
  );
  const whiskers = n > MAX_BARS ? [] : one.values.map((v, i) => {
    const middle = x(i) + width / 2;
    const reach = Z * one.errors[i];
    return reach ? svg("line", { x1: middle, x2: middle, y1: y(v - reach), y2: y(v + reach), class: "whisker" }) : null;
  });
  const places = ticks(1, n, 8).map((t) => Math.round(t));
  return picture(
    WIDTH,
    frame.bottom + 40,
    `Shapley values of ${one.id} along its ${n} positions, with its strongest interactions as arcs`,
    axisLeft(frame, y, ticks(low, high, 4), "Shapley value"),
    axisBottom(frame, (p) => x(p - 0.5), places, "position", String),
    bars,
    whiskers,
    shown.map((interaction) => arcs(interaction, one, x, frame.top - 6)),
  );
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
  const facts = [
    ["prediction", number(one.prediction)],
    ["missed of it, and divided among the values", uncertain(one.gap, one.gapError)],
    ["background's mean", uncertain(one.base, one.baseError)],
    ["R² on masks of every size", one.r2],
    ["R² on masks of half the players", one.halfR2],
    ["warnings", one.warnings.join(", ") || "none"],
    ["noise of the draws", one.noise == null ? "–" : percent(one.noise)],
    ["estimator", one.estimator],
  ];
  document.getElementById("explanation").replaceChildren(
    html("h3", {}, one.id),
    scrolling(`Map of ${one.id}`, map(one)),
    html("dl", { class: "facts" }, facts.map(([name, text]) => html("div", {}, html("dt", {}, name), html("dd", {}, text)))),
    page.index && one.interactions.length
      ? html("div", {}, html("h4", {}, `Strongest interactions (${page.index})`),
          html("ol", { class: "interactions" }, one.interactions.map((i) => html("li", { class: i.value > 0 ? "up" : "down" }, words(i)))))
      : html("p", { class: "soft" }, "No interaction was found."),
  );
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
  document.getElementById("table").replaceChildren(html("table", {}, html("thead", {}, head), html("tbody", {}, lines)));
}

function draw() {
  list();
  show();
}

startTips();
if (page.outputs.length > 1) {
  const names = page.outputs.map((one) => one.name);
  document.getElementById("output-choice").append(choices("Output", names, 0, (k) => { output = k; draw(); }));
}
draw();
