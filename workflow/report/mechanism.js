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

/** The concepts that a latent finds best, with how well. */
function conceptsOf(name) {
  return records("concepts").filter(({ latent }) => String(latent) === String(name)).map(({ concept, f1 }) => `concept ${concept} (F1 ${number(f1)})`);
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

function interval(one) {
  if (!one) return "–";
  return number(one.mean) + (one.interval ? ` (${number(one.interval[0])} to ${number(one.interval[1])})` : "");
}

function measures() {
  const titles = ["kind", "R² of the outputs", "recovered", "unexplained", "controls of unexplained", "active", "dead", "stability", "of random directions"];
  const lines = Object.entries(page.dictionary).map(([kind, one]) =>
    html("tr", {}, [
      kind, interval(one.r2), interval(one.recovered), interval(one.fvu),
      Object.entries(one.controls.fvu).map(([name, value]) => `${name} ${number(value)}`).join(", "),
      interval(one.l0), interval(one.dead_share), interval(one.stability), number(one.controls.stability),
    ].map((text) => html("td", {}, text))),
  );
  document.getElementById("measures").replaceChildren(html("table", {}, html("thead", {}, html("tr", {}, titles.map((t) => html("th", {}, t)))), html("tbody", {}, lines)));
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
    one.logo ? html("div", { class: "scroll" }, windows(one)) : html("p", { class: "soft" }, "Its positions are no letters."),
    html("div", { class: "scroll" }, one.top_sequences.map((text, k) => html("p", { class: "shaded" }, shaded(text, one.top_profiles[k], one.max || 1), ` ${one.top_ids[k]}: ${number(one.top_activations[k])} at ${one.top_positions[k]}`))),
  );
}

function list() {
  const titles = { latent: "latent", module: "module", consensus: "letters", density: "active", usual_position: "position", bits: "bits", influence: "influence", influenced: "output" };
  const found = page.latents.map((one, k) => [one, k]).filter(([one]) => `${one.latent} ${one.module} ${one.consensus} ${one.influenced}`.toLowerCase().includes(search));
  const order = (a, b) => (a == null) - (b == null) || (a > b ? 1 : a < b ? -1 : 0);
  found.sort(([a], [b]) => (sorted.down ? -1 : 1) * order(a[sorted.key], b[sorted.key]));
  const lines = found.slice(0, MAX_ROWS).map(([one, k]) => {
    const pick = () => { chosen = k; show(); };
    return html("tr", { onclick: pick },
      html("td", {}, html("button", { type: "button", class: "name", onclick: pick }, one.latent)),
      [one.module, one.consensus, percent(one.density), one.usual_position ?? "–", number(one.bits), number(one.influence), one.influenced].map((text) => html("td", {}, text)));
  });
  const head = Object.entries(titles).map(([key, title]) =>
    html("th", {}, html("button", { type: "button", class: "name", onclick: () => { sorted = { key, down: sorted.key === key ? !sorted.down : true }; list(); } }, title + (sorted.key === key ? (sorted.down ? " ↓" : " ↑") : ""))));
  const more = found.length > MAX_ROWS ? html("p", { class: "note" }, `The first ${MAX_ROWS} of ${thousands(found.length)} are shown.`) : null;
  document.getElementById("table").replaceChildren(...[more, html("table", {}, html("thead", {}, html("tr", {}, head)), html("tbody", {}, lines))].filter(Boolean));
}

const TABLES = { concepts: "Concepts", steering: "Steering", doses: "Doses", probes: "Probes", probe_latents: "Strongest latents of probes", designs: "Designs by arm", proposals: "Proposed sequences" };

function tables() {
  const cell = (column, value) => html("td", {}, column === "latent" && value != null ? latentButton(value) : typeof value === "number" ? number(value) : value ?? "–");
  const drawn = Object.entries(page.tables).map(([name, one]) =>
    html("details", { open: name === "concepts" },
      html("summary", {}, TABLES[name] ?? name),
      html("div", { class: "scroll" }, html("table", {}, html("thead", {}, html("tr", {}, one.columns.map((t) => html("th", {}, t)))), html("tbody", {}, one.rows.map((row) => html("tr", {}, row.map((value, k) => cell(one.columns[k], value)))))))));
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
