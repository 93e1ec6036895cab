/* Circuits: attribution graphs by layer and position, how few latents suffice, and latents as players of a game. */

const NODE = 5; // the radius of a node
const ACROSS = 3; // nodes of one layer and position beside one another
const START_SHARE = 0.75; // of the influence, that is drawn at first
const MIN_ABOVE_CHANCE = 0.1; // of the F1 of a letter that a node says
const MAX_LISTED = 6; // edges of a node, pairs of latents in words

/** Everything about the circuit of one output. */
function circuitSection(output, one, room) {
  const fewest = (of) => `${of.selection ?? "never"}, selected one after another; ${of.gradient ?? "never"} as gradients rank them, ${of.random ?? "never"} at random`;
  const added = Object.fromEntries(Object.entries(one.added).map(([name, [count]]) => [name, count]));
  const place = html("div", {});
  const show = (k) => place.replaceChildren(graphFigure(one.graphs[k], output, room));
  const names = one.graphs.map(({ sequence, value }) => `${shortText(sequence)} (${number(value)})`);
  show(0);
  return html("section", { class: "circuit", "aria-label": `Circuit of ${output}` },
    html("h3", {}, `Circuit of ${output}`),
    html("p", {}, `Latents of ${thousands(one.latents)} that keep 80 % of its variation: ${fewest(one.needed)}. With none of them ${percent(Math.max(Object.values(one.kept)[0][0], 0))} is kept, which passes by the dictionary. Latents that keep 80 % of what all of them add to that: ${fewest(added)}.`),
    html("figure", {},
      scrolling("Variation kept", ablationChart(one, room)),
      html("figcaption", {}, "Share of the output's variation that is kept when all other latents give their means, by how latents are ranked; on sequences that ranked none. Area: the mean over the logarithm of their number, from 0, what is kept without latents, to 1; 95 % intervals over sequences.")),
    ablationTable(one),
    nodeTable(one, output),
    html("h4", {}, "Paths to the output, of one sequence"),
    names.length > 1 ? choices("Sequence", names, 0, show) : null,
    place,
    gameFigure(one, output, room));
}

function shortText(text, most = 24) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function ablationChart(one, room) {
  const series = Object.entries(one.kept).map(([name, values]) => ({
    name, points: values.map((y, k) => ({ x: one.sizes[k], y, tip: `${name}: ${one.sizes[k]} latents keep ${percent(Math.max(y, 0))}` })).filter(({ x }) => x > 0),
  }));
  return lineChart(series, { room, across: "latents kept", up: "variation kept", log: true, low: 0, high: 1, format: percent });
}

/** Latents at single positions, and the letter that each says is there. */
function nodeTable(one, output) {
  const head = ["latent", "at", "says", "F1", "by chance", "active", `${output} where active`, "size"];
  const says = (node) => (node.f1 != null && node.f1 > node.chance_f1 + MIN_ABOVE_CHANCE ? `${node.letter} at ${node.place}` : "no letter");
  const rows = one.nodes.map((node) => html("tr", {}, html("td", {}, latentButton(node.latent)), [node.position, says(node), number(node.f1), number(node.chance_f1), percent(node.active), number(node.effect, true), number(node.size)].map((t) => html("td", {}, t))));
  return html("details", { class: "nodes", open: true }, html("summary", {}, "Where: latents at single positions"),
    html("p", { class: "soft" }, `A latent is one direction at all positions; at one of them it may say more. Each of those that move ${output} most is named by the letter that it is active with, chosen on some clusters of sequences and scored on others (no letter: its F1 is not 0.1 above that of chance), and removed alone: what the output loses by that (+: it is lower without the latent), as a mean where the latent is active, and as a root mean square over all (size).`),
    html("div", { class: "scroll" }, html("table", {}, html("thead", {}, html("tr", {}, head.map((t) => html("th", {}, t)))), html("tbody", {}, rows))));
}

/** How many latents each ranking needs, with intervals over sequences. */
function ablationTable(one) {
  const reach = ([size, low, high]) => (size == null ? "never" : `${size} (${low ?? "never"} to ${high ?? "never"})`);
  const within = (ends, sign) => (ends ? `${number(ends[0], sign)} (${number(ends[1], sign)} to ${number(ends[2], sign)})` : "–");
  const rows = Object.entries(one.levels).map(([name, levels]) => [name, ...Object.values(levels).map(reach), reach(one.added[name]), within(one.area[name], false), within(one.area_gain[name], true)]);
  const head = ["ranking", ...Object.keys(Object.values(one.levels)[0]).map((level) => `keeps ${level.replace("%", " %")}`), "80 % of what latents add", "area", "beyond gradients"];
  return html("div", { class: "scroll needed" }, html("table", {}, html("thead", {}, html("tr", {}, head.map((t) => html("th", {}, t)))), html("tbody", {}, rows.map((row) => html("tr", {}, row.map((t) => html("td", {}, t)))))));
}

/** A graph, a slider that prunes it, and what is known of the node that was chosen. */
function graphFigure(graph, output, room) {
  const drawn = html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Attribution graph" });
  const detail = html("div", { class: "card detail", "aria-live": "polite" }, html("p", { class: "soft" }, "Point at a node, or choose one, to see what it is and what it is joined to."));
  const said = html("p", { class: "soft" });
  const slider = html("input", { type: "range", min: 5, max: Math.round(100 * graph.share), step: 1, value: Math.min(100 * START_SHARE, 100 * graph.share), "aria-label": "Share of the influence that is drawn" });
  const draw = () => {
    const share = slider.value / 100;
    const { nodes, links, image } = graphPicture(graph, share, room, output, (k) => detail.replaceChildren(...nodeDetail(graph, k)));
    drawn.replaceChildren(image);
    const more = graph.left_out ? ` ${thousands(graph.left_out)} weaker edges are in the file only.` : "";
    said.textContent = `${slider.value} % of the influence: ${thousands(nodes)} nodes, ${thousands(links)} edges.${more}`;
  };
  slider.addEventListener("input", draw);
  draw();
  return html("figure", { class: "graph-figure" },
    html("div", { class: "tools" }, html("label", {}, "Influence drawn ", slider), said),
    drawn,
    html("figcaption", {}, `Circles: latents; squares: what the dictionary misses of a layer; letters below, the output above. Edges: direct effects, ${"orange"} raises and blue lowers, the wider the stronger. Replacement ${number(graph.replacement)}, completeness ${number(graph.completeness)}. `,
      html("a", { href: `circuits/${graph.file}` }, "Graph for circuit-tracer's viewer")),
    detail);
}

/** Which nodes are drawn, and where: columns by position, bands by layer, up to three nodes beside one another. */
function graphPlaces(graph, share, room) {
  const layers = 1 + Math.max(...graph.nodes.filter(([kind]) => kind !== "output").map(([, layer]) => layer));
  const shown = graph.nodes.map(([kind, , , , influence], k) => k).filter((k) => graph.nodes[k][0] === "output" || graph.nodes[k][4] <= share);
  const letters = [...graph.sequence], cells = new Map();
  for (const k of shown) {
    const [kind, layer, position] = graph.nodes[k];
    if (kind !== "latent" && kind !== "error") continue;
    const key = `${layer},${position}`;
    if (!cells.has(key)) cells.set(key, []);
    cells.get(key).push(k);
  }
  const count = (layer, position) => (cells.get(`${layer},${position}`) ?? []).length;
  const wide = letters.map((_, i) => Math.max(...[...Array(layers).keys()].map((layer) => Math.min(count(layer, i), ACROSS))));
  const left = 62, natural = wide.reduce((sum, w) => sum + Math.max(14, 13 * w + 5), 0);
  const stretch = Math.max(1, Math.min(3.4, (room - left - 10) / natural));
  const middles = [];
  let x = left;
  for (const w of wide) {
    const step = stretch * Math.max(14, 13 * w + 5);
    middles.push(x + step / 2);
    x += step;
  }
  const bands = [];
  let y = 40;
  for (let layer = layers - 1; layer >= 0; layer--) {
    const rows = Math.max(1, ...letters.map((_, i) => Math.ceil(count(layer, i) / ACROSS)));
    y += 44;
    bands[layer] = { top: y, rows };
    y += 13 * rows;
  }
  const bottom = y + 56, places = new Map();
  for (const [key, own] of cells) {
    const [layer, position] = key.split(",").map(Number);
    own.forEach((k, order) => {
      const row = Math.floor(order / ACROSS), here = Math.min(ACROSS, own.length - row * ACROSS);
      places.set(k, [middles[position] + 13 * ((order % ACROSS) - (here - 1) / 2), bands[layer].top + 13 * row]);
    });
  }
  for (const k of shown) {
    if (graph.nodes[k][0] === "letter") places.set(k, [middles[graph.nodes[k][2]], bottom]);
    if (graph.nodes[k][0] === "output") places.set(k, [(left + x) / 2, 22]);
  }
  return { places, middles, bands, bottom, width: Math.max(x + 10, 200), letters };
}

function graphPicture(graph, share, room, output, choose) {
  const { places, middles, bands, bottom, width, letters } = graphPlaces(graph, share, room);
  const links = graph.links.filter(([source, target, , influence]) => influence <= share && places.has(source) && places.has(target));
  const most = Math.max(...graph.links.map(([, , weight]) => Math.abs(weight)), 1e-12);
  const edges = links.toReversed().map(([source, target, weight]) => {
    const [x1, y1] = places.get(source), [x2, y2] = places.get(target), half = (y1 + y2) / 2;
    return [source, target, svg("path", {
      d: `M${x1.toFixed(1)} ${(y1 - NODE).toFixed(1)}C${x1.toFixed(1)} ${half.toFixed(1)} ${x2.toFixed(1)} ${half.toFixed(1)} ${x2.toFixed(1)} ${(y2 + NODE).toFixed(1)}`,
      class: `edge ${weight > 0 ? "up" : "down"}`, "stroke-width": (0.5 + (3.5 * Math.abs(weight)) / most).toFixed(2),
      "data-tip": `${nodeName(graph, source)} → ${nodeName(graph, target)}: ${number(weight, true)}`,
    })];
  });
  let image;
  const light = (k) => {
    image.classList.add("picked");
    edges.forEach(([source, target, edge]) => edge.classList.toggle("lit", source === k || target === k));
    nodes.forEach(([own, node]) => node.classList.toggle("chosen", own === k));
    choose(k);
  };
  const nodes = [...places].map(([k, [x, y]], order) => {
    const [kind] = graph.nodes[k];
    const shape = kind === "error" ? svg("rect", { x: x - NODE + 0.5, y: y - NODE + 0.5, width: 2 * NODE - 1, height: 2 * NODE - 1 }) : svg("circle", { cx: x, cy: y, r: kind === "output" ? NODE + 2 : NODE });
    const node = svg("g", { class: `node ${kind}`, tabindex: order ? -1 : 0, role: "button", "aria-label": nodeName(graph, k), "data-tip": nodeTip(graph, k), onpointerenter: () => light(k), onclick: () => light(k), onfocus: () => light(k) }, shape);
    return [k, node];
  });
  const step = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = nodes.findIndex(([, node]) => node === event.target);
    if (!by || at < 0) return;
    event.preventDefault();
    nodes[(at + by + nodes.length) % nodes.length][1].focus();
  };
  image = svg("svg", { width, height: bottom + 44, viewBox: `0 0 ${width} ${bottom + 44}`, role: "group", "aria-label": `Attribution graph of ${output} in ${graph.sequence}`, class: "picture graph", onkeydown: step },
    bands.map(({ top, rows }, layer) => [
      svg("rect", { x: 0, y: top - 12, width, height: 13 * rows + 11, class: "under" }),
      label(6, top + (13 * (rows - 1)) / 2 + 4, `layer ${layer}`, { class: "soft-text" }),
    ]),
    label(6, 26, output, { class: "soft-text" }),
    edges.map(([, , edge]) => edge),
    letters.map((letter, i) => [
      label(middles[i], bottom + 22, letter, { "text-anchor": "middle", class: "mono" }),
      i === 0 || (i + 1) % 5 === 0 ? label(middles[i], bottom + 38, i + 1, { "text-anchor": "middle", class: "soft-text" }) : null,
    ]),
    nodes.map(([, node]) => node));
  return { nodes: nodes.length, links: links.length, image };
}

function nodeName(graph, k) {
  const [kind, layer, position, name] = graph.nodes[k];
  if (kind === "output") return name;
  const at = `at ${position + 1}${graph.sequence[position] ? ` (${graph.sequence[position]})` : ""}`;
  return { letter: `${name} at ${position + 1}`, error: `what layer ${layer} misses ${at}`, latent: `latent ${name} ${at}` }[kind];
}

function nodeTip(graph, k) {
  const [kind, , , name, , , said] = graph.nodes[k];
  const known = kind === "latent" ? latentNamed(name) : null;
  return [nodeName(graph, k), said ? `says ${said}` : null, known?.consensus ? `letters ${known.consensus}` : null, ...(known ? conceptsOf(name) : [])].filter(Boolean).join("\n");
}

function nodeDetail(graph, k) {
  const [kind, , , name, influence, activation, said] = graph.nodes[k];
  const known = kind === "latent" ? latentNamed(name) : null;
  const side = (own, other, title) => {
    const joined = graph.links.filter((link) => link[own] === k).toSorted((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
    if (!joined.length) return null;
    return html("div", {}, html("h5", {}, title), html("ul", { class: "cells" }, joined.slice(0, MAX_LISTED).map((link) => html("li", {}, html("span", { class: link[2] > 0 ? "up" : "down" }, number(link[2], true)), ` ${nodeName(graph, link[other])}`)), joined.length > MAX_LISTED ? html("li", { class: "soft" }, `and ${joined.length - MAX_LISTED} more`) : null));
  };
  const facts = [said ? `says ${said}` : null, activation == null ? null : `active with ${number(activation)}`, influence == null ? null : `among the ${percent(influence)} of influence`, ...(known ? conceptsOf(name) : [])].filter(Boolean).join("; ");
  return [
    html("h4", {}, nodeName(graph, k), known ? [" ", latentButton(name, "all about it"), known.sketch ? [" ", html("a", { href: known.sketch }, "its sketch")] : null] : null),
    facts ? html("p", { class: "soft" }, facts) : null,
    html("div", { class: "beside" }, known?.logo ? html("div", { class: "scroll" }, windows(known, 320, 110)) : null, side(1, 0, "Gets most from"), side(0, 1, "Gives most to")),
  ].filter(Boolean);
}

/** Shapley values of latents with their errors, and arcs for what pairs of them add together. */
function gameFigure(one, output, room) {
  const place = html("div", {});
  const among = ["the mean", ...one.graphs.map(({ sequence }) => shortText(sequence))];
  const show = (k) => place.replaceChildren(scrolling("Latents as players", gamePicture(one, k - 1, room)));
  show(0);
  const strongest = one.interactions.toSorted((a, b) => Math.abs(b.mean) - Math.abs(a.mean)).slice(0, 2 * MAX_LISTED);
  const cells = (texts) => texts.map((text) => html("td", {}, text));
  return html("figure", { class: "game" },
    html("h4", {}, "Latents as players"),
    choices("Of", among.slice(0, 1 + Math.min(one.graphs.length, one.explained)), 0, show),
    place,
    html("figcaption", {}, `Shapley values of the ${one.players.length} latents that matter most when removed alone, present or at their means, every coalition asked (bars), and what pairs of them add together (arcs; ${one.index} up to order 2): exact for one sequence; means and their standard errors are over ${thousands(one.explained)} sequences.`),
    strongest.length ? html("div", { class: "scroll" }, html("table", {},
      html("thead", {}, html("tr", {}, ["pair", "mean", "standard error", "mean magnitude"].map((t) => html("th", {}, t)))),
      html("tbody", {}, strongest.map(({ latents: [a, b], mean, mean_error, mean_absolute }) => html("tr", {}, html("td", {}, latentButton(a), " and ", latentButton(b)), cells([number(mean, true), number(mean_error), number(mean_absolute)])))))) : null);
}

/** Of one sequence, or of the mean where `row` is -1. */
function gamePicture(one, row, room) {
  const m = one.players.length, values = row < 0 ? one.mean : one.shapley_values[row];
  const errors = row < 0 && one.mean_error ? one.mean_error : values.map(() => 0);
  const left = 56, step = Math.max(50, Math.min(100, (room - left - 12) / m)), middle = (k) => left + (k + 0.5) * step;
  const high = Math.max(0, ...values.map((v, k) => v + errors[k])), low = Math.min(0, ...values.map((v, k) => v - errors[k]));
  const roof = 24 + Math.min(110, 26 * Math.sqrt(m) + 10);
  const frame = { left, right: left + m * step, top: roof + 8, bottom: roof + 148 }, y = scale([low, high === low ? low + 1 : high], [frame.bottom, frame.top]);
  const places = Object.fromEntries(one.players.map((name, k) => [name, k]));
  const pairs = one.interactions.map((pair) => ({ ...pair, value: row < 0 ? pair.mean : pair.values[row] }));
  const most = Math.max(...pairs.map(({ value }) => Math.abs(value)), 1e-12);
  const arcs = pairs.filter(({ value }) => Math.abs(value) > 0.02 * most).toSorted((a, b) => Math.abs(a.value) - Math.abs(b.value)).map(({ latents: [a, b], value, mean_error }) => {
    const [x1, x2] = [middle(places[a]), middle(places[b])], tall = (roof - 20) * Math.sqrt(Math.abs(x2 - x1) / (m * step));
    const error = row < 0 ? ` (standard error ${number(mean_error)})` : "";
    return svg("path", { d: `M${x1} ${roof}C${x1} ${roof - 1.3 * tall} ${x2} ${roof - 1.3 * tall} ${x2} ${roof}`, class: `edge ${value > 0 ? "up" : "down"}`, "stroke-width": (0.6 + (5 * Math.abs(value)) / most).toFixed(2), "data-tip": `${a} and ${b} together: ${number(value, true)}${error}` });
  });
  const bars = one.players.map((name, k) => [
    svg("rect", { x: middle(k) - step * 0.3, y: Math.min(y(0), y(values[k])), width: step * 0.6, height: Math.max(Math.abs(y(values[k]) - y(0)), 0.5), class: `cell ${values[k] < 0 ? "down" : "up"}`, "data-tip": [`latent ${name}: ${number(values[k], true)}`, errors[k] ? `standard error ${number(errors[k])}` : null, ...conceptsOf(name)].filter(Boolean).join("\n") }),
    errors[k] ? svg("line", { x1: middle(k), x2: middle(k), y1: y(values[k] - errors[k]), y2: y(values[k] + errors[k]), class: "error" }) : null,
    label(middle(k), frame.bottom + 18, name, { "text-anchor": "middle" }),
    label(middle(k), frame.bottom + 34, latentNamed(name)?.consensus ?? "", { "text-anchor": "middle", class: "mono soft-text" }),
  ]);
  const words = `Shapley values of latents: ${one.players.map((name, k) => `${name} ${number(values[k], true)}`).join(", ")}`;
  return picture(frame.right + 12, frame.bottom + 44, words, axisLeft(frame, y, ticks(low, high, 4), "Shapley value"), svg("line", { x1: left, x2: frame.right, y1: y(0), y2: y(0), class: "base" }), arcs, bars);
}
