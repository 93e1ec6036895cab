/* Motifs of a masked explanation: a card with a logo for each, and where a sequence holds them. */

/** A motif's name, with that of the database where there is one. */
function motifName(name) {
  const motif = page.outputs[output].motifs.find((m) => m.name === name);
  return motif?.called ? `${name} ${motif.called}` : name;
}

function motifCard(motif) {
  const columns = motif.columns.map((column, k) => ({
    heights: Object.entries(column.heights).map(([letter, value]) => ({ letter, value })),
    position: k + 1,
    shaded: column.core,
    tip: Object.entries(column.heights).map(([letter, value]) => `${letter} ${number(value, true)}`).join(", "),
  }));
  const facts = [
    ["share of the variance over these sequences", percent(motif.share) + (motif.low != null ? ` (${percent(motif.low)} to ${percent(motif.high)})` : "")],
    ["sequences", thousands(motif.sequences)],
    ["instances", thousands(motif.instances)],
    ["adds on average", number(motif.value, true)],
  ];
  if (motif.matches.length) facts.push(["most similar in the database", motif.matches.join(", ")]);
  return html("div", { class: "card", id: `motif-${motif.name}` },
    html("h3", {}, html("span", { class: "badge" }, motif.name), ` ${motif.called} `, html("code", {}, motif.consensus)),
    html("div", { class: "scroll" }, logo(columns, { label: `Mean contributions of the letters of ${motif.name}`, unit: "contribution", height: 150, room: 290, across: "column" })),
    html("dl", { class: "facts" }, facts.map(([name, text]) => html("div", {}, html("dt", {}, name), html("dd", {}, text)))));
}

function drawMotifs() {
  const place = document.getElementById("motif-cards");
  if (!place) return;
  const { motifs, reason } = page.outputs[output];
  place.replaceChildren(...(motifs.length ? motifs.map(motifCard) : [html("p", { class: "nothing" }, `No motifs are listed: ${reason}.`)]));
}

/** The stretches of a sequence in view: bars with their names under the letters, those that overlap below one another. */
function seqletLane(one, x, [from, to], top) {
  const ends = [];
  const seen = one.seqlets.filter((s) => s.end > from && s.start < to).sort((p, q) => p.start - q.start);
  const drawn = seen.map((s) => {
    let level = ends.findIndex((end) => end <= s.start);
    if (level < 0) level = ends.push(0) - 1;
    ends[level] = s.end;
    const [left, right] = [x(Math.max(s.start, from)), x(Math.min(s.end, to))];
    const y = top + 20 * level;
    const name = `${motifName(s.motif)}${s.minus ? " ←" : " →"}`;
    return svg("g", { class: `seqlet ${s.value > 0 ? "up" : "down"}`, "data-tip": `${name}: ${s.start + 1}–${s.end}, ${number(s.value, true)}` },
      svg("rect", { x: left, y, width: Math.max(3, right - left), height: 5, rx: 2 }),
      right - left > 6 * name.length * 0.4 ? label((left + right) / 2, y + 16, name, { "text-anchor": "middle", class: "soft-text" }) : null);
  });
  return { drawn, height: 20 * ends.length };
}
