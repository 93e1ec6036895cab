"use strict";
/* The page's data: one JSON directory, and a gzipped pack of arrays. The writer is shapsketch/packing.py. */

/** Resolves to the content of the page, its arrays unpacked under `arrays`. */
async function readPage() {
  const page = JSON.parse(document.getElementById("page-data").textContent);
  const text = atob(document.getElementById("page-pack").textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  page.arrays = {};
  for (const [name, entry] of Object.entries(page.directory)) page.arrays[name] = unpack(buffer, entry);
  return page;
}

/** One array of the pack; missing numbers are NaN. */
function unpack(buffer, { kind, start, count, scale }) {
  if (kind === "json") return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, start, count)));
  if (kind === "i2") return unpackRounded(new Uint8Array(buffer, start, 2 * count), count, scale);
  if (kind === "e1") {
    const codes = new Uint8Array(buffer, start, count);
    return Float64Array.from(codes, (code) => (code ? (code - 1) ** 2 * scale : NaN));
  }
  if (kind === "f8") return new Float64Array(buffer.slice(start, start + 8 * count));
  const kinds = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, f4: Float32Array };
  return new kinds[kind](buffer, start, count);
}

/** Multiples of `scale`, from their high bytes and then their low bytes. */
function unpackRounded(planes, count, scale) {
  const values = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const code = ((planes[k] << 24) >> 16) | planes[count + k];
    values[k] = code === -32768 ? NaN : code * scale;
  }
  return values;
}

/** Everything of one sequence that an explanation shows. */
function sequenceOf(page, output, row) {
  const n = page.template.length;
  const get = (name) => page.arrays[`${output}/${name}`];
  const slice = (name) => get(name) && get(name).subarray(row * n, (row + 1) * n);
  return {
    id: page.arrays.ids[row],
    letters: lettersOf(page, row),
    group: groupOf(page, row),
    values: slice("values"),
    errors: slice("errors"),
    prediction: get("prediction")[row],
    reconstruction: get("reconstruction")[row],
    base: get("base_value")[row],
    warnings: warningsOf(page, output, row),
    interactions: interactionsOf(page, output, row),
  };
}

function lettersOf(page, row) {
  const n = page.template.length;
  return String.fromCharCode(...page.arrays.letters.subarray(row * n, (row + 1) * n));
}

function groupOf(page, row) {
  const code = page.arrays.groups[row];
  return code ? page.sequences.groups[code - 1] : "";
}

const WARNINGS = [
  ["rare", "less probable under the background than 99.9 % of it"],
  ["range", "predicted or reconstructed beyond all values that the sketch has seen"],
  ["gap", "further from the model than 99.9 % of the hold-out points"],
  ["r2", "the spectrum predicts the model no better than its mean"],
  ["unseen", "with a letter that the table of values never has at its position"],
];

function warningsOf(page, output, row) {
  const bits = page.arrays[`${output}/warnings`][row];
  return WARNINGS.filter((_, k) => bits & (1 << k)).map(([name]) => name);
}

/** The strongest interactions of a sequence: positions (from 1), letters, value. */
function interactionsOf(page, output, row) {
  const starts = page.arrays[`${output}/starts`];
  if (!starts) return [];
  const letters = lettersOf(page, row);
  const found = [];
  for (let k = starts[row]; k < starts[row + 1]; k++) {
    const support = page.sequences.supports[page.arrays[`${output}/supports`][k]];
    const positions = support.split(",").map(Number);
    const value = page.arrays[`${output}/interactions`][k];
    found.push({ positions, letters: positions.map((i) => letters[i - 1]).join(""), value });
  }
  return found;
}
