"""Whether motifs can be told from noise: in which sequences, and for an output at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from .warnings import MIN_TRUSTED_R2

DISTRUSTED = {"nothing", "r2"}  # warnings of sequences whose stretches are not looked at


def trusted_rows(values: str | Path, output: str) -> np.ndarray:
    """Return (S,) bool: whether the explanation of each sequence can be trusted.

    Args:
        values: the Parquet file of Shapley values, or of contributions of letters.
        output: of the model.
    """
    rows = pq.read_table(values, columns=["output", "warning"]).to_pandas()
    warnings = rows["warning"][rows["output"] == output]
    return np.array([not DISTRUSTED & set(text.split(",")) for text in warnings], bool)


def motif_reason(score: Mapping[str, Any], trusted: int, least: int) -> str:
    """Say why no motifs are listed; nothing where they are.

    Args:
        score: the output's entry of `report_on_masks`.
        trusted: sequences whose explanation can be trusted.
        least: sequences that must hold a motif.
    """
    r2 = score["r2_pooled"]
    if r2 is None:
        return "R2 of masks is undefined, as no variance over masks stands out of the noise"
    if r2 < MIN_TRUSTED_R2:
        return (
            f"R2 of all sequences together is {r2:.2f} on masks of every size, below {MIN_TRUSTED_R2:g}, and such "
            "explanations do not tell motifs from noise; raise explain.masks.budget, or mask segments"
        )
    if trusted < least:
        return (
            f"{trusted} of {score['sequences']} sequences have an explanation that can be trusted, and a motif must be "
            f"in {least} (motifs.min_instances)"
        )
    return ""
