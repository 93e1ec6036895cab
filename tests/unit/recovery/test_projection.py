"""Projection finds planted supports."""

import numpy as np
import pytest

from recovery_cases import free_template
from shapsketch.recovery.projection import project
from shapsketch.sampling.design import make_plan
from shapsketch.sequences.background import Background
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.metrics import r_squared


def test_projection_finds_planted_supports_of_every_order():
    template = free_template(4, 14)
    background = Background.uniform(template)
    supports = [(2,), (0, 5), (1, 2, 9), (3, 6, 7, 12), (0, 4, 8, 10, 13)]
    basis = ProductBasis.build(background, supports)
    weights = np.random.default_rng(0).normal(size=len(basis)) / np.sqrt(np.bincount(basis.orders)[basis.orders])
    truth = basis.to_terms(weights)
    plan = make_plan({}, ["y"], background, budget=200_000, design="random")
    codes = np.asfortranarray(plan.queries(0, plan.size))
    intercept, terms = project(background, codes, 5 + truth.predict(codes))
    assert intercept == pytest.approx(5, abs=0.05)
    assert set(supports) <= set(terms.supports)
    fresh = make_plan({}, ["y"], background, budget=5_000, design="random", seed=1).queries(0, 5_000)
    assert r_squared(truth.predict(fresh), terms.predict(fresh)) > 0.99
