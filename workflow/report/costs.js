/* The sketch beside other methods: how close each comes to the truth, against what it costs. */

const MIN_ERROR = 1e-4;

/** 1 - R2 of the Shapley values against evaluations per sequence, both logarithmic, with the methods named at the right. */
function costChart(rows, room) {
  const width = Math.max(Math.min(room, 760), 420),
    frame = { left: 62, right: width - 178, top: 12, bottom: 290 };
  const shown = rows.filter(({ r2 }) => r2 != null);
  const costs = shown.map(({ amortised }) => Math.log10(Math.max(amortised, 1)));
  const error = (r2) => Math.log10(Math.max(1 - r2, MIN_ERROR));
  const errors = shown.flatMap(({ r2, r2_low, r2_high }) => [error(r2), error(r2_low ?? r2), error(r2_high ?? r2)]);
  const x = scale([Math.min(...costs) - 0.15, Math.max(...costs) + 0.15], [frame.left, frame.right]);
  const y = scale([Math.min(...errors) - 0.1, Math.max(...errors) + 0.1], [frame.bottom, frame.top]);
  const methods = [...new Set(shown.map(({ name }) => name))].map((name) => methodLine(shown, name, x, y, error));
  return picture(
    width,
    frame.bottom + 44,
    `Accuracy against cost. ${shown.map((r) => `${r.name}, ${thousands(Math.round(r.amortised))} evaluations per sequence: R² ${r.r2.toFixed(3)}`).join("; ")}`,
    axisLeft(frame, y, roundLogs(errors), "1 − R² of the Shapley values", power),
    axisBottom(frame, x, roundLogs(costs), "evaluations per sequence, one-off costs shared", power),
    methods.map(({ drawn }) => drawn),
    apart(methods, frame).map(({ name, color, end, at }) =>
      svg(
        "g",
        { class: "axis" },
        svg("path", { class: "pointer", d: `M${end[0] + 6} ${end[1]}L${frame.right + 4} ${at}h6` }),
        label(frame.right + 14, at + 4, name, { class: "title", "font-weight": color ? null : 700 }),
      ),
    ),
  );
}

/** The points of one method, joined; ours has the page's colour. */
function methodLine(shown, name, x, y, error) {
  const own = shown.filter((row) => row.name === name).toSorted((a, b) => a.amortised - b.amortised);
  const { color } = own[0];
  const places = own.map(({ amortised, r2 }) => [x(Math.log10(Math.max(amortised, 1))), y(error(r2))]);
  const paint = color ? { color, class: "line other" } : { class: "line" };
  const drawn = svg(
    "g",
    {},
    svg("path", { ...paint, d: `M${places.map((p) => p.join(",")).join("L")}` }),
    own.map((row, i) => [
      svg("path", {
        ...paint,
        d: `M${places[i][0]} ${y(error(row.r2_low ?? row.r2))}V${y(error(row.r2_high ?? row.r2))}`,
      }),
      svg("circle", {
        color,
        class: color ? "point other" : "point last",
        cx: places[i][0],
        cy: places[i][1],
        r: color ? 5 : 7,
        "data-tip": `${row.name}\n${thousands(Math.round(row.amortised))} evaluations per sequence\nR² ${number(row.r2)} (${number(row.r2_low)} to ${number(row.r2_high)})`,
      }),
    ]),
  );
  return { name, color, drawn, end: places.at(-1) };
}

/** Gives names places, at least 16 pixels apart, as near to their points as can be. */
function apart(methods, frame) {
  const sorted = methods.toSorted((a, b) => a.end[1] - b.end[1]);
  let last = -Infinity;
  for (const method of sorted) last = method.at = Math.max(method.end[1], last + 16);
  const over = Math.max(0, last - frame.bottom);
  for (let k = sorted.length - 1, most = frame.bottom; over && k >= 0; k--, most -= 16)
    sorted[k].at = Math.min(sorted[k].at, most);
  return sorted;
}

/** Logarithms of the round numbers between the least and the largest of some logarithms. */
function roundLogs(values) {
  const low = Math.min(...values),
    high = Math.max(...values);
  const within = (steps) => {
    const found = [];
    for (let k = Math.floor(low); k <= high; k++) found.push(...steps.map((step) => k + Math.log10(step)));
    return found.filter((v) => v >= low - 0.1 && v <= high + 0.1);
  };
  return [[1], [1, 3], [1, 2, 5]].map(within).find((found) => found.length > 2) ?? within([1, 1.5, 2, 3, 5, 7]);
}

function power(v) {
  const value = 10 ** v;
  return value >= 1000 ? compact(Math.round(value)) : number(Number(value.toPrecision(2)));
}
