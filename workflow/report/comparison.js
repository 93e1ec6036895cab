/* The comparison: for members of one alphabet and one length, their logos, where they look, and how alike they are. */

function drawFamily(page, family, k) {
  const { names, counts } = family,
    many = names.length > 1;
  const section = html("section", {}, html("h2", {}, `${family.heights[0].length} letters of ${family.kind}`));
  document.getElementById("families").append(section);
  const room = section.clientWidth || 900;
  const own = { ...page, alphabet: { ...page.alphabet, letters: family.letters }, fixed: family.fixed };
  section.append(
    many
      ? html(
          "div",
          { class: "beside" },
          html(
            "figure",
            { id: `importance-${k}` },
            html("h3", {}, "Where each looks"),
            scrolling(
              "Importance of positions",
              rowsMap(names, family.importance, (v) => percent(v), Math.min(room, 720)),
            ),
            html(
              "figcaption",
              {},
              "Mean magnitude of the Shapley value at each position, as a share of all positions.",
            ),
          ),
          html(
            "figure",
            { id: `similarity-${k}` },
            html("h3", {}, "How alike they are"),
            scrolling("Similarity", squareMap(names, family.similarity)),
            html(
              "figcaption",
              {},
              "Correlation of the mean contributions of all letters at all positions: orange alike, blue opposite.",
            ),
          ),
        )
      : null,
    html("h3", {}, "What each letter does where"),
    html(
      "p",
      { class: "caption" },
      "Mean Shapley value of each letter over the sequences that have it; letters above the line raise the prediction.",
    ),
    html(
      "div",
      { class: "pairs" },
      family.heights.map((heights, m) =>
        html(
          "figure",
          {},
          html("h4", {}, names[m], html("span", { class: "soft" }, ` ${thousands(counts[m])} sequences`)),
          scrolling(
            `Logo of ${names[m]}`,
            contributionLogo(own, { heights, count: counts[m] }, room > 900 ? room / 2 - 16 : room, 170),
          ),
        ),
      ),
    ),
  );
}

function shortened(name, most = 26) {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

function nameWidth(names) {
  return 12 + 6.6 * Math.max(...names.map((name) => shortened(name).length));
}

/** One row of cells per member: the darker the more. */
function rowsMap(names, rows, format, room) {
  const n = rows[0].length,
    left = nameWidth(names),
    cell = Math.max(7, Math.min(30, (room - left - 12) / n)),
    tall = 24;
  const most = Math.max(...rows.flat()) || 1;
  const words = `Importance of positions: ${names.map((name, k) => `${name} most at ${rows[k].indexOf(Math.max(...rows[k])) + 1}`).join(", ")}`;
  return picture(
    left + n * cell + 12,
    rows.length * tall + 42,
    words,
    rows.map((row, k) =>
      row.map((value, i) =>
        svg("rect", {
          x: left + i * cell,
          y: k * tall,
          width: cell,
          height: tall - 2,
          class: "cell plain",
          "fill-opacity": (value / most).toFixed(3),
          "data-tip": `${names[k]}\nposition ${i + 1}: ${format(value)}`,
        }),
      ),
    ),
    svg(
      "g",
      { class: "axis" },
      names.map((name, k) => label(left - 6, k * tall + 15, shortened(name), { "text-anchor": "end" })),
      rows[0].map((_, i) =>
        i === 0 || (i + 1) % 5 === 0
          ? label(left + (i + 0.5) * cell, rows.length * tall + 14, i + 1, { "text-anchor": "middle" })
          : null,
      ),
      label(left + (n * cell) / 2, rows.length * tall + 34, "position", { "text-anchor": "middle", class: "title" }),
    ),
  );
}

/** Correlations of members with each other. */
function squareMap(names, matrix) {
  const left = nameWidth(names),
    cell = names.length > 12 ? 22 : 44,
    size = cell * names.length;
  const words = `Similarity: ${names
    .slice(1)
    .map((name, k) => `${names[0]} and ${name} ${number(matrix[0][k + 1])}`)
    .join(", ")}`;
  return picture(
    left + size + 4,
    size + 4,
    words,
    matrix.map((row, k) =>
      row.map((value, j) =>
        svg(
          "g",
          { "data-tip": `${names[k]}\n${names[j]}\n${number(value)}` },
          svg("rect", {
            x: left + j * cell,
            y: k * cell,
            width: cell - 1,
            height: cell - 1,
            class: `cell ${value < 0 ? "down" : "up"}`,
            "fill-opacity": (0.75 * Math.abs(value ?? 0)).toFixed(3),
          }),
          cell > 30
            ? label(
                left + (j + 0.5) * cell,
                (k + 0.5) * cell + 4,
                value == null ? "–" : value.toFixed(2).replace("-", "−"),
                { "text-anchor": "middle" },
              )
            : null,
        ),
      ),
    ),
    svg(
      "g",
      { class: "axis" },
      names.map((name, k) => label(left - 6, (k + 0.5) * cell + 4, shortened(name), { "text-anchor": "end" })),
    ),
  );
}

{
  const page = JSON.parse(document.getElementById("page-data").textContent);
  defineGlyphs(page.alphabet);
  startTips();
  page.conditions.forEach((condition, k) => drawCondition(page, condition, k));
  page.families.forEach((family, k) => drawFamily(page, family, k));
  document.documentElement.dataset.ready = "yes";
}
