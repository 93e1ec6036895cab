"""Listed interactions are those of the map, in the workflow as in a notebook."""

import numpy as np
import pyarrow as pa
import pytest

from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import interaction_map
from shapsketch.spectrum.interaction_tables import Listing
from shapsketch.spectrum.tables import (
    Explainer,
)


def test_interactions_are_those_of_the_map(spectrum, sequences):
    listing = Listing(["SV", "STII", "BV"], 2, 2, top_k=3, threshold=0.1)
    explainer = Explainer(spectrum, listing)
    found = pa.concat_tables(explainer.interactions(sequences)).to_pandas()
    assert set(found["index"]) == {"STII", "BV"}
    assert set(found.loc[found["index"] == "BV", "order"]) == {1}
    assert set(found.loc[found["index"] == "STII", "order"]) == {2}
    mapping = interaction_map(spectrum.terms, "STII", 2)
    text = sequences["sequence"].to_pylist()
    dense = mapping.apply(spectrum.terms.dividends(spectrum.encode(text)))
    names = [",".join(str(i + 1) for i in s) for s in mapping.supports]
    for row in (0, 17):
        mine = found[(found["sequence_id"] == f"s{row}") & (found["index"] == "STII")]
        for _, entry in mine.iterrows():
            support = [int(i) - 1 for i in entry["positions"].split(",")]
            assert entry["value"] == pytest.approx(dense[row, names.index(entry["positions"])], rel=1e-6)
            assert entry["letters"] == "".join(text[row][i] for i in support)
        assert mine["value"].abs().is_monotonic_decreasing
    assert found["value"].abs().min() >= 0.1 - 1e-6
    pieces = [pa.concat_tables(explainer.interactions(sequences.slice(k, 7))) for k in range(0, 60, 7)]
    assert pa.concat_tables(pieces).to_pandas().equals(found)
    assert found.groupby(["sequence_id", "index"]).size().max() == 3


def test_the_notebook_lists_what_the_workflow_lists(spectrum, sequences):
    text = sequences["sequence"].to_pylist()
    frame = spectrum.interactions(text, "k-SII", 3, top_k=4)
    assert list(frame.columns) == ["sequence", "index", "order", "positions", "letters", "value"]
    assert frame["sequence"].tolist() == sorted(list(range(60)) * 4)
    assert np.abs(spectrum.shapley_values(text).sum(1) - spectrum.predict(text) + spectrum.intercept).max() < 1e-12
    with pytest.raises(InputError, match="'XII' is not one of"):
        spectrum.interactions(text, "XII")
    assert spectrum.interactions([], "FSII").empty
