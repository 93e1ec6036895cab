"""What the scores of a masked explanation come to, over all sequences."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from .warnings import WARNINGS


def report_on_masks(values: str | Path, scores: str | Path) -> dict[str, Any]:
    """Sum up the scores of all sequences.

    Args:
        values: the Parquet file of Shapley values.
        scores: that of the scores.

    Returns:
        For each output `sequences`, `evaluations_per_sequence`; `r2`, the median over the sequences of the R2 of the
        value function on sized masks that nothing else has used, its `r2_quartiles`, and `r2_interval`, the medians of
        both ends of its interval, an undefined R2 being 0 in all of them; `undefined`, how many are; `r2_pooled` and
        `r2_pooled_interval`, of all sequences together (None where there is nothing to explain); in `half` the same on
        half masks; `noise_share` (median, at sized masks), `largest_gap`, `warnings` (how many sequences have each),
        and `by_sequence`: `r2`, `r2_interval` and `warning` of each.
    """
    reasons = pq.read_table(values, columns=["output", "sequence_id", "warning"]).to_pandas()
    report = {}
    for output, rows in pq.read_table(scores).to_pandas().groupby("output", sort=False):
        of_output = reasons[reasons["output"] == output]
        words = of_output["warning"].str.split(",").explode()
        warning = dict(zip(of_output["sequence_id"], of_output["warning"], strict=True))
        report[str(output)] = {
            "sequences": len(rows),
            "evaluations_per_sequence": int(rows["evaluations"].iloc[0]),
            **_summary(rows, ""),
            "half": _summary(rows, "half_"),
            "noise_share": _number(rows["noise_share"].median()),
            "largest_gap": float(rows["gap"].abs().max()),
            "warnings": {name: int((words == name).sum()) for name in WARNINGS},
            "by_sequence": {
                row.sequence_id: {
                    "r2": _number(row.r2),
                    "r2_interval": [_number(row.r2_low), _number(row.r2_high)],
                    "warning": warning[row.sequence_id],
                }
                for row in rows.itertuples()
            },
        }
    return report


def _summary(rows: pd.DataFrame, kind: str) -> dict[str, Any]:
    """The R2 of all sequences on masks of a kind, `""` or `"half_"`: the median, and of all together."""
    r2, low, high = (rows[f"{kind}{name}"] for name in ("r2", "r2_low", "r2_high"))
    quartile, middle, other = (_number(r2.fillna(0.0).quantile(share)) for share in (0.25, 0.5, 0.75))
    undefined = int(r2.isna().sum())
    return {
        "r2": middle if undefined < len(rows) else None,
        "r2_interval": [_number(end.fillna(0.0).median()) for end in (low, high)],
        "r2_quartiles": [quartile, other],
        "undefined": undefined,
        **_pooled(*(rows[f"{kind}{name}"] for name in ("signal", "missed", "missed_error"))),
    }


def _pooled(signals: pd.Series, missed_parts: pd.Series, errors: pd.Series) -> dict[str, Any]:
    """The R2 of all sequences together, whose noise is that of all their hold-out masks."""
    signal, missed = float(signals.sum()), float(missed_parts.sum())
    if not signal > 0:
        return {"r2_pooled": None, "r2_pooled_interval": [None, None]}
    error = 1.96 * float(np.sqrt(np.square(errors).sum())) / signal
    r2 = min(1 - missed / signal, 1.0)
    return {"r2_pooled": r2, "r2_pooled_interval": [r2 - error, min(r2 + error, 1.0)]}


def _number(value: float) -> float | None:
    """A number that JSON has; None for what is not known."""
    return None if pd.isna(value) else float(value)
