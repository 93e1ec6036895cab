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


def test_pairs_of_dictionaries_are_no_independent_seeds():
    dictionary, vectors, _ = fitted()
    other = train([vectors], [vectors], SITES, Training(**SETTINGS | {"seed": 1}))
    shares = measures.stabilities([dictionary, other, dictionary])
    assert np.isnan(np.diag(shares)).all()
    assert shares[0, 1] == measures.stability(dictionary, other)
    assert shares[1, 0] == measures.stability(other, dictionary)
    assert shares[0, 2] == 1
    x = np.array([0.4, 0.5, 0.9, 0.2, 0.6])  # of pairs that are the means of their ends, the jackknife is plain
    pairs = np.where(np.eye(5), np.nan, (x[:, None] + x) / 2)
    mean, low, high = measures.interval(x)
    summary = measures.over_pairs(pairs)
    assert np.allclose([summary["mean"], *summary["interval"]], [mean, low, high])
    assert summary["seeds"] == 5
    assert measures.over_pairs(pairs[:2, :2]) == {"mean": 0.45, "interval": None, "seeds": 2}
    assert measures.over_pairs(pairs[:1, :1]) is None


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
