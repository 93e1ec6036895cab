"""Motifs are listed only where explanations tell them from noise, and otherwise it is said why not.

Covers also: report/mask_motifs.
"""

import pandas as pd
import pyarrow as pa
import pytest

from shapsketch.masks.trust import motif_reason, trusted_rows
from shapsketch.report.mask_motifs import Motifs
from shapsketch.storage.parquet import write_parquet


@pytest.mark.parametrize(
    ("r2", "trusted", "words"),
    [
        (0.95, 5, ""),
        (0.4, 20, "R2 of all sequences together is 0.40 on masks of every size, below 0.7"),
        (None, 20, "R2 of masks is undefined"),
        (0.95, 4, r"4 of 20 sequences have an explanation that can be trusted, and a motif must be in 5 \("),
    ],
)
def test_reasons_are_given(r2, trusted, words):
    reason = motif_reason({"r2_pooled": r2, "sequences": 20}, trusted, 5)
    assert pd.Series([reason]).str.match(words if words else "^$").all()


def test_rows_with_grave_warnings_are_not_trusted(tmp_path):
    warnings = ["", "nothing,r2", "gap", "r2", "unsure", ""]
    table = pa.table({"output": ["a"] * 5 + ["b"], "warning": warnings})
    write_parquet(tmp_path / "v.parquet", table)
    assert trusted_rows(tmp_path / "v.parquet", "a").tolist() == [True, False, True, False, True]
    assert trusted_rows(tmp_path / "v.parquet", "b").tolist() == [True]


def test_the_page_names_a_motif_after_a_close_match_only():
    motif = {
        "output": "y", "motif": "S1", "consensus": "CA", "share": 0.5, "share_low": 0.4, "share_high": 0.6,
        "value": 1.0, "sequences": 9, "instances": 10,
    }  # fmt: skip
    cells = [("y", "S1", c, a, f, 0.1, 1) for c, row in ((1, (0.1, 0.9)), (2, (1.0, 0.0))) for a, f in zip("AC", row)]  # noqa: B905
    matrix = pd.DataFrame(cells, columns=["output", "motif", "column", "letter", "frequency", "contribution", "core"])
    site = {"output": "y", "motif": "S1", "sequence_id": "q", "start": 3, "end": 4, "strand": "-", "value": 0.123456}
    for q, name in ((0.001, "CTCF"), (0.5, "")):
        tomtom = pd.DataFrame([{"output": "y", "motif": "S1", "target": "CTCF", "q_value": q}])
        found = {"y": {"reason": "", "trusted": 12}}
        motifs = Motifs(pd.DataFrame([motif]), matrix, pd.DataFrame([site]), found, tomtom)
        (told,) = motifs.of("y")["motifs"]
        assert told["called"] == name
        assert told["columns"][0]["heights"] == pytest.approx({"A": 0.01, "C": 0.09})
        place = {"motif": "S1", "start": 2, "end": 4, "minus": True, "value": 0.1235}
        assert motifs.by_sequence("y") == {"q": [place]}
