"""A whole analysis as files, of a small known function: what the tests of the report read."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from shapsketch import __version__
from shapsketch.fidelity.on_sequences import report_on_queries
from shapsketch.fidelity.verdict import order_audit
from shapsketch.report.page import PageSettings
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import INTERACTION_SCHEMA, Listing
from shapsketch.spectrum.spectrum import Spectrum
from shapsketch.spectrum.spectrum_file import save_spectra
from shapsketch.spectrum.tables import Explainer, errors_schema, finish_aggregates, values_schema
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import write_json, write_text
from shapsketch.storage.parquet import write_parquet

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = re.findall(
    r'"(\w+\.js)"', (ROOT / "workflow/rules/report.smk").read_text().partition("PAGE_SCRIPTS = [")[2].partition("]")[0]
)
SOURCES = {
    "template": ROOT / "workflow/report/page.html.j2",
    "style": ROOT / "workflow/report/page.css",
    "scripts": [ROOT / "workflow/report" / name for name in SCRIPTS],
    "methods": ROOT / "workflow/report/methods.txt.j2",
    "bibliography": ROOT / "workflow/report/bibliography.toml",
}
SETTINGS = PageSettings(
    source="torch",
    background="uniform over the letters that the template allows",
    design="random",
    coded=False,
    outputs={},
    provenance=[("SHA-256 of the config", "ab<b>cd")],
    listing={"indices": ["SV", "FSII"], "max_order": 3, "top_k": 20},
    motifs={"min_instances": 5, "bootstrap": 200, "clusters": "auto", "colors": "colorblind"},
)
NASTY = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"'&amp;\\u003c",
    "NA",
    "a b\u2028c",
    "${7*7}{{7*7}}",
]


def spectra(n, constant=False, additive=False, pattern=None):
    """Two outputs: G.T at positions 3 and 5 beside single letters, and the opposite."""
    template = Template(Alphabet("ACGT"), pattern or "N" * (n - 1) + "G")
    indicators = [np.eye(4)[k] - 0.25 for k in (2, 3)]
    tables = {(0,): np.array([0.3, -0.1, 0.1, -0.3]), (1,): np.array([0.1, 0.0, 0.0, -0.1])}
    if not additive:
        tables |= {
            (2, 4): 2 * np.outer(*indicators),
            (1, 2, 5): 0.3 * np.einsum("a,b,c->abc", *indicators, indicators[0]),
        }
    provenance = {"plan": "c0ffee" * 10 + "abcd", "seed": 7, "estimator": "regression", "evaluations": 3000}
    made = []
    for name, sign in (("up", 1.0), ("down", -1.0)):
        terms = Terms.build(template.sizes, {} if constant else {k: sign * v for k, v in tables.items()})
        made.append(Spectrum(Background.uniform(template), name, 1.0, terms, provenance))
    return made


def random_sequences(count, n, groups=("", "x", "y"), seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (count, n))
    codes[:, -1] = 2
    letters = np.frombuffer(b"ACGT", np.uint8)[codes]
    text = letters.tobytes().decode()
    ids = [*NASTY[:count], *(f"s{k}" for k in range(len(NASTY[:count]), count))]
    return pa.table({
        "sequence_id": ids,
        "sequence": [text[k : k + n] for k in range(0, len(text), n)],
        "group": [groups[k % len(groups)] for k in range(count)],
    })  # fmt: skip


def write_analysis(folder, sequences, made, errors=True, listing=None):
    """Write all files of an analysis; return their paths by name, as the rule of the report gives them."""
    folder = Path(folder)
    n, text = made[0].template.n, sequences["sequence"].to_pylist()
    rng = np.random.default_rng(1)
    save_spectra(folder / "spectrum.npz", made)
    write_parquet(folder / "sequences.parquet", sequences)
    listing = listing or Listing(["FSII"], top_k=20)
    groups, sums = sorted(set(sequences["group"].to_pylist()) - {""}), []
    score, tables, points, curve = {}, {"values": [], "interactions": [], "errors": []}, [], []
    for spectrum in made:
        draws = ["".join(row) for row in np.array(list("ACGT"))[rng.integers(0, 4, (300, n - 1))]]
        truth = spectrum.predict([d + "G" for d in draws])
        by_order = {str(k): v for k, v in spectrum.variance_by_order().items()}
        r2 = 0.97
        score[spectrum.output] = {
            "estimator": "regression + trees", "weights": {}, "tried": {}, "evaluations": 3000, "scored_on": "hold-out",
            "holdout": 300, "r2": r2, "r2_interval": [0.96, 0.98], "r2_by_order": {}, "variance": float(truth.var()),
            "variance_by_order": by_order, **order_audit(by_order, float(truth.var()), r2), "range": [-9.0, 9.0],
            "residual": {"mean": 0.0, "largest": 0.5, "large": 0.5}, "seed": 7, "plan": "c0ffee",
            "versions": {"numpy": "2", "shapsketch": __version__},
        }  # fmt: skip
        predictions = spectrum.predict(text) + rng.normal(0, 0.05, len(text)) if text else np.empty(0)
        explainer = Explainer(spectrum, listing, score[spectrum.output], groups)
        tables["values"].append(explainer.values(sequences, predictions) if text else values_schema(n).empty_table())
        tables["interactions"] += explainer.interactions(sequences) if text else []
        sums.append(explainer.aggregates())
        sizes = rng.gamma(2, 0.02, (len(text), n)).astype(np.float32)
        columns = {"sequence_id": sequences["sequence_id"], "output": pa.repeat(spectrum.output, len(text)),
                   "evaluations": np.full(len(text), 99), "correction": np.full(len(text), 0.01)}  # fmt: skip
        tables["errors"].append(
            pa.table(columns | {f"pos_{i + 1}": sizes[:, i] for i in range(n)}, schema=errors_schema(n))
        )
        points.append(pd.DataFrame({"output": spectrum.output, "model": truth, "spectrum": truth + 0.05}))
        rows = [
            (spectrum.output, e, "regression", r, r - 0.02, r + 0.01) for e, r in ((375, 0.7), (750, 0.9), (3000, r2))
        ]
        curve.append(pd.DataFrame(rows, columns=["output", "evaluations", "estimator", "r2", "r2_low", "r2_high"]))
    write_parquet(folder / "aggregates.parquet", finish_aggregates([pa.concat_tables(sums)]))
    for name, parts in tables.items():
        if name != "errors" or errors:
            empty = INTERACTION_SCHEMA.empty_table() if name == "interactions" else None
            write_parquet(folder / f"{name}.parquet", pa.concat_tables(parts or [empty]))
    write_json(folder / "faithfulness.json", score)
    none = {"sequences": 0, "predicted": 0, "r2_on_queries": None, "largest_gap": None}
    none["warnings"] = {"rare": 0, "range": 0, "gap": 0}
    told = report_on_queries(folder / "values.parquet", folder / "errors.parquet" if errors else None)
    write_json(folder / "queries.json", told or {s.output: none for s in made})
    small = {"holdout": pd.concat(points), "curve": pd.concat(curve), **motif_tables(made, sequences)}
    small["comparison"] = comparison_table(made)
    for name, table in small.items():
        write_text(folder / f"{name}.tsv", table.to_csv(sep="\t", index=False, float_format="%.6g"))
    files = {p.stem: str(p) for p in folder.iterdir() if p.suffix in (".tsv", ".parquet", ".npz")}
    return files | {
        "faithfulness": str(folder / "faithfulness.json"),
        "faithfulness_on_queries": str(folder / "queries.json"),
    }


def comparison_table(made):
    """The sketch beside three methods, of which one could not."""
    rows = [("shapsketch", 3000, 3000, 0, 30, 0.97, None, ""), ("kernel_shap", 64, 1000, 64, 74, 0.2, 32, "note <b>"),
            ("kernel_shap", 256, 1000, 256, 266, 0.7, 8, ""), ("shap_iq", 64, 1000, 64, 74, -0.4, 32, ""),
            ("deep_shap", 64, None, None, None, None, None, "DeepSHAP cannot <i>")]  # fmt: skip
    columns = ["method", "evaluations", "once", "each", "amortised", "r2", "break_even", "note"]
    table = pd.concat([pd.DataFrame(rows, columns=columns).assign(output=s.output) for s in made], ignore_index=True)
    for score in ("r2", "pearson", "spearman", "pair_recall", "insertion", "deletion"):
        table[score] = table["r2"] if score != "pair_recall" else None
        table[f"{score}_low"], table[f"{score}_high"] = table[score] - 0.1, table[score] + 0.01
    return table.assign(compared=12, seconds=1.5, truth_error=0.02, pair_truth_error=0.1)


def motif_tables(made, sequences):
    """Tables of motifs as the motif stage writes them: one interaction with a gap that varies, one single letter."""
    n, tables = made[0].template.n, {}
    count = sequences.num_rows
    sets = ("all", "top", "bottom", "group:x", "group:y") if count else ()
    shown = [s.output for s in made if count and (s.terms.orders > 1).any()]
    tables["contributions"] = pd.DataFrame(
        [(s.output, name, i, a, count // 4, 0.1 * (a == "G") - 0.05 * (a == "T"), 0.01)
         for s in made for name in sets for i in range(1, n + 1) for a in "ACGT"],
        columns=["output", "set", "position", "letter", "count", "mean", "standard_deviation"],
    )  # fmt: skip
    names = ["output", "motif", "kind", "consensus", "order", "positions", "letters", "relation", "value", "share",
             "share_low", "share_high", "sequences", "instances", "placements", "spacing"]  # fmt: skip
    rows = [row for o in shown for row in (
        (o, "M1", "interaction", "GnT", 2, "3,5", "GT", "", 1.125, 0.4, 0.3, 0.5, count // 16, 9, 3, "1-4"),
        (o, "P1", "position", "A", 1, "1", "A", "", 0.3, 0.2, 0.1, 0.3, count // 4, count // 4, 1, ""))]  # fmt: skip
    tables["motifs"] = pd.DataFrame(rows, columns=names)
    cells = [(o, "M1", k, i, a, float(a == core) if core else 0.25, 0.5 * (a == core), int(core != ""))
             for o in shown for k, (i, core) in enumerate(((3, "G"), (4, ""), (5, "T")), 1)
             for a in "ACGT"]  # fmt: skip
    tables["motif_matrices"] = pd.DataFrame(
        cells, columns=["output", "motif", "column", "position", "letter", "frequency", "contribution", "core"]
    )
    tables["placements"] = pd.DataFrame(
        [(o, "M1", "3,5", 3, gap, 1.0, k) for o in shown for gap, k in ((1, 9), (2, 4), (4, 1))],
        columns=["output", "motif", "positions", "start", "gap", "value", "instances"],
    )
    pairs = [(s.output, j, i, *((0.3, -0.1, 0.2) if (j, i) == (3, 5) and s.output in shown else (0.0, 0.0, 0.0)))
             for s in made for i in range(2, n + 1) for j in range(1, i)]  # fmt: skip
    tables["position_interactions"] = pd.DataFrame(
        pairs, columns=["output", "position_1", "position_2", "strength", "mean", "mean_absolute"]
    )
    tables["supports"] = pd.DataFrame(
        [(o, "T1", "3,5", 2, 0.4, 0.1, 0.2) for o in shown],
        columns=["output", "support", "positions", "order", "share", "mean", "mean_absolute"],
    )
    tables["support_tables"] = pd.DataFrame(
        [(o, "T1", a + b, 1.0 if a + b == "GT" else -0.1, 5) for o in shown for a in "ACGT" for b in "ACGT"],
        columns=["output", "support", "letters", "value", "count"],
    )
    tables["tomtom"] = pd.DataFrame(
        [(o, "M1", "KNOWN<b>", 0, 3, "+", 1e-5, 1e-3, 2e-3) for o in shown],
        columns=["output", "motif", "target", "offset", "overlap", "orientation", "p_value", "e_value", "q_value"],
    )
    return tables
