"""The page of one analysis: logos, motifs, interactions, every sequence, faithfulness, methods and files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from ..comparison.registry import headline
from ..fidelity.r2_words import headline_r2, interval_r2, percent, scored_on
from ..fidelity.records import Score, SequencesScore
from ..fidelity.verdict import instead, no_arcs, no_motif, no_pair
from ..figures.style import letter_classes, letter_colors
from .analysis import Analysis, cautions, omissions
from .html import glyphs, render, script_safe
from .methods_text import methods_text, supplement
from .packing import Pack
from .page_methods import compared_methods, cost_points
from .page_sequences import MAX_TEXT_SIZE, pack_sequences

MAX_HELD_OUT = 2000  # points of a scatter
MAX_CELLS = 400  # of a letter table that is shown whole; of larger ones the strongest are

# What a reader can go on with: name in the rule, path beside the page, what it holds.
DOWNLOADS = (
    ("values", "shapley_values.parquet", "Shapley values, prediction, reconstruction and warnings of each sequence"),
    ("values_text", "shapley_values.tsv.gz", "the same as text"),
    ("errors", "shapley_errors.parquet", "standard errors of the refined values"),
    ("folds", "shapley_folds.parquet", "the spread of each Shapley value over the model's folds, and its interval"),
    ("interactions", "interactions.parquet", "the strongest interactions of each sequence"),
    ("aggregates", "aggregates.parquet", "means of all values and interactions, also by group"),
    ("dropped", "dropped.tsv", "records that were left out, and why"),
    ("contributions", "motifs/contributions.tsv", "mean Shapley value of each letter at each position"),
    ("motifs", "motifs/motifs.tsv", "the motifs"),
    ("motif_matrices", "motifs/motif_matrices.tsv", "letter frequencies and mean contributions of each motif"),
    ("placements", "motifs/placements.tsv", "where motifs with a variable gap were found"),
    ("instances", "motifs/instances.tsv", "every instance of every motif"),
    ("bed", "motifs/instances.bed", "the instances as BED"),
    ("meme", "motifs/motifs.meme", "the motifs in MEME format"),
    ("position_interactions", "motifs/position_interactions.tsv", "interaction of each pair of positions"),
    ("supports", "motifs/supports.tsv", "the strongest sets of positions"),
    ("support_tables", "motifs/support_tables.tsv", "their letter tables"),
    ("tomtom", "motifs/tomtom.tsv", "matches in the motif database"),
    ("faithfulness_on_queries", "faithfulness.json", "how well the spectrum reproduces the model on these sequences"),
    ("comparison", "comparison.tsv", "the sketch beside other methods: accuracy and cost"),
    ("faithfulness", "../spectrum/faithfulness.json", "evaluations, estimators, hold-out scores, variance by order"),
    ("curve", "../spectrum/learning_curve.tsv", "R² against evaluations"),
    ("holdout", "../spectrum/holdout.tsv", "model and spectrum on hold-out points"),
    ("spectrum", "../spectrum/spectrum.npz", "the dividends, for shapsketch in a notebook"),
)  # fmt: skip


def build_page(
    analysis: Analysis, sources: Mapping[str, Any], settings: Mapping[str, Any], most_text: int = MAX_TEXT_SIZE
) -> str:
    """Return the page as HTML.

    Args:
        analysis: what was found; its files hold also `sequences`, `values`, `interactions` and, where refined,
            `errors`.
        sources: paths of the page's own parts: `template`, `style`, and `scripts` (in their order).
        settings: what the methods tell beside the analysis: `source` (kind of the model), `outputs` (what each is of
            the model's answer, in words, where the config says so), `background` (in words),
            `design` (of the plan; None without one), `coded` (offsets of the lattice), `listing`, `motifs`; and
            `colors` (of letters), `provenance` (names and values of a table).
        most_text: characters that the packed arrays may have.
    """
    indices = [name for name in settings["listing"]["indices"] if name not in ("SV", "BV")]
    pack, sequences = pack_sequences(
        lambda: _shared_pack(analysis),
        analysis.files,
        list(analysis.spectra),
        indices[0] if indices else None,
        most_text,
    )
    template = analysis.spectrum.template
    content = {
        "model": analysis.model,
        "sequence_set": analysis.sequence_set,
        "alphabet": {
            "letters": template.alphabet.letters,
            "kind": template.alphabet.kind,
            "colors": letter_colors(template.alphabet, settings["colors"]),
            "classes": letter_classes(template.alphabet, settings["colors"]),
            "glyphs": glyphs(template.alphabet.letters),
            "frequencies": analysis.spectrum.background.probabilities[template.free].mean(0).round(6).tolist(),
        },
        "template": template.pattern,
        "fixed": (np.flatnonzero(template.sizes == 1) + 1).tolist(),
        "sequences": sequences,
        "outputs": [output_content(analysis, name) for name in analysis.spectra],
        "directory": pack.directory,
    }
    methods = methods_text(_facts(analysis, settings), analysis.scores, analysis.on_queries)
    return render(
        sources,
        content,
        pack.text(),
        analysis=_shown(analysis, settings),
        methods=methods,
        supplement_data=script_safe(supplement(methods)),
    )


def _shared_pack(analysis: Analysis) -> Pack:
    pack = Pack()
    for k, output in enumerate(analysis.spectra):
        points = analysis.rows("holdout", output)
        apart = float(np.sqrt(analysis.scores[output]["variance"]))
        for name in ("model", "spectrum") if len(points) else ():
            pack.add_real(f"{k}/holdout_{name}", points[name].to_numpy(np.float64)[:MAX_HELD_OUT], apart)
        pairs = analysis.rows("position_interactions", output)
        for name in ("strength", "mean", "mean_absolute"):
            if name in pairs and len(pairs):
                pack.add_rounded(f"{k}/map_{name}", _triangle(pairs, name, analysis.spectrum.template.n))
    return pack


def _triangle(pairs: pd.DataFrame, name: str, n: int) -> np.ndarray:
    """The values of pairs of positions in the order (2, 1), (3, 1), (3, 2), ..."""
    matrix = np.zeros((n, n))
    matrix[pairs["position_2"] - 1, pairs["position_1"] - 1] = pairs[name]
    return matrix[np.tril_indices(n, -1)]


def output_content(analysis: Analysis, output: str) -> dict[str, Any]:
    """Return what the page's scripts draw of an output, as plain values."""
    score = analysis.scores[output]
    curve = analysis.rows("curve", output)
    return {
        "name": output,
        "r2": score["r2"],
        "variance_by_order": score["variance_by_order"],
        "unit": float(np.sqrt(score["variance"])),
        "words": {
            "instead": instead(score, bool(analysis.on_queries[output].get("refined"))),
            "spectral": instead(score),
            "motifs": no_motif(score),
            "pairs": no_pair(score),
            "arcs": no_arcs(score),
        },
        "curve": _records(curve, ["evaluations", "r2", "r2_low", "r2_high", "estimator"]),
        "comparison": cost_points(_records(analysis.rows("comparison", output))),
        "views": contribution_views(analysis, output),
        "motifs": motif_contents(analysis, output),
        "supports": support_contents(analysis, output),
    }


def contribution_views(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return the mean contributions of each set of sequences: `set`, `count` of sequences, `heights` (n, q)."""
    rows = analysis.rows("contributions", output)
    letters = list(analysis.spectrum.template.alphabet.letters)
    views = []
    for name, set_rows in rows.groupby("set", sort=False):
        heights = set_rows.pivot(index="position", columns="letter", values="mean")[letters].fillna(0)
        count = set_rows.groupby("position")["count"].sum().max()
        views.append({"set": name, "count": int(count), "heights": [_short(row) for row in heights.to_numpy()]})
    return views


def motif_contents(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return each motif with its matrices, its placements and its best matches in a database."""
    letters = list(analysis.spectrum.template.alphabet.letters)
    matrices, placements, matches = (analysis.rows(name, output) for name in ("motif_matrices", "placements", "tomtom"))
    motifs = []
    for motif in _records(analysis.rows("motifs", output)):
        matrix = matrices[matrices["motif"] == motif["motif"]]
        columns = matrix.drop_duplicates("column").sort_values("column")
        motif["columns"] = [None if pd.isna(p) else int(p) for p in columns["position"]]
        motif["core"] = [bool(c) for c in columns["core"]]
        for name in ("frequency", "contribution"):
            table = matrix.pivot(index="column", columns="letter", values=name).reindex(columns=letters).fillna(0)
            motif[name] = [_short(row) for row in table.to_numpy()]
        motif["gaps"] = _gaps(placements[placements["motif"] == motif["motif"]])
        best = matches[matches["motif"] == motif["motif"]].head(3) if len(matches) else matches
        motif["matches"] = _records(best, ["target", "q_value"])
        motifs.append(motif)
    return motifs


def _gaps(placements: pd.DataFrame) -> list[list[float]]:
    """Instances by gap."""
    totals = placements.dropna(subset="gap").groupby("gap")["instances"].sum()
    return [[int(gap), int(count)] for gap, count in totals.items()]


def support_contents(analysis: Analysis, output: str) -> list[dict[str, Any]]:
    """Return the strongest sets of positions with their letters: small tables whole, of others the strongest cells."""
    tables, supports = analysis.rows("support_tables", output), []
    for support in _records(analysis.rows("supports", output)):
        cells = tables[tables["support"] == support["support"]]
        whole = len(cells) <= MAX_CELLS and support["order"] == 2
        if not whole:
            cells = cells.reindex(cells["value"].abs().sort_values(ascending=False, kind="stable").index).head(12)
        support["cells"] = [
            [r.letters, float(f"{r.value:.4g}"), int(r.count)]
            for r in cells[["letters", "value", "count"]].itertuples(index=False, name="Cell")
        ]
        if len(cells):
            supports.append(support)
    return supports


def _records(table: pd.DataFrame, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Rows as plain values; a missing one is None."""
    kept = [c for c in (columns or table.columns) if c in table and c != "output"]
    rows = table[kept].astype(object).where(table[kept].notna(), None).to_dict("records")
    return [{str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in rows]


def _short(row: np.ndarray) -> list[float]:
    return [float(f"{v:.4g}") for v in row]


def _facts(analysis: Analysis, settings: Mapping[str, Any]) -> dict[str, Any]:
    template = analysis.spectrum.template
    return {
        **settings,
        "model": analysis.model,
        "sequence_set": analysis.sequence_set,
        "kind": template.alphabet.kind,
        "letters": template.alphabet.letters,
        "template": str(template),
        "n": template.n,
        "free": len(template.free),
        "seqlets": bool((analysis.tables["motifs"]["kind"] == "seqlet").any()),
        "tomtom": bool(len(analysis.tables.get("tomtom", ()))),
        "version": __version__,
    }


def _shown(analysis: Analysis, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the template shows in words and numbers."""
    template = analysis.spectrum.template
    downloads = []
    for name, path, words in DOWNLOADS:
        if analysis.files.get(name) and Path(analysis.files[name]).exists():
            downloads.append((path, words))
    return {
        "alphabet": template.alphabet.kind if template.alphabet.kind != "custom" else template.alphabet.letters,
        "n": template.n,
        "free": len(template.free),
        "template": str(template),
        "background": settings["background"],
        "measured": settings["source"] == "table",
        "outputs": [
            {
                "name": name,
                "made": settings["outputs"].get(name, ""),
                "score": score,
                "on_queries": analysis.on_queries[name],
                "numbers": _numbers(score, analysis.on_queries[name]),
                "notes": _sentences(analysis, name),
            }
            for name, score in analysis.scores.items()
        ],
        "compared": [compared_methods(name, _records(rows), headline(rows)) for name, rows in _compared(analysis)],
        "made_from": dict(analysis.spectrum.provenance),
        "provenance": settings["provenance"],
        "downloads": downloads,
    }


def _compared(analysis: Analysis) -> list[tuple[str, pd.DataFrame]]:
    """The comparison with other methods by output; nothing without one."""
    if "comparison" not in analysis.tables:
        return []
    return [(name, analysis.rows("comparison", name)) for name in analysis.spectra]


def _numbers(score: Score, on_queries: SequencesScore) -> list[tuple[str, str, str]]:
    """The numbers on top of the page: in large letters, of what, and what stands beside it."""
    numbers = [_r2_number(f"R² on {scored_on(score)}", score["r2"], score["r2_interval"])]
    if "r2_near" in score:
        words = f"R² near {' and '.join(score['near'])}"
        numbers.append(_r2_number(words, score["r2_near"], score["r2_near_interval"]))
    if on_queries["predicted"]:
        r2, interval = on_queries["r2_on_queries"], on_queries.get("r2_interval") or ()
        top = on_queries.get("r2_of_highest_tenth")
        tenth = "" if top is None else f"{headline_r2(top)} within the highest tenth"
        shown, words, beside = _r2_number("R² on your sequences", r2, interval)
        numbers.append((shown, words, "; ".join(filter(None, (beside, tenth)))))
    if "1" in score["share_by_order"] and instead(score) is None:
        numbers.append((percent(score["share_by_order"]["1"]), "of the variance found is additive", ""))
    return numbers


def _r2_number(words: str, r2: float | None, interval: Sequence[float]) -> tuple[str, str, str]:
    return headline_r2(r2, *interval), words, interval_r2(r2, *interval)


def _sentences(analysis: Analysis, output: str) -> list[str]:
    sentences = omissions(analysis) + cautions(
        analysis.on_queries[output], analysis.scores[output], analysis.sequence_set
    )
    return [sentence[0].upper() + sentence[1:] + "." for sentence in sentences]
