"""What a comparison with other methods says: when the sketch pays, in numbers and words."""

import numpy as np
import pandas as pd

from ..settings.methods import METHODS, OURS

SCORES = ("r2", "pearson", "spearman", "pair_recall", "insertion", "deletion")  # each with `_low` and `_high`


def break_even(rows: pd.DataFrame) -> pd.Series:
    """Return, for each row of one output, from how many sequences on the sketch has cost no more than this method.

    Missing where the method comes closer to the truth than the sketch, or asks nothing of each sequence.
    """
    ours = rows[(rows["method"] == OURS) & rows["r2"].notna()]
    result = pd.Series(np.nan, rows.index)
    if ours.empty:
        return result
    sketch = ours.iloc[0]
    peers = rows[~rows["method"].str.startswith(OURS) & (rows["each"] > sketch["each"]) & (rows["r2"] <= sketch["r2"])]
    saved = peers["each"] - sketch["each"]  # by each sequence
    result[peers.index] = np.ceil((sketch["once"] - peers["once"]) / saved).clip(lower=1)
    return result


def headline(rows: pd.DataFrame) -> str:
    """Say in a sentence how the sketch fares against the best of the others, for one output."""
    ours = rows[(rows["method"] == OURS) & rows["r2"].notna()]
    peers = rows[~rows["method"].str.startswith(OURS) & rows["r2"].notna()]
    if ours.empty or peers.empty:
        return ""
    sketch, best = ours.iloc[0], peers.loc[peers["r2"].idxmax()]
    start = f"The sketch costs {sketch['amortised']:,.0f} evaluations per sequence and has R² {sketch['r2']:.3f}"
    theirs = f"R² {best['r2']:.3f} for {best['amortised']:,.0f} evaluations"
    if best["r2"] > sketch["r2"]:
        return f"{start}; {METHODS[best['method']]} comes closer, with {theirs}."
    text = f"{start}; the closest of the other methods, {METHODS[best['method']]}, has {theirs}."
    if np.isfinite(first := peers["break_even"].max()):
        text += f" From {first:,.0f} sequences on, the sketch has cost less than any that asks for each sequence."
    return text
