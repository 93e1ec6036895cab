/* The sequences: a table that can be searched, sorted and paged, and the explanation of the chosen one. */

const PAGE_ROWS = 20,
  SHOWN_LETTERS = 60,
  ARCS = 12;

/** Keeps what is shown of the table and draws it; `choose(row)` is called when a sequence is chosen. */
class SequenceTable {
  constructor(page, place, choose) {
    Object.assign(this, {
      page,
      place,
      choose,
      output: 0,
      query: "",
      group: "",
      key: "reconstruction",
      down: true,
      start: 0,
      chosen: 0,
    });
    this.columns = [
      ["id", "sequence"],
      ["", "letters, shaded by Shapley value"],
      ...(page.sequences.groups.length ? [["group", "group"]] : []),
      ...(asked(page) ? [["prediction", "model"]] : []),
      ["reconstruction", "spectrum"],
      ...(asked(page) ? [["gap", "gap"]] : []),
      ["strength", "strongest interaction"],
      ...(page.outputs.some((_, k) => page.arrays[`${k}/warnings`].some(Boolean)) ? [["warnings", "warnings"]] : []),
    ];
    this.search = html("input", {
      type: "search",
      id: "search",
      placeholder: "name or letters, such as TT.G",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.find(this.search.value),
    });
    this.count = html("p", { class: "soft", role: "status", id: "count" });
    this.body = html("tbody");
    this.heads = this.columns.map(([key, text]) =>
      html(
        "th",
        { scope: "col", "data-key": key },
        key ? html("button", { type: "button", class: "sort", onclick: () => this.sort(key) }, text) : text,
      ),
    );
    this.earlier = html("button", { type: "button", onclick: () => this.turn(-PAGE_ROWS) }, "← earlier");
    this.later = html("button", { type: "button", onclick: () => this.turn(PAGE_ROWS) }, "later →");
    place.append(
      html(
        "div",
        { class: "tools" },
        html("label", { for: "search" }, "Search"),
        this.search,
        this.groupChoice(),
        this.count,
      ),
      html(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of sequences" },
        html(
          "table",
          { id: "sequence-table", onkeydown: (event) => this.key_down(event) },
          html("thead", {}, html("tr", {}, this.heads)),
          this.body,
        ),
      ),
      html("div", { class: "tools" }, this.earlier, this.later),
    );
  }

  groupChoice() {
    const { groups } = this.page.sequences;
    if (!groups.length) return null;
    const choose = html(
      "select",
      { id: "group", "aria-label": "Group", onchange: () => ((this.group = choose.value), this.refresh()) },
      html("option", { value: "" }, "all groups"),
      groups.map((name) => html("option", { value: name }, name)),
    );
    return choose;
  }

  /** The numbers that rows are sorted by. */
  get keys() {
    const { page, output } = this,
      get = (name) => page.arrays[`${output}/${name}`];
    const starts = get("starts"),
      interactions = get("interactions");
    return {
      id: (r) => page.arrays.ids[r],
      group: (r) => groupOf(page, r),
      prediction: (r) => get("prediction")[r],
      reconstruction: (r) => get("reconstruction")[r],
      gap: (r) => Math.abs(get("prediction")[r] - get("reconstruction")[r]),
      strength: (r) => (starts && starts[r] < starts[r + 1] ? Math.abs(interactions[starts[r]]) : NaN),
      warnings: (r) => warningsOf(page, output, r).length,
    };
  }

  find(query) {
    this.query = query.trim();
    this.refresh();
  }

  sort(key) {
    this.down = this.key === key ? !this.down : key !== "id" && key !== "group";
    this.key = key;
    this.refresh();
  }

  turn(by) {
    this.start = Math.max(0, Math.min(this.start + by, this.rows.length - 1));
    this.draw();
  }

  /** Finds and sorts anew, and goes back to the first page. */
  refresh() {
    const matches = matcher(this.page, this.query),
      value = this.keys[this.key];
    const rows = [...Array(this.page.sequences.shown).keys()].filter(
      (r) => matches(r) && (!this.group || groupOf(this.page, r) === this.group),
    );
    const keyed = rows.map((r) => [value(r), r]),
      sign = this.down ? -1 : 1;
    keyed.sort(([a, r], [b, s]) => (typeof a === "string" ? sign * compare(a, b) : byNumber(a, b, sign)) || r - s);
    this.rows = keyed.map(([, r]) => r);
    this.start = 0;
    this.draw();
  }

  draw() {
    const { rows, start } = this,
      shown = rows.slice(start, start + PAGE_ROWS),
      all = this.page.sequences.shown;
    this.body.replaceChildren(...shown.map((r) => this.row(r)));
    if (!shown.length)
      this.body.append(
        html("tr", {}, html("td", { colspan: this.columns.length, class: "soft" }, "No sequence matches.")),
      );
    const range = shown.length ? `${thousands(start + 1)}–${thousands(start + shown.length)} of ` : "";
    this.count.textContent = `${range}${thousands(rows.length)}${rows.length < all ? ` found among ${thousands(all)}` : " sequences"}`;
    this.earlier.disabled = start === 0;
    this.later.disabled = start + PAGE_ROWS >= rows.length;
    for (const head of this.heads) {
      if (head.dataset.key === this.key) head.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }

  row(r) {
    const s = sequenceOf(this.page, this.output, r);
    const best = s.interactions[0];
    const chosen = r === this.chosen;
    return html(
      "tr",
      { "data-row": r, class: chosen ? "chosen" : null, onclick: () => this.select(r) },
      html(
        "td",
        {},
        html("button", { type: "button", class: "name", "aria-pressed": String(chosen), title: s.id }, s.id),
      ),
      html("td", { class: "strip" }, this.strip(s)),
      this.page.sequences.groups.length ? html("td", {}, s.group) : null,
      asked(this.page) ? html("td", { class: "number" }, level(s.prediction)) : null,
      html("td", { class: "number" }, level(s.reconstruction)),
      asked(this.page) ? html("td", { class: "number" }, number(s.prediction - s.reconstruction, true)) : null,
      html("td", {}, best && !this.page.outputs[this.output].words.spectral ? `${best.letters} at ${best.positions.join(", ")} (${number(best.value, true)})` : "–"),
      this.columns.at(-1)[0] === "warnings" ? html("td", {}, s.warnings.join(", ")) : null,
    );
  }

  /** The letters, each shaded by its value; of long sequences those around the strongest. */
  strip({ letters, values }) {
    const largest = (this.largest ||=
      this.page.arrays[`${this.output}/values`].reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1);
    const peak = values.reduce((best, v, k) => (Math.abs(v) > Math.abs(values[best]) ? k : best), 0);
    const first = Math.max(0, Math.min(peak - SHOWN_LETTERS / 2, letters.length - SHOWN_LETTERS));
    const nothing = this.page.outputs[this.output].words.instead;
    const shown = [...letters].slice(first, first + SHOWN_LETTERS).map((letter, k) => {
      if (nothing) return letter;
      const span = html("span", { class: values[first + k] < 0 ? "down" : "up" }, letter);
      span.style.setProperty("--part", `${Math.round(85 * Math.sqrt(Math.abs(values[first + k]) / largest))}%`);
      return span;
    });
    return [first ? "…" : null, ...shown, first + SHOWN_LETTERS < letters.length ? "…" : null];
  }

  select(r) {
    this.chosen = r;
    for (const row of this.body.querySelectorAll("tr[data-row]")) {
      const own = Number(row.dataset.row) === r;
      row.classList.toggle("chosen", own);
      row.querySelector(".name").setAttribute("aria-pressed", String(own));
    }
    this.choose(r);
  }

  /** Goes to the row before or after the chosen one, to another page if need be. */
  step(by) {
    const place = this.rows.indexOf(this.chosen) + by;
    if (place < 0 || place >= this.rows.length) return;
    this.start = Math.floor(place / PAGE_ROWS) * PAGE_ROWS;
    this.draw();
    this.select(this.rows[place]);
  }

  key_down(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.step(by);
    this.body.querySelector("tr.chosen .name")?.focus();
  }

  setOutput(output) {
    Object.assign(this, { output, largest: 0 });
    this.refresh();
  }
}

/** Whether the model itself was asked about any sequence of the page. */
function asked(page) {
  return (page.wasAsked ??= page.outputs.some((_, k) => page.arrays[`${k}/prediction`].some(Number.isFinite)));
}

function compare(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Missing numbers come last, whichever way the others are sorted. */
function byNumber(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
}

/** Tells whether a row's name holds the text, or its letters do, with `.` for any letter. */
function matcher(page, query) {
  if (!query) return () => true;
  const lower = query.toLowerCase();
  const escaped = query.replace(/[\\^$*+?()[\]{}|]/g, "\\$&");
  const letters = new RegExp(escaped, page.alphabet.letters === page.alphabet.letters.toUpperCase() ? "i" : "");
  return (r) => page.arrays.ids[r].toLowerCase().includes(lower) || letters.test(lettersOf(page, r));
}

/** The explanation of the chosen sequence. */
function explanation(page, output, row, room, step) {
  const s = sequenceOf(page, output, row);
  const { instead, spectral } = page.outputs[output].words;
  if (instead) return [html("p", { class: "nothing" }, instead)];
  const arcs = (spectral ? [] : s.interactions).slice(0, ARCS).map((found) => ({
    ...found,
    tip: `${found.letters} at ${found.positions.join(", ")}\n${number(found.value, true)} (${page.sequences.index})`,
  }));
  const figure = html(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Logo of the chosen sequence" },
    sequenceLogo(page, s, arcs, room),
  );
  const list = html(
    "ol",
    { class: "interactions" },
    arcs.map((arc, k) =>
      html(
        "li",
        { tabindex: 0, "data-k": k, "data-tip": arc.tip },
        html("span", { class: "mono" }, arc.letters),
        ` at ${arc.positions.join(", ")} `,
        html("b", { class: arc.value > 0 ? "up" : "down" }, number(arc.value, true)),
      ),
    ),
  );
  linkArcs(figure, list);
  const warnings = WARNINGS.filter(([name]) => s.warnings.includes(name)).map(([, words]) => words);
  const errors = s.errors && [...s.errors].some(Number.isFinite);
  return [
    html(
      "div",
      { class: "tools" },
      html("h3", { id: "chosen-name" }, s.id),
      s.group ? html("span", { class: "badge" }, s.group) : null,
      html("button", { type: "button", onclick: () => step(-1), "aria-label": "sequence before" }, "↑"),
      html("button", { type: "button", onclick: () => step(1), "aria-label": "sequence after" }, "↓"),
    ),
    html("p", {}, balance(s)),
    warnings.length ? html("p", { class: "warning" }, `Be careful: ${warnings.join("; ")}.`) : null,
    figure,
    html(
      "p",
      { class: "caption" },
      "Letters above the line raise the prediction, letters below lower it. ",
      errors ? `${page.sequences.bars} ` : "",
      arcs.length
        ? `Arcs are the ${arcs.length} strongest interactions (${page.sequences.index}): orange raises, blue lowers, and thick is strong.`
        : page.outputs[output].words.arcs,
    ),
    arcs.length ? list : null,
  ];
}

/** Base value, sum of the letters, spectrum and model, in one line. */
function balance({ base, values, reconstruction, prediction }) {
  const sum = values.reduce((a, b) => a + b, 0);
  const model = Number.isFinite(prediction) ? `, the model itself ${level(prediction)}` : "";
  return `${level(base)} (mean of the background) ${sum < 0 ? "−" : "+"} ${number(Math.abs(sum))} (all letters) = ${level(base + sum)}. The spectrum says ${level(reconstruction)}${model}.`;
}

/** An arc and its line in the list light up together. */
function linkArcs(figure, list) {
  const mark = (k, on) =>
    [...figure.querySelectorAll(".arc"), ...list.children].forEach((part) =>
      part.classList.toggle("lit", on && part.dataset.k === k),
    );
  for (const place of [figure, list]) {
    for (const [event, on] of [
      ["pointerover", true],
      ["pointerout", false],
      ["focusin", true],
      ["focusout", false],
    ]) {
      place.addEventListener(event, ({ target }) => {
        const part = target.closest("[data-k]");
        if (part) mark(part.dataset.k, on);
      });
    }
  }
}
