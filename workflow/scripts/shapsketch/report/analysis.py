"""Reports: what one analysis has found, read back from its files, and told in a few lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..fidelity.r2_words import full_r2, headline_r2, percent, r2_of, scored_on
from ..fidelity.records import OutputRecord, Score, SequencesScore
from ..fidelity.verdict import instead, no_motif
from ..models.transforms import LARGEST_LOGIT
from ..spectrum.metrics import small_sample_factor
from ..spectrum.spectrum import Spectrum
from ..spectrum.spectrum_file import load_spectra
from ..storage.files import read_json
from ..storage.tsv import read_table

WARNINGS = {
    "r2": "of a spectrum that predicts the model no better than its mean",
    "rare": "unlike all that the sketch has drawn, from the background and near sequences",
    "range": "predicted or reconstructed beyond all values of the sketch",
    "gap": "further from the model than 99.9 % of the hold-out points",
    "unseen": "with a letter that the table of values never has at its position",
}
FEW_SEQUENCES = 10  # sequences below which means over them say little

# The tables that are read; others, such as instances, may be as long as the sequences are many.
TABLES = ("curve", "holdout", "contributions", "clusters", "motifs", "motif_matrices", "placements",
          "position_interactions", "supports", "support_tables", "tomtom", "comparison")  # fmt: skip


@dataclass(frozen=True)
class Analysis:
    """One model, explained on one set of sequences.

    Attributes:
        model, sequence_set: the names in the config.
        files: paths of all files by name, as `read_analysis` takes them.
        spectra: by output.
        scores: `spectrum/faithfulness.json`.
        on_queries: `faithfulness.json` of the sequences.
        tables: the small tables by name: `motifs`, `contributions`, ...; each has the column `output`.
    """

    model: str
    sequence_set: str
    files: Mapping[str, str]
    spectra: dict[str, Spectrum]
    scores: dict[str, OutputRecord]
    on_queries: dict[str, SequencesScore]
    tables: dict[str, pd.DataFrame]

    @property
    def spectrum(self) -> Spectrum:
        """The first output's: template and background are the same for all."""
        return next(iter(self.spectra.values()))

    def rows(self, table: str, output: str) -> pd.DataFrame:
        """The rows of a table that belong to an output; none where the table is not there."""
        whole = self.tables.get(table, pd.DataFrame({"output": []}))
        return whole[whole["output"] == output]


def read_analysis(model: str, sequence_set: str, files: Mapping[str, str]) -> Analysis:
    """Read back the small files of an analysis.

    Args:
        model, sequence_set: the names in the config.
        files: paths by name: `spectrum`, `faithfulness`, `faithfulness_on_queries`, and those of `TABLES` that are
            there; others are kept as paths.
    """
    return Analysis(
        model,
        sequence_set,
        dict(files),
        load_spectra(files["spectrum"]),
        read_json(files["faithfulness"]),
        read_json(files["faithfulness_on_queries"]),
        {name: read_table(files[name]) for name in TABLES if name in files},
    )


MIN_GROUP_SIZE = 5  # sequences whose R2 is compared with that of all
R2_DROP_TOLD = 0.2  # how far below it an R2 is told
MAX_GROUPS_NAMED = 3  # groups that are named
MAX_GROUPS_LISTED = 8  # groups whose R2 is told in any case


def omissions(analysis: Analysis) -> list[str]:
    """Say what was left out on the way to this analysis: of a table, of the background, of the sequences."""
    sentences = list(next(iter(analysis.scores.values())).get("notes") or [])
    dropped = Path(analysis.files.get("dropped", ""))
    count = len(read_table(dropped)) if dropped.is_file() else 0
    if count:
        sentences.append(
            f"{count} of the records to explain {'was' if count == 1 else 'were'} left out, see dropped.tsv"
        )
    return sentences


MAX_R2_DROP = 0.05  # below the hold-out's interval that the sequences' may lie without a word


def far_below(on_queries: SequencesScore, score: Score, sequence_set: str) -> list[str]:
    """Say what to do where R2 on the sequences lies well below that of the hold-out, both with their intervals.

    Args:
        on_queries, score: see `cautions`.
        sequence_set: the name of the sequences in the config.
    """
    interval, expected = on_queries.get("r2_interval"), score.get("r2_interval")
    if not interval or not expected or score.get("scored_on", "hold-out") != "hold-out":
        return []
    if interval[1] > expected[0] - MAX_R2_DROP:
        return []
    other = "another background, or outputs: {NAME: {transform: logit}} where values are probabilities"
    if sequence_set in score.get("near", ()):
        return [
            f"R2 on these sequences is well below that of the hold-out although queries were near them: try {other}"
        ]
    return [
        "R2 on these sequences is well below that of the hold-out: they are unlike the background. Ask near them, with "
        f"sketch: {{near: {{sequences: {sequence_set}}}}}; or take {other}"
    ]


MIN_PILED = 0.3  # the share of values at a bound that is told


def piled_up(score: Score) -> list[str]:
    """Propose the logit where many values lie next to 0 or 1; count the logits that were cut there."""
    if score.get("cut_logits"):
        return [
            f"{score['cut_logits']:,} of the values are logits of probabilities nearer to 0 or 1 than 6e-8, which were "
            f"cut at {LARGEST_LOGIT:.1f}"
        ]
    share = score.get("at_bounds")
    if share is None or share < MIN_PILED or score["found"] != "found":
        return []
    return [
        f"{percent(share)} of the values lie within 0.02 of 0 or 1, where effects do not add up: if these are "
        "probabilities, outputs: {NAME: {transform: logit}} explains the evidence behind them"
    ]


def cautions(on_queries: SequencesScore, score: Score, sequence_set: str = "NAME") -> list[str]:
    """Say where R2 is undefined or far lower, how sure refined values are, which warnings there are, and whether few.

    Args:
        on_queries: the output's record in `faithfulness.json` of the sequences.
        score: its record in `spectrum/faithfulness.json`.
        sequence_set: the name of the sequences in the config.
    """
    sentences = undefined(on_queries, score) + by_group(on_queries) + lower_within(on_queries)
    sentences += far_below(on_queries, score, sequence_set) + piled_up(score) + folds(on_queries, score)
    if on_queries.get("refined"):
        error, sketch_error = on_queries["standard_error"], on_queries["sketch_error"]
        count = on_queries["evaluations_per_sequence"]
        sentence = f"refined by {count:.0f} evaluations per sequence: standard error {error:.2g}"
        if sketch_error > 0:
            sentence += f"; the sketch alone would be wrong by about {sketch_error:.2g}"
        deviation = error / float(small_sample_factor(count / 2))  # errors of few samples are widened
        if 0 < sketch_error < deviation:
            sentence += (
                f", so only above {count * (deviation / sketch_error) ** 2:.0f} evaluations are refined values closer"
            )
        sentences.append(sentence)
        if score["found"] == "nothing":
            sentences.append("the refined values owe nothing to the spectrum: read them with their standard errors")
    counts = on_queries["warnings"]
    sentences += two_answers(counts.get("gap", 0), score)
    counted = [f"{counts[name]} {words}" for name, words in WARNINGS.items() if counts.get(name)]
    sentences += [f"warnings: {', '.join(counted)}"] if counted else []
    return sentences + few(on_queries["sequences"])


def folds(on_queries: SequencesScore, score: Score) -> list[str]:
    """Say how far a model's folds are apart, and how well each was recovered; nothing without folds."""
    count = on_queries.get("folds")
    if not count:
        return []
    sentence = f"the model is the mean of {count} folds, and each query was asked of every one of them"
    if "evaluations" in score:
        sentence += f" ({count} x {score['evaluations']:,} evaluations)"
    if on_queries["prediction_sd"] is not None:
        sentence += (
            f"; their predictions of a sequence have a standard deviation of {on_queries['prediction_sd']:.2g} (median)"
        )
    defined = [r2 for r2 in on_queries["fold_r2"] if r2 is not None]
    if not defined:
        return [f"{sentence}; R2 of each fold's own spectrum is undefined"]
    low, high = headline_r2(min(defined)), headline_r2(max(defined))
    beside = f", and undefined of {count - len(defined)}" if len(defined) < count else ""
    return [f"{sentence}; R2 of each fold's own spectrum is {low} to {high}{beside}"]


def two_answers(gaps: int, score: Score) -> list[str]:
    """Say that a model does not answer twice the same, where a sketch that asked every sequence shows it."""
    if not gaps or score.get("scored_on", "hold-out") == "hold-out" or (score["r2"] or 0.0) < 1 - 1e-9:
        return []
    return [
        f"the model does not answer twice the same: it was asked every sequence for the sketch, and answers {gaps} of "
        "these otherwise now. It is random, or depends on its batch: switch dropout off and normalisation to inference "
        "(model.eval())"
    ]


def undefined(on_queries: SequencesScore, score: Score) -> list[str]:
    """Say why there is no R2 on the sequences, unless the model was not to be asked or is constant."""
    told = on_queries.get("r2_undefined") and score["found"] != "constant"
    if not on_queries["predicted"] or not told:
        return []
    return [f"R2 on these sequences is undefined, which counts as failed: {on_queries['r2_undefined']}"]


def by_group(on_queries: SequencesScore) -> list[str]:
    """List R2 within each group of the sequences, the largest groups first."""
    groups = sorted(on_queries.get("r2_by_group", {}).items(), key=lambda item: -item[1]["predicted"])
    told = [
        f"{name} {headline_r2(group_score['r2'])} ({group_score['predicted']:,})"
        for name, group_score in groups
        if group_score["predicted"]
    ]
    left_out = len(told) - MAX_GROUPS_LISTED + on_queries.get("groups_left_out", 0)
    more = f", and {left_out} more" if left_out > 0 else ""
    return [f"R2 by group: {', '.join(told[:MAX_GROUPS_LISTED])}{more}"] if told else []


def lower_within(on_queries: SequencesScore) -> list[str]:
    """Say within which groups of the sequences R2 is undefined or far lower than over all of them."""
    overall = on_queries["r2_on_queries"]
    if overall is None or overall <= 0:
        return []
    within = [
        (name, group_score["r2"], group_score["predicted"])
        for name, group_score in on_queries.get("r2_by_group", {}).items()
        if name
    ]
    within.append(("the highest tenth", on_queries.get("r2_of_highest_tenth"), on_queries.get("highest_tenth", 0)))
    low = [
        (r2 is not None, r2 or 0.0, f"{'undefined' if r2 is None else headline_r2(r2)} within {name} ({count:,})")
        for name, r2, count in within
        if count >= MIN_GROUP_SIZE and (r2 is None or r2 < overall - R2_DROP_TOLD)
    ]
    if not low:
        return []
    named = [text for *_, text in sorted(low, key=lambda item: item[:2])]
    more = f", and {len(named) - MAX_GROUPS_NAMED} more" if len(named) > MAX_GROUPS_NAMED else ""
    return [f"R2 is far lower within some of these sequences: {', '.join(named[:MAX_GROUPS_NAMED])}{more}"]


def few(count: int) -> list[str]:
    """Say that means over few sequences say little; nothing where there are enough."""
    if count >= FEW_SEQUENCES:
        return []
    if count == 0:
        return ["no sequence was explained: there is nothing to sum up"]
    if count == 1:
        return ["a single sequence was explained: means and motifs are those of this one"]
    return [f"only {count} sequences were explained: means, shares and motifs over so few say little about others"]


def strongest_motifs(analysis: Analysis, output: str) -> list[str]:
    """The three strongest interactions of an output in words; a motif that lies anywhere has no place."""
    motifs = analysis.rows("motifs", output)
    return [
        m.consensus + ("" if pd.isna(m.positions) else f" at {m.positions}") + f" ({m.value:+.3g})"
        for m in motifs[motifs["kind"] != "position"].head(3).itertuples()
    ]


def near_in_words(score: Score) -> str:
    """The R2 on the near hold-out, to go on a sentence with; nothing where no queries were near."""
    if "r2_near" not in score:
        return ""
    return f", {full_r2(score['r2_near'], *score['r2_near_interval'])} near {' and '.join(score['near'])}"


def asked_in_words(on_queries: SequencesScore) -> str:
    """The R2 on the sequences, to go on a sentence with; nothing where the model was not asked."""
    if not on_queries["predicted"]:
        return ""
    shown = full_r2(on_queries["r2_on_queries"], *(on_queries.get("r2_interval") or ()))
    top = on_queries.get("r2_of_highest_tenth")
    return f", {shown} on these sequences" + (
        f", {headline_r2(top)} within the highest tenth" if top is not None else ""
    )


def summary_lines(analysis: Analysis, report: str) -> list[str]:
    """Tell in a few lines what was found and which file to open."""
    lines = [f"{analysis.model} x {analysis.sequence_set}", *(f"  {sentence}" for sentence in omissions(analysis))]
    for output, score in analysis.scores.items():
        on_queries = analysis.on_queries[output]
        estimator = "their mean alone" if score["estimator"] == "constant" else score["estimator"]
        lines.append(
            f"  {output}: {on_queries['sequences']} sequences explained from {score['evaluations']} "
            f"evaluations by {estimator}; R2 {full_r2(*r2_of(score))} on "
            f"{scored_on(score)}" + near_in_words(score) + asked_in_words(on_queries)
        )
        lines.append(f"  {score['audit']}")
        lines += [f"  {sentence}" for sentence in cautions(on_queries, score, analysis.sequence_set)]
        best = strongest_motifs(analysis, output)
        if instead(score) is None:
            lines.append(f"  strongest interactions: {', '.join(best)}" if best else f"  {no_motif(score)}")
    lines.append(f"  open {report}")
    return lines
