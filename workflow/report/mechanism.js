"use strict";
/* The page of a mechanism: latents to search and sort, one of them in detail, and tables of measures. */

const MAX_ROWS = 200;
const CELL = 15;
const page = JSON.parse(document.getElementById("page-data").textContent);
let chosen = 0;
let sorted = { key: "influence", down: true };
let search = "";
const numbers = new Map(page.latents.map(({ latent }, k) => [latent, k]));

function latentNamed(name) {
  return page.latents[numbers.get(String(name))];
}

const CONTROLS = { neuron_f1: "a neuron", random_f1: "random latents", position_f1: "the position alone" };

/** The control that finds a concept best, with its F1. */
function bestControl(row) {
  const known = Object.entries(CONTROLS).filter(([key]) => row[key] != null).map(([key, words]) => [words, row[key]]);
  return known.toSorted((a, b) => b[1] - a[1])[0];
}

/** The concepts that a latent finds best, with how well, and how well the best control does. */
function conceptsOf(name) {
  return records("concepts").filter(({ latent }) => String(latent) === String(name)).map((row) => {
    const control = bestControl(row);
    return `concept ${row.concept} (F1 ${number(row.f1)}${control ? `; ${control[0]} ${number(control[1])}` : ""})`;
  });
}

/** A button that opens a latent in the browser of latents. */
function latentButton(name, words = name) {
  const plain = String(name).replace(/^-/, "");
  if (!numbers.has(plain)) return String(words);
  return html("button", { type: "button", class: "name", onclick: () => {
    chosen = numbers.get(plain);
    show();
    document.getElementById("latent").scrollIntoView({ block: "start" });
  } }, words);
}

/** Mean and interval over seeds; of a share, which an interval may not leave. */
function interval(one, isShare = false) {
  if (!one) return "–";
  const within = (v) => (isShare ? Math.max(0, Math.min(1, v)) : v);
  return number(one.mean) + (one.interval ? ` (${one.interval.map((v) => number(within(v))).join(" to ")})` : "");
}

const KINDS = { sae: "sparse autoencoder", transcoder: "single layers", cross_layer: "across layers" };
const FVU_CONTROLS = { pca: "principal components", random: "random latents", linear: "linear map" };

/** A row for each measure, a column for each kind of dictionary, and the controls. */
function measures() {
  const kinds = Object.entries(page.dictionary), alike = (texts) => (new Set(texts).size === 1 ? texts[0] : texts.join("; "));
  const controls = kinds.map(([, { controls: { fvu } }]) => Object.entries(fvu).map(([name, value]) => `${FVU_CONTROLS[name] ?? name} ${number(value)}`).join(", "));
  const rows = [
    ["R² of the outputs", "r2", false, kinds.length > 1 ? "single layers beside" : ""],
    ["recovered", "recovered", false, "0: modules give their means; 1: nothing is lost"],
    ["unexplained (FVU)", "fvu", true, alike(controls)],
    ["active latents", "l0", false, ""],
    ["dead share", "dead_share", true, ""],
    ["stability", "stability", true, `random directions ${alike(kinds.map(([, one]) => number(one.controls.stability)))}`],
  ];
  const head = ["measure", ...kinds.map(([kind]) => KINDS[kind] ?? kind), "control"];
  const lines = rows.map(([words, key, isShare, control]) => [words, ...kinds.map(([, one]) => interval(one[key], isShare)), control]);
  document.getElementById("measures").replaceChildren(html("table", {}, html("thead", {}, html("tr", {}, head.map((t) => html("th", {}, t)))), html("tbody", {}, lines.map((texts) => html("tr", {}, texts.map((text) => html("td", {}, text)))))));
}

/** A sequence whose letters are shaded by how active the latent is there. */
function shaded(text, profile, most) {
  const step = text.length / profile.length;
  const cells = [...text].map((letter, i) => {
    const value = profile[Math.floor(i / step)];
    return [
      svg("rect", { x: i * CELL, y: 0, width: CELL, height: 20, class: "cell up", "fill-opacity": Math.max(0, value / most), "data-tip": `${letter} at ${i + 1}: ${number(value)}` }),
      label(i * CELL + CELL / 2, 15, letter, { "text-anchor": "middle" }),
    ];
  });
  return picture(text.length * CELL, 20, `${text}, shaded by activation`, cells);
}

/** The letters of a latent's windows, in bits. */
function windows({ latent, logo: { letters, columns } }, room = 450, height = 150) {
  const lettered = (values) => values.map((value, a) => ({ letter: letters[a], value }));
  const even = letters.map(() => 1 / letters.length);
  const stacks = columns.map((row, k) => ({
    heights: lettered(information(row, even)),
    position: k + 1,
    tip: [`column ${k + 1}`, ...listed(lettered(row), percent)].join("\n"),
  }));
  return logo(stacks, { label: `Letters of the windows of latent ${latent}, in bits`, unit: "bits", room, height, across: "column" });
}

function show() {
  const one = page.latents[chosen];
  const facts = [
    `active at ${percent(one.density)} of positions`,
    one.usual_position ? `most of all at position ${one.usual_position} (${percent(one.position_share)} of its activation)` : null,
    ...one.effects.map(([output, value]) => `${output} ${number(value, true)} where active`),
    ...conceptsOf(one.latent),
  ].filter(Boolean).join("; ");
  document.getElementById("latent").replaceChildren(
    html("h3", {}, `Latent ${one.latent} of ${one.module}`, one.sketch ? [" ", html("a", { href: one.sketch }, "its sketch")] : null),
    html("p", {}, facts),
    html("div", { class: "beside" },
    one.logo ? html("div", { class: "scroll" }, windows(one)) : html("p", { class: "soft" }, one.max == null ? "It is never active." : "Its positions are no letters."),
    html("div", { class: "scroll" }, one.top_sequences.map((text, k) => html("p", { class: "shaded" }, shaded(text, one.top_profiles[k], one.max || 1), ` ${one.top_ids[k]}: ${number(one.top_activations[k])} at ${one.top_positions[k]}`)))),
  );
}

function list() {
  const titles = { latent: "latent", module: "module", consensus: "letters", density: "active", usual_position: "position", bits: "bits", influence: "influence", influenced: "output" };
  const matching = page.latents.map((one, k) => [one, k]).filter(([one]) => `${one.latent} ${one.module} ${one.consensus} ${one.influenced ?? ""}`.toLowerCase().includes(search));
  const order = (a, b) => (a > b ? 1 : a < b ? -1 : 0);
  const { key, down } = sorted;
  matching.sort(([{ [key]: a }], [{ [key]: b }]) => (a == null) - (b == null) || (down ? order(b, a) : order(a, b))); // what is missing comes last
  const lines = matching.slice(0, MAX_ROWS).map(([one, k]) => {
    const pick = () => { chosen = k; show(); };
    return html("tr", { onclick: pick },
      html("td", {}, html("button", { type: "button", class: "name", onclick: pick }, one.latent)),
      [one.module, one.consensus, percent(one.density), one.usual_position ?? "–", number(one.bits), number(one.influence), one.influenced ?? "–"].map((text) => html("td", {}, text)));
  });
  const head = Object.entries(titles).map(([key, title]) =>
    html("th", {}, html("button", { type: "button", class: "name", onclick: () => { sorted = { key, down: sorted.key === key ? !sorted.down : true }; list(); } }, title + (sorted.key === key ? (sorted.down ? " ↓" : " ↑") : ""))));
  const more = matching.length > MAX_ROWS ? html("p", { class: "note" }, `The first ${MAX_ROWS} of ${thousands(matching.length)} are shown.`) : null;
  document.getElementById("table").replaceChildren(...[more, html("table", {}, html("thead", {}, html("tr", {}, head)), html("tbody", {}, lines))].filter(Boolean));
}

const TABLES = { concepts: "Concepts", steering: "Steering", doses: "Doses", probes: "Probes", probe_latents: "Strongest latents of probes", designs: "Designs by arm", proposals: "Proposed sequences" };

const TITLES = { letters: "letters that have it", place: "at", f1: "F1 of the latent", neuron_f1: "best neuron", random_f1: "random latents", position_f1: "position alone" };

function tables() {
  const cell = (column, value) => html("td", {}, column === "latent" && value != null ? latentButton(value) : typeof value === "number" ? number(value) : value ?? "–");
  const titled = (name, column) => (name === "concepts" ? TITLES[column] : null) ?? column.replaceAll("_", " ");
  const drawn = Object.entries(page.tables).map(([name, one]) =>
    html("details", { open: name === "concepts" },
      html("summary", {}, TABLES[name] ?? name),
      name === "concepts" ? html("p", { class: "soft" }, "F1 on clusters of sequences that chose neither latent nor threshold. Where a control finds a concept as well, a latent that finds it is no discovery.") : null,
      html("div", { class: "scroll" }, html("table", {}, html("thead", {}, html("tr", {}, one.columns.map((t) => html("th", {}, titled(name, t))))), html("tbody", {}, one.rows.map((row) => html("tr", {}, row.map((value, k) => cell(one.columns[k], value)))))))));
  document.getElementById("tables").replaceChildren(...drawn);
}

/** What has figures of its own; a section without any leaves. */
function figures() {
  const room = document.getElementById("measures").clientWidth;
  const column = room > 1000 ? room / 2 - 16 : room; // of two figures beside one another
  const parts = {
    circuits: Object.entries(page.circuits).map(([output, one]) => circuitSection(output, one, room)),
    steered: [steeringFigure(column), doseFigure(column), designFigure(column)].filter(Boolean),
    probed: probeSection(column),
  };
  for (const [name, children] of Object.entries(parts)) {
    document.getElementById(name).replaceChildren(...children);
    document.getElementById(name).closest("section").hidden = !children.length;
    if (!children.length) document.querySelector(`nav a[href="#${name}-title"]`)?.remove();
  }
}

defineGlyphs(page.alphabet);
startTips();
document.getElementById("search").addEventListener("input", (event) => { search = event.target.value.toLowerCase(); list(); });
measures();
list();
show();
figures();
tables();
document.documentElement.dataset.ready = "yes";
