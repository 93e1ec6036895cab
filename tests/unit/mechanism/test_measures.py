"""Measures of dictionaries beside their controls."""

import numpy as np
from dictionary_cases import SETTINGS, SITES, fitted

from shapsketch.mechanism import measures
from shapsketch.mechanism.training import Training, train


def test_stability_is_high_between_seeds_and_low_between_random_directions():
    dictionary, vectors, _ = fitted()
    other = train([vectors], [vectors], SITES, Training(**SETTINGS | {"seed": 1}))
    assert measures.stability(dictionary, other) > 0.6
    assert measures.random_stability(dictionary, 0) < 0.4
    assert measures.stability(dictionary, dictionary) == 1.0
    summary = measures.over_seeds([1.0, 2.0, 3.0])
    assert summary["mean"] == 2.0
    assert np.allclose(summary["interval"], [2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5])
    assert measures.over_seeds([1.0, None]) is None


def test_measures_know_their_limits():
    draws = np.random.default_rng(0)
    y = draws.standard_normal((500, 6))
    assert measures.fvu(y, y) == 0
    assert np.isclose(measures.fvu(y, np.tile(y.mean(0), (500, 1))), 1)
    assert np.isclose(measures.pca_fvu(y, y, 6), 0, atol=1e-12)
    values = np.linalg.svd(y - y.mean(0), compute_uv=False) ** 2
    assert np.isclose(measures.pca_fvu(y, y, 2), values[2:].sum() / values.sum())
    assert measures.linear_fvu(y, y @ draws.standard_normal((6, 3)) + 1, y, y @ draws.standard_normal((6, 3))) > 0.1


def test_intervals_are_those_of_student():
    from scipy.stats import ttest_1samp

    values = np.array([1.0, 2, 4, 8])
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert np.allclose(measures.interval(values), (3.75, expected.low, expected.high))
    assert np.isnan(measures.interval(values[:1])[1])
    assert np.isnan(measures.interval(values[:0])).all()
    assert measures.over_seeds([1.0]) == {"mean": 1.0, "interval": None, "seeds": 1}
