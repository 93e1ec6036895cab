"use strict";
/* The page of a set of variants: a table to search and sort, contributions before and after, haplotypes as arcs. */

const MAX_ROWS = 60; // of a table at once; the search narrows it down
const page = JSON.parse(document.getElementById("page-data").textContent);
const state = { output: 0, search: "", variants: { by: "delta", down: true }, haplotypes: { by: "beyond", down: true }, shown: 0 };
const VALUES = ["ref", "alt", "delta", "sd", "percentile", "sketch"];
const value = (name) => (one) => one.values[state.output][VALUES.indexOf(name)];
const some = (read) => page.variants.some((one) => page.outputs.some((_, k) => one.values[k][VALUES.indexOf(read)] != null));
const game = (one) => one.outputs[state.output];

const VARIANT_COLUMNS = [
  { name: "id", title: "variant", text: (one) => one.id },
  { name: "place", title: "place", text: (one) => one.place },
  { name: "change", title: "change", text: (one) => one.change },
  page.variants.some(({ label }) => label) && { name: "label", title: "label", text: (one) => one.label },
  page.variants.some(({ score }) => score != null) && { name: "score", title: "measured", number: (one) => one.score },
  { name: "ref", title: "reference", number: value("ref") },
  { name: "alt", title: "alternative", number: value("alt") },
  { name: "delta", title: "delta", number: value("delta"), size: true, sign: true },
  some("sd") && { name: "sd", title: "±", number: value("sd") },
  some("percentile") && { name: "percentile", title: "percentile", number: value("percentile") },
  some("sketch") && { name: "sketch", title: "delta, sketch", number: value("sketch"), size: true, sign: true },
  ...page.predictors.map((title, k) => ({ name: `predictor ${k}`, title, number: (one) => one.predicted[k] })),
].filter(Boolean);

const HAPLOTYPE_COLUMNS = [
  { name: "name", title: "haplotype", text: (one) => one.name },
  { name: "place", title: "window", text: (one) => one.place },
  { name: "players", title: "variants", number: (one) => game(one).players.length },
  { name: "carriers", title: "carriers", number: (one) => one.carriers },
  { name: "missing", title: "missing", number: (one) => one.missing },
  { name: "joint", title: "joint", number: (one) => game(one).sums[0], size: true, sign: true },
  { name: "singles", title: "singles", number: (one) => game(one).sums[1], size: true, sign: true },
  { name: "beyond", title: "beyond singles", number: (one) => game(one).sums[2], size: true, sign: true },
];

/** Rows in the order that the table is sorted by; what is missing comes last, numbers with a sign go by their size. */
function sorted(rows, columns, { by, down }) {
  const column = columns.find(({ name }) => name === by) || columns[0];
  const key = (one) => {
    if (column.text) return column.text(one);
    const x = column.number(one);
    return x == null ? null : column.size ? Math.abs(x) : x;
  };
  const keyed = rows.map((one, k) => ({ one, k, x: key(one) }));
  keyed.sort((a, b) => {
    if (a.x === b.x) return a.k - b.k;
    if (a.x == null || b.x == null) return a.x == null ? 1 : -1;
    const order = typeof a.x === "string" ? a.x.localeCompare(b.x, "en", { numeric: true }) : a.x - b.x;
    return (down ? -order : order) || a.k - b.k;
  });
  return keyed.map(({ one }) => one);
}

/** Fills a table; a click on a header sorts by it, a click on a name chooses a row. */
function table(element, columns, rows, sort, name) {
  const head = columns.map((column) => {
    const own = sort.by === column.name;
    const press = () => {
      sort.down = own ? !sort.down : !column.text;
      sort.by = column.name;
      draw();
    };
    const order = own ? (sort.down ? "descending" : "ascending") : null;
    return html("th", { scope: "col", "aria-sort": order }, html("button", { class: "sort", type: "button", onclick: press }, column.title));
  });
  const body = sorted(rows, columns, sort)
    .slice(0, MAX_ROWS)
    .map((one) =>
      html(
        "tr",
        {},
        columns.map((column, k) => {
          if (!k) return html("td", {}, name(one, column.text(one)));
          if (column.text) return html("td", {}, column.text(one));
          const x = column.number(one);
          return html("td", { class: `number ${column.sign && x ? (x > 0 ? "up" : "down") : ""}` }, number(x, column.sign));
        }),
      ),
    );
  element.replaceChildren(html("thead", {}, html("tr", {}, head)), html("tbody", {}, body));
}

function matches(one) {
  const text = `${one.id} ${one.place} ${one.change} ${one.label}`.toLowerCase();
  return state.search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Logos of the two windows of a variant, and of what changes, one under the other. */
function beforeAfter(key, id) {
  const own = (page.contributions[key] || {})[state.output];
  const card = document.getElementById("before-after");
  card.hidden = !own;
  if (!own) return;
  const room = card.clientWidth - 40 || 900;
  const drawn = ["without", "with"].map((words, side) => {
    const other = 1 - side;
    const columns = [...own.letters[side]].map((letter, k) => ({
      heights: [{ letter, value: own.values[side][k] }],
      position: k + 1,
      shaded: own.letters[side][k] !== own.letters[other][k],
      tip: `${letter} at position ${k + 1}\n${number(own.values[side][k], true)}`,
    }));
    const label = `Shapley values of the letters ${words} ${id}`;
    return html("figure", {}, html("figcaption", {}, `${words} ${id}`), html("div", { class: "scroll" }, logo(columns, { label, unit: "Shapley value", room, height: 170, within: own.values.flat() })));
  });
  const columns = [...own.letters[1]].map((letter, k) => {
    const difference = own.values[1][k] - own.values[0][k];
    return { heights: [{ letter, value: difference }], position: k + 1, tip: `position ${k + 1}\n${number(difference, true)}` };
  });
  const label = `Change of the Shapley values with ${id}`;
  const difference = html("figure", {}, html("figcaption", {}, "difference: which positions change their contribution"), html("div", { class: "scroll" }, logo(columns, { label, unit: "difference", room, height: 170 })));
  card.replaceChildren(html("h3", {}, id), ...drawn, difference);
}

/** The variants of a haplotype as pairs of bars (alone, Shapley value), joined by arcs. */
function haplotypePicture(one) {
  const { players, pairs, pair_errors, sums } = game(one);
  const width = Math.max(420, Math.min(1000, 110 * players.length + 90));
  const frame = { left: 70, right: width - 10 };
  const x = (k) => frame.left + ((k + 0.5) * (frame.right - frame.left)) / players.length;
  const arcs = [];
  let k = 0;
  for (let i = 0; i < players.length; i += 1)
    for (let j = i + 1; j < players.length; j += 1, k += 1)
      if (pairs[k]) arcs.push({ positions: [i, j], value: pairs[k], tip: `${players[i][1]} and ${players[j][1]}\ninteraction ${number(pairs[k], true)}${pair_errors[k] == null ? "" : ` ± ${number(1.96 * pair_errors[k])}`}` });
  arcs.sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const shown = arcs.slice(0, 40);
  frame.top = (shown.length ? 105 : 10) + 10;
  frame.bottom = frame.top + 170;
  const all = players.flatMap(([, , single, shapley]) => [single, shapley]);
  let [low, high] = [Math.min(0, ...all), Math.max(0, ...all)];
  if (low === high) [low, high] = [-1, 1];
  const y = scale([low, high], [frame.bottom - 4, frame.top + 4]);
  const thick = Math.min(26, (frame.right - frame.left) / players.length / 3);
  const bar = (at, size, words, className, tip) =>
    svg("rect", { x: at, y: Math.min(y(0), y(size)), width: thick, height: Math.max(0.5, Math.abs(y(size) - y(0))), class: `cell ${className}`, opacity: words === "alone" ? 0.35 : 1, "data-tip": tip });
  return picture(
    width,
    frame.bottom + 34,
    `Variants of ${one.name}: effects alone ${number(sums[1], true)} in all, together ${number(sums[0], true)}; arcs are interactions of pairs`,
    axisLeft(frame, y, ticks(low, high, 4), "effect"),
    players.map(([id, change, single, shapley, error], i) => [
      bar(x(i) - thick - 1, single, "alone", single > 0 ? "up" : "down", `${id}\nalone ${number(single, true)}`),
      bar(x(i) + 1, shapley, "share", shapley > 0 ? "up" : "down", `${id}\nShapley value ${number(shapley, true)}${error == null ? "" : ` ± ${number(1.96 * error)}`}`),
      label(x(i), frame.bottom + 18, change, { "text-anchor": "middle", "font-size": 12 }),
    ]),
    svg("line", { x1: frame.left, x2: frame.right, y1: y(0), y2: y(0), class: "base" }),
    shown.length ? arcLayer(shown, x, frame.top - 6, 1.6 * (frame.right - frame.left)) : null,
  );
}

function haplotype(one) {
  const [joint, singles, beyond] = game(one).sums;
  const facts = [["joint", joint], ["sum of singles", singles], ["beyond singles", beyond]].map(([words, x]) => html("div", {}, html("dt", {}, words), html("dd", {}, number(x, true))));
  const notes = [];
  if (one.missing) notes.push(html("p", { class: "warning" }, `${one.missing} further variants are, or may be, on this haplotype (left out, not phased, or of another phase set): it may not be whole.`));
  if (one.method !== "exact") notes.push(html("p", { class: "note" }, "Not every combination was asked: ± in the tips is a 95 % interval (1.96 standard errors)."));
  document.getElementById("haplotype").replaceChildren(
    html("h3", {}, `${one.name} `, html("span", { class: "soft" }, one.place)),
    ...notes,
    html("div", { class: "scroll" }, haplotypePicture(one)),
    html("p", { class: "caption" }, "Pale bars: each variant alone. Full bars: its Shapley value."),
    html("dl", { class: "facts" }, facts),
  );
}

function draw() {
  setUnit(Math.max(0, ...page.variants.map((one) => Math.abs(value("delta")(one) || 0)))); // what is rounding beside it is 0
  const found = page.variants.filter(matches);
  const more = found.length > MAX_ROWS ? `; the first ${MAX_ROWS} are shown` : "";
  document.getElementById("found").textContent = `${thousands(found.length)} of ${thousands(page.variants.length)}${more}`;
  table(document.getElementById("variant-table"), VARIANT_COLUMNS, found, state.variants, (one, text) =>
    (page.contributions[one.key] || {})[state.output]
      ? html("button", { class: "name", type: "button", onclick: () => beforeAfter(one.key, one.id) }, text)
      : text,
  );
  if (!page.haplotypes.length) return;
  table(document.getElementById("haplotype-table"), HAPLOTYPE_COLUMNS, page.haplotypes, state.haplotypes, (one, text) =>
    html("button", { class: "name", type: "button", onclick: () => { state.shown = page.haplotypes.indexOf(one); haplotype(one); } }, text),
  );
  haplotype(page.haplotypes[state.shown]);
}

function start() {
  defineGlyphs(page.alphabet);
  startTips();
  const choose = (k) => {
    state.output = k;
    document.getElementById("before-after").hidden = true;
    draw();
  };
  if (page.outputs.length > 1)
    document.getElementById("output-choice").append(choices("Output", page.outputs, 0, choose));
  document.getElementById("search").addEventListener("input", (event) => {
    state.search = event.target.value.trim();
    draw();
  });
  draw();
  const first = sorted(page.variants, VARIANT_COLUMNS, state.variants).find(({ key }) => (page.contributions[key] || {})[0]);
  if (first) beforeAfter(first.key, first.id);
  document.documentElement.dataset.ready = "yes";
}

start();
