/* The gallery: motifs as cards, single letters, letter tables of sets of positions. */

/** One motif: its logo, its numbers, and how far apart its halves lie. */
function motifCard(page, motif, kind) {
  const facts = [
    ["together", number(motif.value, true)],
    [
      "of the variance over these sequences",
      percent(motif.share) +
        (motif.share_low != null ? ` (${percent(motif.share_low)} to ${percent(motif.share_high)})` : ""),
    ],
    [
      "instances",
      thousands(motif.instances) +
        (motif.sequences != null && motif.sequences !== motif.instances
          ? ` in ${thousands(motif.sequences)} sequences`
          : ""),
    ],
    ...(motif.spacing ? [["letters between", motif.spacing]] : []),
    ...(motif.relation ? [["letters are", motif.relation]] : []),
    ...(motif.matches.length
      ? [["looks like", motif.matches.map((m) => `${m.target} (q ${number(m.q_value)})`).join(", ")]]
      : []),
  ];
  const others =
    motif.placements > 1 ? ` and ${motif.placements - 1} other ${motif.placements > 2 ? "places" : "place"}` : "";
  const where = motif.positions ? ` at ${motif.positions.replaceAll(",", ", ")}${others}` : "";
  return html(
    "article",
    { class: "card" },
    html(
      "h3",
      {},
      html("span", { class: "badge" }, motif.motif),
      " ",
      html("span", { class: "mono" }, motif.consensus),
      html("span", { class: "soft" }, where),
    ),
    html(
      "div",
      { class: "beside" },
      scrolling(
        `Logo of ${motif.motif}`,
        motifLogo(page, motif, kind, Math.min(300, innerWidth - 70, 90 + 46 * motif.core.length)),
      ),
      html(
        "dl",
        { class: "facts" },
        facts.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))),
      ),
    ),
    motif.gaps.length > 1 ? spacingBars(motif.gaps) : null,
  );
}

/** Letters that count by themselves, as a list. */
function singleLetters(singles) {
  return [
    html("h3", {}, "Strongest single letters"),
    html(
      "p",
      { class: "chips" },
      singles.map((m) =>
        html(
          "span",
          {
            class: "chip",
            tabindex: 0,
            "data-tip": `${percent(m.share)} of the variance over these sequences\nin ${thousands(m.sequences ?? m.instances)} sequences`,
          },
          html("b", { class: "mono" }, m.letters),
          ` at ${m.positions} `,
          html("span", { class: m.value > 0 ? "up" : "down" }, number(m.value, true)),
        ),
      ),
    ),
  ];
}

const LISTED_LETTERS = 6; // of a table that is no map

/** What the letters of a set of positions add together: a map for pairs, the strongest for larger sets and small tables. */
function supportTable(page, support) {
  const { positions, order, cells, share } = support;
  const rest = support.cell_count - Math.min(cells.length, LISTED_LETTERS);
  const strongest = cells
    .toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1]))
    .slice(0, LISTED_LETTERS)
    .map(([letters, value]) =>
      html(
        "li",
        {},
        html("span", { class: "mono" }, letters),
        " ",
        html("b", { class: value > 0 ? "up" : "down" }, number(value, true)),
      ),
    );
  return html(
    "div",
    { class: "table" },
    order === 2 && cells.length > 12
      ? letterTable(page, support)
      : html(
          "ul",
          { class: "cells" },
          html("li", { class: "soft" }, positions.replaceAll(",", ", ")),
          strongest,
          rest ? html("li", { class: "soft" }, `and ${thousands(rest)} weaker`) : null,
        ),
    html("p", { class: "caption" }, `${percent(share)} of the variance over these sequences`),
  );
}

/** What a colour of amino acids means. */
function classMark(name, color) {
  const dot = svg(
    "svg",
    { width: 12, height: 12, "aria-hidden": true },
    svg("circle", { cx: 6, cy: 6, r: 6, fill: color }),
  );
  return html("span", {}, dot, ` ${name}`);
}
