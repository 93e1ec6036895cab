"""Scores of many sequences in one: medians, undefined ones, sentences."""

import numpy as np
import pandas as pd

from shapsketch.masks.summary import report_on_masks
from shapsketch.report.mask_page import summary_lines


def test_an_undefined_score_counts_as_failed(tmp_path):
    rows = {
        "output": "y",
        "sequence_id": list("abcd"),
        "evaluations": 100,
        "signal": 1.0,
        "missed": [0.0, 0.0, 1.0, 1.0],
    }
    rows |= {"missed_error": 0.1, "noise_share": 0.5, "r2": [1.0, 1.0, np.nan, np.nan]}
    rows |= {"r2_low": [0.31, 0.31, np.nan, np.nan], "r2_high": [1.0, 1.0, np.nan, np.nan], "gap": 0.1}
    names = ("r2", "r2_low", "r2_high", "signal", "missed", "missed_error")
    rows |= {f"half_{name}": rows[name] for name in names}
    pd.DataFrame(rows).to_parquet(tmp_path / "scores.parquet")
    warnings = ["unsure", "unsure", "nothing,r2", "r2,gap"]
    values = {"output": "y", "sequence_id": list("abcd"), "warning": warnings}
    pd.DataFrame(values).to_parquet(tmp_path / "values.parquet")
    report = report_on_masks(tmp_path / "values.parquet", tmp_path / "scores.parquet")
    assert report["y"]["r2"] == 0.5
    assert report["y"]["r2_quartiles"] == [0.0, 1.0]
    assert report["y"]["undefined"] == report["y"]["half"]["undefined"] == 2
    assert report["y"]["warnings"] == {"nothing": 1, "r2": 2, "unsure": 2, "gap": 1, "range": 0}
    assert report["y"]["r2_pooled"] == 0.5
    text = "\n".join(summary_lines("m", "s", report, "report.html"))
    assert "2 of 4 sequences have an undefined R2" in text
    assert "R2 0.15 to 0.50" in text or "R2 0.16 to 0.50" in text
    assert "1.000" not in text
