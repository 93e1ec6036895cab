"""Coalitions follow the Shapley kernel."""

import numpy as np

from shapsketch.spectrum.coalitions import shapley_coalitions


def test_coalitions_follow_the_shapley_kernel():
    drawn = shapley_coalitions(np.random.default_rng(0), 40_000, 5)
    sizes = np.bincount(drawn.sum(1), minlength=6) / len(drawn)
    assert sizes[[0, 5]].sum() == 0
    np.testing.assert_allclose(sizes[1:5], np.array([1 / 4, 1 / 6, 1 / 6, 1 / 4]) * 6 / 5, atol=0.01)
    np.testing.assert_allclose(drawn.mean(0), 0.5, atol=0.01)
