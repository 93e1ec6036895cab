"""Interaction indices against shapiq and shapzero."""

import json
from itertools import combinations

import numpy as np
import pytest

from oracles import (
    random_function,
    shapiq_index,
)
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.indices import VALUES, WEIGHTS, interaction_map
from shapsketch.spectrum.terms import Terms


@pytest.mark.parametrize("index", WEIGHTS)
@pytest.mark.parametrize("top", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_indices_equal_shapiq(index, top, seed):
    if index in VALUES and top > 1:
        pytest.skip("values have order 1 only")
    rng = np.random.default_rng(seed)
    n = 6
    supports = [s for k in range(1, 6) for s in combinations(range(n), k) if rng.random() < 0.4]
    terms = Terms.build(np.full(n, 3), {s: rng.normal(size=(3,) * len(s)) for s in supports})
    x = rng.integers(0, 3, (1, n)).astype(np.uint8)
    a = terms.dividends(x)
    mapping = interaction_map(terms, index, top)
    ours = dict(zip(mapping.supports, mapping.apply(a)[0], strict=True))
    theirs = shapiq_index(dict(zip(terms.supports, a[0], strict=True)), n, index, top)
    for size in range(1, top + 1):
        for s in combinations(range(n), size):
            assert abs(ours.get(s, 0.0) - theirs[s]) < 1e-10, (index, top, s)


def test_shapley_kernel_equals_the_map():
    spectrum, codes, _ = random_function(4, 4, True, seed=3)
    mapping = interaction_map(spectrum.terms, "SV")
    assert mapping.supports == [(0,), (1,), (2,), (3,)]
    by_map = mapping.apply(spectrum.terms.dividends(codes))
    assert np.abs(by_map - spectrum.terms.shapley_values(codes)).max() < 1e-12


def test_unknown_index_is_one_sentence():
    spectrum, _, _ = random_function(2, 2, True, seed=0)
    with pytest.raises(InputError, match="'FSSI' is not one of SV, BV, SII"):
        interaction_map(spectrum.terms, "FSSI", 2)


def test_values_equal_those_of_shapzero(root):
    """What shapzero 0.0.4 answered for a random spectrum (written by tests/benchmarks/shapzero_explain.py)."""
    given = json.loads((root / "tests/data/shapzero_explanations.json").read_text())
    coefficients = np.array(given["real"]) + 1j * np.array(given["imaginary"])
    template, codes = Template(Alphabet("ACGT"), "N" * 8), np.array(given["codes"], np.uint8)
    terms = terms_from_coefficients(template, np.array(given["frequencies"]), coefficients)
    mapping = interaction_map(terms, "FSII", int(terms.orders.max()))
    interactions = mapping.apply(terms.dividends(codes))
    for row, theirs in enumerate(given["explanations"]):
        assert np.abs(terms.shapley_values(codes)[row] - theirs["values"]).max() < 1e-10
        ours = dict(zip(mapping.supports, interactions[row], strict=True))
        for positions, value in theirs["interactions"].items():
            assert abs(ours.get(tuple(sorted(map(int, positions.split(",")))), 0.0) - value) < 1e-10
