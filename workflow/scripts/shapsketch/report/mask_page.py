"""The page and the summary of a masked explanation: every sequence as a map, its interactions, how faithful it is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..fidelity.r2_words import full_r2, headline_r2, interval_r2
from ..masks.warnings import WARNINGS, WORDS
from .analysis import few
from .mask_motifs import Motifs

# What each says of so many sequences.
MAX_NUMBERS = 1_000_000  # values on the page
MAX_INTERACTIONS = 20  # of a sequence
SIGNIFICANT_DIGITS = 4

FILES = (
    ("shapley_values.parquet", "Shapley values, prediction, reconstruction and warnings of each sequence"),
    ("shapley_errors.parquet", "a standard error for each value"),
    ("shapley_folds.parquet", "the spread of each value over the model's folds, and the interval of another fold's"),
    ("shapley_values.tsv.gz", "the same as text, below 100,000 rows"),
    ("interactions.parquet", "the strongest interactions of each sequence"),
    ("letter_contributions.parquet", "contributions of letters: within segments, as the students divide their values"),
    ("motifs/motifs.tsv", "motifs: stretches of contributions that stand out of noise and look alike"),
    ("motifs/motif_matrices.tsv", "their letter frequencies and mean contributions"),
    ("motifs/motifs.meme", "the frequencies in MEME format"),
    ("motifs/instances.tsv", "where sequences hold them"),
    ("motifs/tomtom.tsv", "the most similar motifs of the database"),
    ("hypothetical/onehot.npz", "one-hot sequences, for TF-MoDISco, beside hypothetical contributions of each output"),
    ("mask_scores.parquet", "how faithful each explanation is, and by which estimator"),
    ("faithfulness.json", "the same, summed up"),
    ("dropped.tsv", "records that were left out, and why"),
    ("provenance.json", "the config, hashes and versions"),
)


def page_content(
    tables: Mapping[str, pd.DataFrame],
    faithfulness: Mapping[str, Any],
    index: str | None,
    players: str | Mapping[str, Any] = "positions",
    motifs: Motifs | None = None,
) -> dict[str, Any]:
    """Return what the page's script draws, as plain values.

    Args:
        tables: `values`, `letters`, `errors`, `interactions`, `scores` and `sequences`; of a model with folds `folds`.
        faithfulness: of `report_on_masks`.
        index: whose interactions are shown; None for none.
        players: `explain.masks.players`.
        motifs: where they were looked for.

    Returns:
        `outputs`, each with its name, its `summary`, `headline`, `beside`, `half` and `half_beside` (R2 in words),
        `folds` (a sentence, or nothing), `warnings` (sentences) and `rows`: `id`, `letters`, `prediction`, `base`,
        `gap`, `gapError`, `r2` and `halfR2` (in words), `warnings` (names), `estimator`, `noise`, `stretches` (real
        sequences of its background), `values` (contributions of letters), `divided` (whether these are a student's
        division of players' values), `errors` (one per position), of a model with folds `spread` and `predictionSd`
        (standard deviations over them), `interactions` (`positions` as a list of 0-based [first, last], `letters`,
        `value`), `seqlets` (`motif`, `start`, `end`, 0-based, the latter one past the last, `minus`, `value`); `motifs`
        and `reason`, see `Motifs.of`; `count`, the sequences there are, and `shown`, those on the page; `players`, see
        `player_bounds`.
    """
    letters = dict(zip(tables["sequences"]["sequence_id"], tables["sequences"]["sequence"], strict=True))
    outputs, n = [], len(next(iter(letters.values()), ""))
    most = max(1, MAX_NUMBERS // max(1, n * len(faithfulness)))
    interactions = tables["interactions"]
    listed = interactions[(interactions["index"] == index) & (interactions["order"] > 1)]
    for output, summary in faithfulness.items():
        of_output = {name: table[table["output"] == output] for name, table in tables.items() if name != "sequences"}
        of_output["interactions"] = listed[listed["output"] == output]
        if "folds" in of_output:
            of_output["folds"] = of_output["folds"][of_output["folds"]["statistic"] == "standard_deviation"]
        outputs.append(
            {
                "name": output,
                "rows": _rows(of_output, letters, most, motifs.by_sequence(output) if motifs else {}),
                **(motifs.of(output) if motifs else {"motifs": [], "reason": ""}),
                "summary": summary | {"by_sequence": {}},
                "headline": headline_r2(*_ends(summary)),
                "beside": interval_r2(*_ends(summary)),
                "half": headline_r2(*_ends(summary["half"])),
                "half_beside": interval_r2(*_ends(summary["half"])),
                "pooled": pooled_words(summary),
                "folds": fold_words(summary),
                "warnings": warning_lines(summary),
            }
        )
    return {
        "outputs": outputs,
        "count": len(letters),
        "shown": min(len(letters), most),
        "index": index,
        "players": player_bounds(players, n),
    }


def player_bounds(players: str | Mapping[str, Any], n: int) -> list[list[int]] | None:
    """Return the 0-based [first, last] of each segment that a config names, in n positions; None for positions."""
    if isinstance(players, str) or "segments" not in players:
        return None
    width = players["segments"]
    if isinstance(width, int):
        return [[start, min(start + width, n) - 1] for start in range(0, n, width)]
    return [[first - 1, last - 1] for first, last in width]


def _rows(
    tables: Mapping[str, pd.DataFrame], letters: Mapping[str, str], most: int, seqlets: Mapping[str, list[Any]]
) -> list[dict[str, Any]]:
    """What is drawn of each of the first sequences of an output, given its rows of the tables."""
    values, letter_values, errors = (tables[name].head(most) for name in ("values", "letters", "errors"))
    places = [c for c in values if c.startswith("pos_")]
    shared, matrix, uncertain = (table[places].to_numpy(np.float64) for table in (values, letter_values, errors))
    spread = tables["folds"].head(most)[places].to_numpy(np.float64) if "folds" in tables else []
    strongest = dict(iter(tables["interactions"].groupby("sequence_id", sort=False)))
    none = tables["interactions"].head(0)
    rows = []
    for k, (value_row, score) in enumerate(zip(values.itertuples(), tables["scores"].itertuples(), strict=False)):
        interactions = strongest.get(value_row.sequence_id, none).head(MAX_INTERACTIONS)
        rows.append(
            {
                "id": value_row.sequence_id,
                "letters": letters[value_row.sequence_id],
                "prediction": _short(value_row.prediction),
                "gap": _short(score.gap),
                "gapError": _short(score.gap_error),
                "base": _short(value_row.base_value),
                "baseError": _short(score.base_error),
                "r2": full_r2(score.r2, score.r2_low, score.r2_high),
                "halfR2": full_r2(score.half_r2, score.half_r2_low, score.half_r2_high),
                "warnings": [name for name in value_row.warning.split(",") if name],
                "estimator": score.estimator,
                "noise": _short(score.noise_share),
                "stretches": None if pd.isna(score.background_sequences) else int(score.background_sequences),
                "values": [_short(v) for v in matrix[k].tolist()],
                "divided": bool((shared[k] != matrix[k]).any()),
                "seqlets": seqlets.get(value_row.sequence_id, []),
                "errors": [_short(v) for v in uncertain[k].tolist()],
                **({"spread": [_short(v) for v in spread[k].tolist()]} if len(spread) else {}),
                **({"predictionSd": _short(value_row.prediction_sd)} if len(spread) else {}),
                "interactions": [
                    {"positions": _ranges(i.positions), "letters": i.letters, "value": _short(i.value)}
                    for i in interactions.itertuples()
                ],
            }
        )
    return rows


def _short(value: float) -> float | None:
    return None if pd.isna(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _ranges(positions: str) -> list[list[int]]:
    """0-based [first, last] of each player, from `"3,17"` or `"1-20,41-60"`."""
    bounds = [[int(end) - 1 for end in name.split("-")] for name in positions.split(",")]
    return [[b[0], b[-1]] for b in bounds]


def _ends(score: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """The median R2 with its interval."""
    return (score["r2"], *score["r2_interval"])


def pooled_words(score: Mapping[str, Any]) -> str:
    """Say what R2 all sequences have together; nothing where it is undefined."""
    words = full_r2(score["r2_pooled"], *score["r2_pooled_interval"])
    return "" if words == "undefined" else f"{words} of all sequences together"


def fold_words(score: Mapping[str, Any]) -> str:
    """Say how far a model's folds are apart; nothing where it has none."""
    if "folds" not in score:
        return ""
    apart = score["prediction_sd"]
    return (
        f"The model is the mean of {score['folds']} folds, each of which was asked at every mask ({score['folds']} x "
        f"{score['evaluations_per_sequence']:,} evaluations of a sequence)"
        + ("" if apart is None else f"; their predictions have a standard deviation of {apart:.2g} (median)")
    )


def warning_lines(score: Mapping[str, Any]) -> list[str]:
    """Say how many sequences have which warning, one sentence each."""
    counts, every = score["warnings"], score["sequences"]
    lines = [f"{name}, {counts[name]} of {every} sequences: {WORDS[name]}" for name in WARNINGS if counts[name]]
    if score["undefined"]:
        lines.append(
            f"{score['undefined']} of {score['sequences']} sequences have an undefined R2 (no variance stands out of "
            "the noise), which counts as 0"
        )
    return lines


def summary_lines(model: str, sequence_set: str, faithfulness: Mapping[str, Any], report: str) -> list[str]:
    """Tell in a few lines what was found and which file to open."""
    lines = [f"{model} x {sequence_set}"]
    for output, score in faithfulness.items():
        start = (
            f"  {output}: {score['sequences']} sequences masked, {score['evaluations_per_sequence']} evaluations each; "
        )
        if score["r2"] is None:
            lines.append(f"{start}R2 undefined: no variance over masks stands out of the noise")
        else:
            low, high = score["r2_quartiles"]
            pooled = pooled_words(score)
            lines.append(
                f"{start}R2 {full_r2(*_ends(score))}, the median on fresh masks of every size (quartiles "
                f"{low:.2f} to {high:.2f}){'; ' + pooled if pooled else ''}; on masks of half the players "
                f"{full_r2(*_ends(score['half']))}; {100 * score['noise_share']:.0f} % of the variance of single "
                "answers at masks of every size is the background's noise"
            )
        lines += [f"  {line}" for line in [fold_words(score)] if line]
        lines += [f"  warning: {line}" for line in warning_lines(score)]
        lines += [f"  {sentence}" for sentence in few(score["sequences"])]
    lines.append(f"  open {report}")
    return lines
