"""Faithfulness of a spectrum: what is told of its values.

Covers also: records.
"""

import numpy as np
import pytest

from shapsketch.fidelity.faithfulness import at_bounds
from shapsketch.storage import parquet as tables


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 100)


def test_the_share_of_values_at_bounds_is_of_probabilities_alone():
    values = np.array([0.0, 0.01, 0.5, 0.999])
    assert at_bounds(values) == 0.75
    assert at_bounds(values + 0.1) is at_bounds(values / 10) is at_bounds(values - 0.1) is None
