"""R2 and its interval."""

import numpy as np
import pytest

from shapsketch.spectrum.metrics import r2_interval, r_squared
from shapsketch.storage import parquet as tables


def test_r2_and_its_interval():
    rng = np.random.default_rng(0)
    y = rng.normal(size=4000)
    predicted = y + 0.5 * rng.normal(size=4000)
    low, high = r2_interval(y, predicted, seed=0)
    assert low < r_squared(y, predicted) < high
    assert low < 0.75 < high
    assert (low, high) == r2_interval(y, predicted, seed=0)
    assert r_squared(np.ones(5), np.ones(5)) == 1.0
    assert r_squared(np.ones(5), np.zeros(5)) == 0.0


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch):
    monkeypatch.setattr(tables, "ROW_GROUP", 100)


def test_what_is_met_has_no_uncertain_r2():
    y = np.array([0.0] * 15 + [1.0])
    assert r2_interval(y, y, 0) == (1.0, 1.0)
    assert r2_interval(y, np.zeros(16), 0)[0] <= 0.0


def test_a_weight_counts_as_so_many_points():
    rng = np.random.default_rng(1)
    y, predicted, times = rng.normal(size=50), rng.normal(size=50), rng.integers(0, 5, 50)
    repeated = [np.repeat(values, times) for values in (y, predicted)]
    assert r_squared(y, predicted, times / 7) == pytest.approx(r_squared(*repeated))
    assert r_squared(y, predicted, np.ones(50)) == r_squared(y, predicted)


def test_what_has_no_weight_does_not_vary():
    y, weights = np.array([2.0, 2.0, 7.0]), np.array([1.0, 0.5, 0.0])
    assert r_squared(y, np.array([2.0, 2.0, 0.0]), weights) == 1.0
    assert r_squared(y, np.array([2.0, 3.0, 7.0]), weights) == 0.0
    unlikely = np.array([1.0, 0.5, 1e-30])  # beside an offset that would round it away
    assert r_squared(y + 1e6, np.full(3, 1e6 + 2), unlikely) == pytest.approx(0.0)
