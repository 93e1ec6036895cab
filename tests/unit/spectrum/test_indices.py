"""Dividends, Shapley values and interaction indices against brute force and shapiq."""

import json
from itertools import combinations

import numpy as np
import pytest

from oracles import (
    LETTERS,
    all_codes,
    coalition_values,
    dividends,
    random_function,
    shapiq_index,
    shapley_values,
    subsets,
)
from shapsketch.recovery.coefficients import terms_from_coefficients
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.indices import VALUES, WEIGHTS, interaction_map
from shapsketch.spectrum.terms import Terms

CASES = [(n, q, u) for q in (2, 3, 4, 5) for n in range(1, 7) if q**n <= 4096 for u in (True, False)]
CASES += [
    (5, 5, True),
    (6, 4, False),
    (6, 5, True),
    (1, 20, True),
    (2, 20, False),
    (3, 20, True),
    (3, 20, False),
    (4, 20, True),
]


@pytest.mark.parametrize(("n", "q", "uniform"), sorted(set(CASES)))
def test_exact_spectrum_equals_brute_force(n, q, uniform):
    spectrum, codes, values = random_function(n, q, uniform, seed=n * 100 + q)
    assert np.abs(spectrum.intercept + spectrum.terms.predict(codes) - values).max() < 1e-10
    rows = np.random.default_rng(1).choice(len(codes), min(4, len(codes)), replace=False)
    found = spectrum.terms.dividends(codes[rows])
    phi = spectrum.terms.shapley_values(codes[rows])
    for k, x in enumerate(codes[rows]):
        v = coalition_values(values.reshape((q,) * n), spectrum.background.local, x)
        truth = dividends(v)
        for support, value in zip(spectrum.terms.supports, found[k], strict=True):
            assert abs(value - truth[support]) < 1e-10
        assert abs(sum(truth.values()) - found[k].sum() - spectrum.intercept) < 1e-9
        assert np.abs(phi[k] - shapley_values(v, n)).max() < 1e-10
        assert abs(phi[k].sum() - (values[rows[k]] - spectrum.intercept)) < 1e-10


@pytest.mark.parametrize("n", [4, 5, 6])
def test_proteins_equal_brute_force_without_the_whole_space(n):
    """20^6 values are too many, but v(S) of a sum of tables is a sum of means of tables."""
    rng = np.random.default_rng(n)
    background = Background.from_weights(Template(Alphabet(LETTERS), "X" * n), rng.uniform(0.2, 1, (n, 20)))
    basis = ProductBasis.build(background, [s for k in (1, 2, 3) for s in combinations(range(n), k)])
    terms = basis.to_terms(rng.normal(size=len(basis)))
    p = background.local
    for x in rng.integers(0, 20, (3, n)).astype(np.uint8):
        v = dict.fromkeys(subsets(range(n)), 0.0)
        for s in v:
            for t, support in enumerate(terms.supports):
                part = terms.table(t)
                for axis in reversed(range(len(support))):
                    i = support[axis]
                    part = np.take(part, x[i], axis) if i in s else np.tensordot(part, p[i], (axis, 0))
                v[s] += float(part)
        truth = dividends(v)
        found = terms.dividends(x[None])[0]
        assert max(abs(a - truth[s]) for s, a in zip(terms.supports, found, strict=True)) < 1e-10
        assert np.abs(terms.shapley_values(x[None])[0] - shapley_values(v, n)).max() < 1e-10


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


def test_no_terms_means_zero_values():
    terms = Terms.build(np.full(3, 4), {})
    codes = all_codes([4, 4, 4])
    assert not terms.shapley_values(codes).any()
    assert terms.dividends(codes).shape == (64, 0)
    assert interaction_map(terms, "FSII", 2).apply(terms.dividends(codes)).shape == (64, 0)


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
