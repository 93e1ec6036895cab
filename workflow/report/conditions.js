/* Conditions of the comparison: outputs on the same sequences with one axis, their differences with another. */

function drawCondition(page, condition, k) {
  const { name, members, heights, pairs } = condition;
  const section = html("section", { id: `condition-${k}` }, html("h2", {}, name));
  document.getElementById("conditions").append(section);
  const room = section.clientWidth || 900,
    width = room > 900 ? room / 2 - 16 : room;
  const own = { ...page, alphabet: { ...page.alphabet, letters: condition.letters }, fixed: condition.fixed };
  const drawn = (matrix, title, others, unit, errors) =>
    html(
      "figure",
      {},
      html("h4", {}, title),
      scrolling(`Logo of ${title}`, contributionLogo(own, { heights: matrix, errors }, width, 190, unit, reach(others))),
    );
  section.append(
    html("p", {}, leftOut(condition)),
    html("h3", {}, "On one scale"),
    html(
      "p",
      { class: "caption" },
      "Mean Shapley value of each letter over the sequences that have it there; all with the same axis.",
    ),
    html(
      "div",
      { class: "pairs" },
      members.map((member, m) => drawn(heights[m], member, heights, "mean Shapley value")),
    ),
    html("h3", {}, "Differences"),
    html(
      "p",
      { class: "caption" },
      "What a letter adds to the first output beyond what it adds to the second, taken sequence by sequence, all with the same axis. In the tables, ± is 1.96 standard errors over the sequences: how far it may be with other sequences like these. How far a spectrum is from its model, its R² says. All differences are in ",
      html("a", { href: "contribution_differences.tsv" }, "contribution_differences.tsv"),
      ".",
    ),
    html(
      "div",
      { class: "pairs" },
      pairs.map((pair) => {
        const title = `${pair.a} − ${pair.b}`;
        const all = pairs.map((other) => other.heights);
        return [drawn(pair.heights, title, all, "difference", pair.errors), largest(pair, title)];
      }),
    ),
  );
}

/** How high and how low the columns of several logos stand, so that all can have one axis. */
function reach(matrices) {
  const sides = matrices.flat().map((row) => stack(row.map((value) => ({ value }))));
  return [Math.max(...sides.map(({ above }) => above)), Math.min(...sides.map(({ below }) => below))];
}

function leftOut({ members, left_out: counts, compared, sequence_set: set }) {
  const lost = members.map((member, m) => counts[m] && `${thousands(counts[m])} of ${member}`).filter(Boolean);
  const start = `${thousands(compared)} sequences of the set ${set}, which all of these outputs explain.`;
  return lost.length
    ? `${start} Left out, since another output lacks them or a letter is ambiguous: ${lost.join(", ")}.`
    : start;
}

function largest(pair, title) {
  const heads = ["position", "letter", "difference", pair.a, pair.b, "sequences"];
  const cells = (row) => [
    row.position,
    row.letter,
    `${number(row.mean_difference, true)}${row.standard_error == null ? "" : ` ± ${number(1.96 * row.standard_error)}`}`,
    number(row.mean_a, true),
    number(row.mean_b, true),
    thousands(row.sequences),
  ];
  return html(
    "figure",
    {},
    html("h4", {}, `Largest differences, ${title}`),
    scrolling(
      `Largest differences, ${title}`,
      html(
        "table",
        {},
        html("thead", {}, html("tr", {}, heads.map((head) => html("th", { scope: "col" }, head)))),
        html(
          "tbody",
          {},
          pair.strongest.map((row) =>
            html("tr", {}, cells(row).map((cell, k) => html("td", { class: k === 1 ? "mono" : "number" }, cell))),
          ),
        ),
      ),
    ),
  );
}
