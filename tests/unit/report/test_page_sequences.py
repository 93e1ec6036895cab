"""Which sequences a page shows, where there are many."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from page_cases import N, build, content_of

from analysis import random_sequences, spectra
from shapsketch.report.page_sequences import spread_rows, take_rows


def test_large_sets_are_thinned_evenly_and_said_so(tmp_path):
    sequences = random_sequences(3000, N)
    path = build(tmp_path, sequences, spectra(N)[:1], most_text=60_000)
    parser, content, arrays = content_of(path)
    shown = content["sequences"]["shown"]
    assert 500 < shown < 3000
    assert content["sequences"]["listed"] == 5
    assert len(parser.scripts["page-pack"][0]) < 60_100
    assert f"holds {shown:,} of 3,000 sequences" in "".join(parser.text)
    values = pd.read_parquet(tmp_path / "values.parquet").set_index("sequence_id")
    assert {values["reconstruction"].idxmax(), values["reconstruction"].idxmin()} <= set(arrays["ids"])
    assert arrays["0/reconstruction"] == pytest.approx(values.loc[arrays["ids"], "reconstruction"].to_numpy(), rel=1e-5)


def test_rows_are_spread_by_rank():
    values = np.random.default_rng(0).normal(size=1000)
    rows = spread_rows(values, 200)
    assert len(np.unique(rows)) == 200
    assert (np.diff(rows) > 0).all()
    ranks = np.argsort(np.argsort(-values))[rows]
    assert {*range(25), *range(975, 1000)} <= set(ranks)
    assert np.diff(np.sort(ranks)).max() <= 7
    assert spread_rows(values[:5], 200).tolist() == list(range(5))


def test_rows_are_taken_from_row_groups(tmp_path):
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": np.arange(100)}), tmp_path / "t.parquet", row_group_size=7)
    rows = np.array([0, 6, 7, 50, 99])
    assert take_rows(str(tmp_path / "t.parquet"), rows)["a"].to_pylist() == rows.tolist()
    assert take_rows(str(tmp_path / "t.parquet"), rows[:0]).num_rows == 0
