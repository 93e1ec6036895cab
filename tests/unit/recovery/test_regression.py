"""Regression: high orders, and more pairs than memory allows."""

import numpy as np
import pytest

from recovery_cases import free_template, sketch_of, sparse_function
from shapsketch.fidelity.faithfulness import report
from shapsketch.recovery import recover, regression
from shapsketch.sequences.background import Background
from shapsketch.spectrum.basis import ProductBasis


@pytest.mark.parametrize("letters", [2, 4, 5])
def test_regression_finds_interactions_of_high_order(letters):
    """More unknowns than samples: supports are screened, and priors sharpened until the function stands out."""
    template = free_template(letters, 16)
    function, _ = sparse_function(template, 4, 12, seed=2)
    sketch = sketch_of(function, template, budget=6_000, design="random")
    recovered = recover(sketch, 0, estimator="regression")
    assert report(recovered.spectrum, sketch, 0)["r2"] > 0.99
    assert recovered.details["tried"]["regression"]["max_order"] >= 3


def test_regression_of_more_pairs_than_memory_allows(monkeypatch):
    monkeypatch.setattr(regression, "MAX_UNKNOWNS", 300)
    template = free_template(4, 30)
    basis = ProductBasis.build(Background.uniform(template), [(3,), (2, 9), (7, 29), (1, 4)])
    truth = basis.to_terms(np.random.default_rng(0).normal(size=len(basis)))
    sketch = sketch_of(truth.predict, template, budget=3_000, design="random")
    recovered = recover(sketch, 0, estimator="regression")
    assert 1 - report(recovered.spectrum, sketch, 0)["r2"] < 1e-6
    assert len(recovered.spectrum.terms) < 100
