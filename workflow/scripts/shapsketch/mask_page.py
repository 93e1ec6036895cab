"""The page and the summary of a masked explanation: every sequence as a map, its interactions, how faithful it is."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .report import few

DOUBTFUL = 0.7  # R2 of the value function that an explanation should have
WARNINGS = ("nothing", "r2", "unsure", "gap", "range")
MOST_NUMBERS = 1_000_000  # values on the page
MOST_INTERACTIONS = 20  # of a sequence
DIGITS = 4

FILES = (
    ("shapley_values.parquet", "Shapley values, prediction, reconstruction and warnings of each sequence"),
    ("shapley_values.tsv.gz", "the same as text, below 100,000 rows"),
    ("interactions.parquet", "the strongest interactions of each sequence"),
    ("mask_scores.parquet", "how faithful each explanation is, and by which estimator"),
    ("faithfulness.json", "the same, summed up"),
    ("dropped.tsv", "records that were left out, and why"),
    ("provenance.json", "the config, hashes and versions"),
)


def page_content(
    tables: Mapping[str, pd.DataFrame], faithfulness: Mapping[str, Any], index: str | None
) -> dict[str, Any]:
    """Return what the page's script draws, as plain values.

    Args:
        tables: `values`, `interactions`, `scores` and `sequences`.
        faithfulness: of `report_on_masks`.
        index: whose interactions are shown; None for none.

    Returns:
        `outputs`, each with its name and `rows`: `id`, `letters`, `prediction`, `reconstruction`, `base`, `r2`,
        `interval`, `estimator`, `noise`, `values` (one per position) and `interactions` (`positions` as a list of
        0-based [first, last], `letters`, `value`); `count`, the sequences there are, and `shown`, those on the page.
    """
    letters = dict(zip(tables["sequences"]["sequence_id"], tables["sequences"]["sequence"], strict=True))
    outputs, n = [], len(next(iter(letters.values()), ""))
    most = max(1, MOST_NUMBERS // max(1, n * len(faithfulness)))
    shown = tables["interactions"]
    listed = dict(iter(shown[shown["index"] == index].groupby(["output", "sequence_id"], sort=False)))
    for output in faithfulness:
        values, scores = (tables[name][tables[name]["output"] == output] for name in ("values", "scores"))
        places = [c for c in values if c.startswith("pos_")]
        matrix = values[places].to_numpy(np.float64)
        rows = []
        for k, (own, score) in enumerate(zip(values.head(most).itertuples(), scores.itertuples(), strict=False)):
            found = listed.get((output, own.sequence_id), shown.head(0)).head(MOST_INTERACTIONS)
            rows.append(
                {
                    "id": own.sequence_id,
                    "letters": letters[own.sequence_id],
                    **{key: _short(getattr(own, key)) for key in ("prediction", "reconstruction")},
                    "base": _short(own.base_value),
                    "r2": _short(score.r2),
                    "interval": [_short(score.r2_low), _short(score.r2_high)],
                    "estimator": score.estimator,
                    "noise": _short(score.noise_share),
                    "values": [_short(v) for v in matrix[k].tolist()],
                    "interactions": [
                        {"positions": _ranges(i.positions), "letters": i.letters, "value": _short(i.value)}
                        for i in found.itertuples()
                    ],
                }
            )
        outputs.append({"name": output, "rows": rows, "summary": faithfulness[output] | {"by_sequence": {}}})
    return {"outputs": outputs, "count": len(letters), "shown": min(len(letters), most), "index": index}


def _short(value: float) -> float | None:
    return None if pd.isna(value) else float(f"{value:.{DIGITS}g}")


def _ranges(positions: str) -> list[list[int]]:
    """0-based [first, last] of each player, from `"3,17"` or `"1-20,41-60"`."""
    bounds = [[int(end) - 1 for end in name.split("-")] for name in positions.split(",")]
    return [[b[0], b[-1]] for b in bounds]


def summary_lines(model: str, queries: str, faithfulness: Mapping[str, Any], report: str) -> list[str]:
    """Tell in a few lines what was found and which file to open."""
    lines = [f"{model} x {queries}"]
    for output, score in faithfulness.items():
        if score["r2"] is None:
            lines.append(f"  {output}: {score['sequences']} sequences masked; the model hardly changes: no R2")
            continue
        low, high = score["r2_quartiles"]
        lines.append(
            f"  {output}: {score['sequences']} sequences masked, {score['evaluations_per_sequence']} evaluations each; "
            f"R2 {score['r2']:.3f} (median; quartiles {low:.3f} to {high:.3f}) on fresh masks; "
            f"{100 * score['noise_share']:.0f} % of the variance is the background's noise"
        )
        for warning, words in zip(WARNINGS, ("lies", "may lie"), strict=True):
            if count := score["warnings"][warning]:
                lines.append(f"  warnings: {warning}: {count}, whose R2 {words} below {DOUBTFUL}")
        lines += [f"  {sentence}" for sentence in few(score["sequences"])]
    lines.append(f"  open {report}")
    return lines
