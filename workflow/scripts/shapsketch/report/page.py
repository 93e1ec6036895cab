"""The page of one analysis: logos, motifs, interactions, every sequence, faithfulness, methods and files.

`build_page` reads from top to bottom: what the scripts draw, what the methods say, what the template shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from ..comparison.summary import headline
from ..fidelity.r2_words import headline_r2, interval_r2, percent, scored_on
from ..fidelity.records import Score, SequencesScore
from ..fidelity.verdict import instead
from ..figures.style import letter_classes, letter_colors
from ..settings.records import ListingConfig, MotifsConfig
from .analysis import Analysis, cautions, omissions
from .html import glyphs, render, script_safe
from .methods_text import Facts, Writer, supplement
from .page_methods import compared_methods
from .page_outputs import output_content, outputs_map, pack_outputs, records
from .page_sequences import MAX_TEXT_SIZE, pack_sequences

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
    ("clusters", "motifs/clusters.tsv", "how stable groups of sequences with like Shapley values are"),
    ("cluster_members", "motifs/cluster_members.tsv", "the cluster of each sequence"),
    ("motifs", "motifs/motifs.tsv", "the motifs"),
    ("motif_matrices", "motifs/motif_matrices.tsv", "letter frequencies and mean contributions of each motif"),
    ("placements", "motifs/placements.tsv", "at which positions, and with which gaps, each motif was found"),
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


@dataclass(frozen=True)
class PageSettings:
    """What the page tells of an analysis that its files do not.

    Attributes:
        source: the kind of the model.
        outputs: what each is of the model's answer, in words, where the config says so.
        background: in words.
        design: of the plan; None without one.
        coded: whether the offsets of the lattice form a code.
        listing: which interactions were listed.
        motifs: the config's `motifs`; its `colors` are those of the letters.
        provenance: names and values of a table.
    """

    source: str
    outputs: Mapping[str, str]
    background: str
    design: str | None
    coded: bool
    listing: ListingConfig
    motifs: MotifsConfig
    provenance: Sequence[tuple[str, str]]

    @property
    def index(self) -> str | None:
        """The interaction index whose values are shown; None for none."""
        return next((name for name in self.listing["indices"] if name not in ("SV", "BV")), None)


def build_page(
    analysis: Analysis, sources: Mapping[str, Any], settings: PageSettings, most_text: int = MAX_TEXT_SIZE
) -> str:
    """Return the page as HTML.

    Args:
        analysis: what was found; its files hold also `sequences`, `values`, `interactions` and, where refined,
            `errors`.
        sources: paths of the page's own parts: `template`, `style`, `scripts` (in their order), `methods` and
            `bibliography`.
        settings: what the files do not tell.
        most_text: characters that the packed arrays may have.
    """
    pack, sequences = pack_sequences(
        pack_outputs(analysis), analysis.files, list(analysis.spectra), settings.index, most_text
    )
    content = {
        "model": analysis.model,
        "sequence_set": analysis.sequence_set,
        "alphabet": _alphabet(analysis, settings.motifs["colors"]),
        "template": analysis.spectrum.template.pattern,
        "fixed": (np.flatnonzero(analysis.spectrum.template.sizes == 1) + 1).tolist(),
        "sequences": sequences,
        "outputs": [output_content(analysis, name) for name in analysis.spectra],
        "outputs_map": outputs_map(analysis),
        "directory": pack.directory,
    }
    writer = Writer.read(sources["methods"], sources["bibliography"])
    methods = writer.write(_facts(analysis, settings), analysis.scores, analysis.on_queries)
    return render(
        sources,
        content,
        pack.text(),
        analysis=_shown(analysis, settings),
        methods=methods,
        supplement_data=script_safe(supplement(methods)),
    )


def _alphabet(analysis: Analysis, palette: str) -> dict[str, Any]:
    """The letters: their colours, outlines, and frequencies under the background."""
    template = analysis.spectrum.template
    alphabet = template.alphabet
    return {
        "letters": alphabet.letters,
        "kind": alphabet.kind,
        "colors": letter_colors(alphabet, palette),
        "classes": letter_classes(alphabet, palette),
        "glyphs": glyphs(alphabet.letters),
        "frequencies": [float(f"{p:.6g}") for p in analysis.spectrum.background.probabilities[template.free].mean(0)],
    }


def _facts(analysis: Analysis, settings: PageSettings) -> Facts:
    template = analysis.spectrum.template
    return Facts(
        model=analysis.model,
        sequence_set=analysis.sequence_set,
        kind=template.alphabet.kind,
        letters=template.alphabet.letters,
        template=str(template),
        n=template.n,
        free=len(template.free),
        background=settings.background,
        independent=analysis.spectrum.background.is_product,
        source=settings.source,
        outputs=settings.outputs,
        design=settings.design,
        coded=settings.coded,
        listing=settings.listing,
        motifs=settings.motifs,
        seqlets=bool((analysis.tables["motifs"]["kind"] == "seqlet").any()),
        tomtom=bool(len(analysis.tables.get("tomtom", ()))),
        version=__version__,
    )


def _shown(analysis: Analysis, settings: PageSettings) -> dict[str, Any]:
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
        "background": settings.background,
        "measured": settings.source == "table",
        "outputs": [
            {
                "name": name,
                "made": settings.outputs.get(name, ""),
                "score": score,
                "on_queries": analysis.on_queries[name],
                "numbers": _numbers(score, analysis.on_queries[name]),
                "notes": _sentences(analysis, name),
            }
            for name, score in analysis.scores.items()
        ],
        "compared": [compared_methods(name, records(rows), headline(rows)) for name, rows in _compared(analysis)],
        "made_from": dict(analysis.spectrum.provenance),
        "provenance": settings.provenance,
        "downloads": downloads,
    }


def _compared(analysis: Analysis) -> list[tuple[str, pd.DataFrame]]:
    """The comparison with other methods by output; nothing without one."""
    if "comparison" not in analysis.tables:
        return []
    return [(name, analysis.rows("comparison", name)) for name in analysis.spectra]


def _numbers(score: Score, on_queries: SequencesScore) -> list[tuple[str, str, str]]:
    """The numbers on top of the page: in large letters, of what, and what stands beside it."""
    numbers = [_r2_number(f"R² on {scored_on(score)}", score["r2"], score["r2_interval"] or ())]
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
