"""Weights of a stack against non-negative least squares."""

import numpy as np
import pytest
from scipy.optimize import nnls

from recovery_cases import free_template, sketch_of, sparse_function
from shapsketch.recovery import recover
from shapsketch.recovery.stack import non_negative_weights


@pytest.fixture
def predicted():
    return np.random.default_rng(0).normal(size=(500, 4))


def test_weights_are_those_of_non_negative_least_squares(predicted):
    target = predicted @ [0.5, 0.3, 0.2, 0.4] + 0.01 * np.random.default_rng(1).normal(size=500)
    np.testing.assert_allclose(non_negative_weights(predicted, target, 0.05), nnls(predicted, target)[0])


def test_small_weights_are_left_out_and_the_others_fitted_again(predicted):
    target = predicted @ [0.6, 0.4, 0.02, 0.0]
    weights = non_negative_weights(predicted, target, 0.05)
    assert (weights > 0).tolist() == [True, True, False, False]
    np.testing.assert_allclose(weights[:2], nnls(predicted[:, :2], target)[0])


def test_one_is_kept_however_small(predicted):
    weights = non_negative_weights(predicted, 0.01 * predicted[:, 2], 0.05)
    np.testing.assert_allclose(weights, [0, 0, 0.01, 0], atol=1e-12)


def test_what_points_the_other_way_weighs_nothing(predicted):
    assert not non_negative_weights(predicted[:, :1], -predicted[:, 0], 0.05).any()


def test_stacks_are_better_than_their_parts_whatever_the_threads(brief):
    template = free_template(4, 7)
    function, _ = sparse_function(template, 3, 40, seed=5)
    sketch = sketch_of(lambda codes: np.sign(function(codes) - 3), template, budget=2_000, design="random")
    recovered = recover(sketch, 0, threads=2)
    tried = recovered.details["tried"]
    assert "train" in tried
    assert recovered.details["validation_r2"] >= max(t["validation_r2"] for t in tried.values()) - 1e-12
    again = recover(sketch, 0, threads=1)  # the number of threads changes nothing
    assert (again.spectrum.terms.tables == recovered.spectrum.terms.tables).all()
    assert again.spectrum.intercept == recovered.spectrum.intercept
