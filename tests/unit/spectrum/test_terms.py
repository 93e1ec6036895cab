"""Terms: values and dividends against brute force, tables beside Fourier terms.

Covers also: kernels.
"""

from itertools import combinations

import numpy as np
import pytest
from wave_cases import wave_spectrum

from oracles import (
    LETTERS,
    all_codes,
    coalition_values,
    dividends,
    random_function,
    shapley_values,
    subsets,
)
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.spectrum.basis import ProductBasis
from shapsketch.spectrum.indices import interaction_map
from shapsketch.spectrum.terms import Terms


def test_weighted_sums_of_terms_mix_tables_and_fourier_terms():
    terms = wave_spectrum()[0].terms
    wave = terms.supports[2]
    table = np.random.default_rng(0).normal(size=(4,) * 6)
    other = Terms.build(terms.sizes, {wave: table, (0,): np.arange(4.0)})
    codes = np.random.default_rng(1).integers(0, 4, (200, 7)).astype(np.uint8)
    codes[:, 3] = 0
    summed = Terms.weighted_sum([(2.0, terms), (0.5, other)])
    assert np.allclose(summed.predict(codes), 2 * terms.predict(codes) + 0.5 * other.predict(codes))


def test_weighted_sums_of_terms_merge_frequencies():
    """Two halves of a function have its variances, of which each frequency has one."""
    spectrum = wave_spectrum()[0]
    terms = spectrum.terms
    assert not terms.has_table.all()
    summed = Terms.weighted_sum([(0.5, terms), (0.25, terms), (0.25, terms)])
    assert len(summed.amplitudes) == len(terms.amplitudes)
    probabilities = spectrum.background.local
    assert summed.variances(probabilities) == pytest.approx(terms.variances(probabilities), rel=1e-12)
    assert summed.magnitudes == pytest.approx(terms.magnitudes, rel=1e-12)


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


def test_no_terms_means_zero_values():
    terms = Terms.build(np.full(3, 4), {})
    codes = all_codes([4, 4, 4])
    assert not terms.shapley_values(codes).any()
    assert terms.dividends(codes).shape == (64, 0)
    assert interaction_map(terms, "FSII", 2).apply(terms.dividends(codes)).shape == (64, 0)
