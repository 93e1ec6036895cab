"""Bins: sums of the coefficients that fall into them, as the formula says; spreading, gathering and fitting.

Covers also: bin_kernels.
"""

import numpy as np
import pytest
from fourier_cases import evaluate, random_words

from shapsketch.sparse_fourier.bins import is_larger, is_real, pair_scale, transform
from shapsketch.sparse_fourier.subsampling import Lattice

CASES = [(2, 12, 3, 0), (3, 9, 2, 3), (4, 8, 2, 3), (6, 7, 2, 0)]


def case(q, n, dimension, correct, count=12):
    lattice = Lattice(q, n, dimension, 3, 2, correct)
    k, f = random_words(q, n, 3, count, seed=q)
    values = evaluate(lattice.queries(5, 0, lattice.size), k, f, q) - 3
    return transform(lattice, 5, values), k, f


@pytest.mark.parametrize(("q", "n", "dimension", "correct"), CASES)
def test_a_bin_is_the_sum_of_what_falls_into_it(q, n, dimension, correct):
    bins, k, f = case(q, n, dimension, correct)
    root = np.exp(2j * np.pi / q)
    expected = np.zeros_like(bins.values)
    paired = ~is_real(k, q)
    both = np.vstack([k, -k[paired] % q]), np.append(f, f[paired].conj())
    for word, coefficient in zip(*both, strict=True):
        phases = coefficient * root ** (bins.shifts @ word % q)
        for c, matrix in enumerate(bins.matrices):
            place = np.ravel_multi_index(tuple(word @ matrix % q), (q,) * dimension)
            assert bins.places(word[None])[c, 0] == place
            expected[c, place] += phases
    assert np.abs(bins.values - expected).max() < 1e-9
    assert np.abs(bins.spread(k, f) - expected).max() < 1e-9
    assert np.allclose(bins.energies(), (np.abs(expected) ** 2).mean(-1))


@pytest.mark.parametrize(("q", "n", "dimension", "correct"), CASES)
def test_gathering_is_the_adjoint_of_spreading_and_the_fit_inverts_it(q, n, dimension, correct):
    bins, k, f = case(q, n, dimension, correct)
    other = transform(bins.lattice, 5, np.random.default_rng(1).normal(size=bins.lattice.size)).values
    pairs = np.where(is_real(k, q), 1, 2)
    products = pairs * (np.conj(bins.gather(k, other)) * f).real
    assert np.vdot(other, bins.spread(k, f)).real == pytest.approx(products.sum(), rel=1e-9)
    assert np.abs(bins.fit(k) - f).max() < 1e-6


def test_conjugate_pairs():
    k = np.array([[0, 0], [2, 0], [1, 0], [3, 0], [0, 3]])
    assert is_real(k, 4).tolist() == [True, True, False, False, False]
    assert is_larger(k, 4).tolist() == [False, False, False, True, True]
    assert pair_scale(k, 4) == pytest.approx([1, 1, *[np.sqrt(0.5)] * 3])
