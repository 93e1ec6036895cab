/* Puts the page together: figures of the chosen output, motifs, the sequences, and what the buttons do. */

const FIRST_MOTIFS = 6,
  FIRST_TABLES = 12;

class Page {
  constructor(page) {
    this.page = page;
    this.output = 0;
    this.views = { set: 0, kind: "contribution", map: 0, more: false, shares: 0 };
    defineGlyphs(page.alphabet);
    startTips();
    setUnit(this.content.unit);
    this.outputChoice();
    if (page.sequences.shown) this.startSequences();
    this.drawOutputs();
    place("more").addEventListener("click", () => {
      this.views.more = !this.views.more;
      this.drawMotifs();
    });
    this.draw();
    let width = innerWidth;
    addEventListener("beforeprint", () => {
      this.views.more = true;
      this.drawMotifs();
    });
    addEventListener("resize", () => {
      if (innerWidth !== width) {
        this.draw();
        this.drawOutputs();
      }
      width = innerWidth;
    });
  }

  get content() {
    return this.page.outputs[this.output];
  }

  outputChoice() {
    const names = this.page.outputs.map(({ name }) => name);
    if (names.length < 2) return;
    place("output-choice").append(
      html("span", { class: "soft" }, "Output"),
      choices("Output of the model", names, 0, (k) => this.setOutput(k)),
    );
  }

  setOutput(k) {
    Object.assign(this, { output: k });
    this.views.set = Math.min(this.views.set, this.content.views.length - 1);
    for (const part of document.querySelectorAll("[data-output]")) part.hidden = Number(part.dataset.output) !== k;
    this.draw();
    this.table?.setOutput(k);
  }

  draw() {
    setUnit(this.content.unit);
    this.drawContributions();
    this.drawMotifs();
    this.drawMap();
    this.drawSupports();
    this.drawFaithfulness();
    this.drawCosts();
    if (this.table) this.drawSequence();
  }

  drawOutputs() {
    const target = place("outputs-map");
    if (!target) return;
    const choose = (k) => document.querySelectorAll("#output-choice .choice")[k].click();
    const shares = (k) => {
      this.views.shares = k;
      this.drawOutputs();
    };
    target.replaceChildren(
      choices("What the map shows", ["as values", "as shares of each output"], this.views.shares, shares),
      scrolling(
        "Outputs by position",
        outputsMap(this.page, this.page.outputs_map, this.views.shares === 1, roomOf(target), choose),
      ),
    );
  }

  drawContributions() {
    const { views, words } = this.content,
      target = place("contributions");
    place("classes").replaceChildren();
    place("clusters").hidden = !words.clusters || Boolean(words.instead);
    place("clusters").textContent = words.clusters;
    if (words.instead) return target.replaceChildren(html("p", { class: "nothing" }, words.instead));
    if (!views.length) return target.replaceChildren(html("p", {}, "No sequence, no logo."));
    const named = views.map(({ set, count }) => `${setName(set)} (${thousands(count)})`);
    const figure = scrolling(
      "Logo of mean contributions",
      contributionLogo(this.page, views[this.views.set], roomOf(target)),
    );
    const choose = (k) => {
      this.views.set = k;
      this.drawContributions();
    };
    place("classes").replaceChildren(...this.page.alphabet.classes.map(([name, color]) => classMark(name, color)));
    target.replaceChildren(
      ...(views.length > 1 ? [choices("Set of sequences", named, this.views.set, choose)] : []),
      figure,
    );
  }

  drawMotifs() {
    const motifs = this.content.words.spectral ? [] : this.content.motifs,
      target = place("gallery");
    const shown = motifs.filter(({ kind }) => kind !== "position");
    place("motif-kinds").replaceChildren(
      ...(shown.length
        ? [
            choices(
              "What the logos show",
              ["contributions", "information"],
              this.views.kind === "information" ? 1 : 0,
              (k) => {
                this.views.kind = k ? "information" : "contribution";
                this.drawMotifs();
              },
            ),
          ]
        : []),
    );
    const first = this.views.more ? shown : shown.slice(0, FIRST_MOTIFS);
    place("more").hidden = shown.length <= FIRST_MOTIFS;
    place("more").textContent = this.views.more ? "Show the strongest only" : `Show all ${shown.length}`;
    if (shown.length) target.replaceChildren(...first.map((motif) => motifCard(this.page, motif, this.views.kind)));
    else target.replaceChildren(html("p", { class: "nothing" }, this.content.words.motifs));
    const singles = motifs.filter(({ kind }) => kind === "position");
    place("singles").hidden = !singles.length;
    place("singles").replaceChildren(...singleLetters(singles));
  }

  drawMap() {
    const kinds = [
      [
        "strength",
        "under the background",
        "How strongly each pair of positions interacts: standard deviation, under the background, of all interactions that hold both.",
        false,
      ],
      [
        "mean",
        "signed, these sequences",
        "Mean interaction of each pair of positions over these sequences: orange raises the prediction, blue lowers it.",
        true,
      ],
      [
        "mean_absolute",
        "absolute, these sequences",
        "Mean magnitude of the interaction of each pair of positions over these sequences.",
        false,
      ],
    ].filter(([name]) => this.page.arrays[`${this.output}/map_${name}`]);
    const target = place("map");
    if (!kinds.length) return target.replaceChildren();
    const [name, , words, signed] = kinds[Math.min(this.views.map, kinds.length - 1)];
    const values = this.page.arrays[`${this.output}/map_${name}`];
    if (this.content.words.spectral || values.every((v) => !v))
      return target.replaceChildren(html("p", { class: "nothing" }, this.content.words.pairs));
    const choose = (k) => {
      this.views.map = k;
      this.drawMap();
    };
    target.replaceChildren(
      ...(kinds.length > 1
        ? [
            choices(
              "Map",
              kinds.map(([, text]) => text),
              Math.min(this.views.map, kinds.length - 1),
              choose,
            ),
          ]
        : []),
      html(
        "div",
        { class: "beside" },
        scrolling(
          "Map of interactions",
          interactionMap(this.page, values, words, signed, Math.min(roomOf(target), 560)),
        ),
        html(
          "div",
          { class: "aside" },
          html("p", { class: "caption" }, words),
          html("h3", {}, "Strongest pairs"),
          html(
            "ol",
            {},
            strongestPairs(values).map(([i, j, v]) =>
              html(
                "li",
                {},
                `${i} and ${j} `,
                html("b", { class: signed ? (v < 0 ? "down" : "up") : null }, number(v, signed)),
              ),
            ),
          ),
        ),
      ),
    );
  }

  drawSupports() {
    const supports = this.content.words.spectral ? [] : this.content.supports,
      target = place("supports");
    target.hidden = !supports.length;
    if (!supports.length) return;
    const tables = supports.map((support) => supportTable(this.page, support));
    const rest = tables.splice(FIRST_TABLES);
    target.replaceChildren(
      html("h3", {}, "Letter tables of the strongest sets of positions"),
      html(
        "p",
        { class: "caption" },
        "What two letters add together, beyond what each adds alone: orange raises, blue lowers. Rows are the first position. Of sets of three and more, and of small tables, the strongest letters.",
      ),
      html("div", { class: "tables" }, tables),
      rest.length
        ? html("details", {}, html("summary", {}, `${rest.length} more`), html("div", { class: "tables" }, rest))
        : "",
    );
  }

  drawFaithfulness() {
    const { page, output, content } = this,
      get = (name) => page.arrays[`${output}/${name}`];
    const figures = [];
    const add = (title, drawn, words) =>
      figures.push(html("figure", {}, html("h3", {}, title), drawn, html("figcaption", {}, words)));
    const room = Math.min(420, roomOf(place("faithfulness")));
    if (content.curve.length > 1)
      add(
        "Learning curve",
        learningCurve(content.curve, room),
        "R² on the hold-out against evaluations, with 95 % bootstrap intervals: would fewer have done, would more pay?",
      );
    if (content.r2 != null)
      add(
        "Variance by order",
        orderBars(content, room),
        "How much of the model's variance single letters, pairs and larger groups carry under the background; grey was not found.",
      );
    const { scored } = content.words, which = scored === "the hold-out" ? "points that were used for nothing else" : `points (${scored})`;
    if (get("holdout_model"))
      add(
        "Hold-out",
        scatter(get("holdout_spectrum"), get("holdout_model"), `Model and spectrum at ${which}`, room),
        `${thousands(get("holdout_model").length)} ${which}: the model against the spectrum. On the line they agree.`,
      );
    if (get("prediction")?.some(Number.isFinite))
      add(
        "Your sequences",
        scatter(get("reconstruction"), get("prediction"), "The explained sequences", room),
        "The same for the explained sequences.",
      );
    place("faithfulness").replaceChildren(...figures);
  }

  drawCosts() {
    const { comparison } = this.content,
      target = place("costs");
    if (!target) return;
    const shown = comparison.some(({ r2 }) => r2 != null);
    target.replaceChildren(
      ...(shown ? [scrolling("Accuracy against cost", costChart(comparison, roomOf(target)))] : []),
    );
  }

  startSequences() {
    const hash = decodeURIComponent(location.hash.match(/^#sequence=(.*)$/)?.[1] ?? "");
    this.table = new SequenceTable(this.page, place("table"), () => this.drawSequence());
    this.table.refresh();
    const named = hash ? this.page.arrays.ids.indexOf(hash) : -1;
    this.table.chosen = named >= 0 ? named : this.table.rows[0];
    this.table.draw();
    place("save").addEventListener("click", () =>
      save(`${this.page.model}.${this.page.sequence_set}.${this.content.name}.shapley_values.tsv`, this.asText()),
    );
  }

  drawSequence() {
    const target = place("explanation");
    target.replaceChildren(
      ...explanation(this.page, this.output, this.table.chosen, roomOf(target), (by) => this.table.step(by)).filter(
        Boolean,
      ),
    );
  }

  /** The values of all sequences of the page as TSV. */
  asText() {
    const n = this.page.template.length,
      lines = [
        [
          "sequence_id",
          "sequence",
          "group",
          "prediction",
          "reconstruction",
          "warning",
          ...Array.from({ length: n }, (_, i) => `pos_${i + 1}`),
        ].join("\t"),
      ];
    const cell = (v) =>
      typeof v === "number" ? (Number.isNaN(v) ? "" : Number(v.toPrecision(5))) : v.replace(/[\t\n\r]/g, " ");
    const whole = (v) => (Number.isNaN(v) ? "" : String(Number(v.toPrecision(Math.min(digits(v) + 2, 17)))));
    for (let r = 0; r < this.page.sequences.shown; r++) {
      const s = sequenceOf(this.page, this.output, r);
      lines.push(
        [s.id, s.letters, s.group, whole(s.prediction), whole(s.reconstruction), s.warnings.join(","), ...s.values]
          .map(cell)
          .join("\t"),
      );
    }
    return lines.join("\n") + "\n";
  }
}

function place(id) {
  return document.getElementById(id);
}

/** The width inside an element, in pixels. */
function roomOf(element) {
  const { paddingLeft, paddingRight } = getComputedStyle(element);
  return Math.max(240, (element.clientWidth || 900) - parseFloat(paddingLeft) - parseFloat(paddingRight));
}

function setName(set) {
  return { all: "all sequences", top: "highest", bottom: "lowest" }[set] ?? set.replace(/^group:/, "").replace(/^cluster:/, "cluster ");
}

function startButtons() {
  place("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  place("copy").addEventListener("click", async () => {
    const text = JSON.parse(place("supplement").textContent);
    try {
      await navigator.clipboard.writeText(text);
      place("copied").textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(place("methods-text"));
      place("copied").textContent = "Selected: press Ctrl+C.";
    }
  });
}

startButtons();
readPage()
  .then((page) => new Page(page))
  .then(
    () => (document.documentElement.dataset.ready = "yes"),
    (error) => {
      place("broken").hidden = false;
      throw error;
    },
  );
