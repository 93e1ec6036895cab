"""Peeling: sparse functions exactly, noise, scales, constants."""

import numpy as np
import pytest
from fourier_cases import evaluate, random_words

from shapsketch.sparse_fourier.bins import transform
from shapsketch.sparse_fourier.peeling import peel
from shapsketch.sparse_fourier.subsampling import Lattice, fit_lattice


def peeled(lattice, seed, function):
    return peel(transform(lattice, seed, function(lattice.queries(seed, 0, lattice.size))))


@pytest.mark.parametrize("correct", [0, 4])
@pytest.mark.parametrize(
    ("q", "n", "dimension", "count"),
    [(2, 40, 7, 60), (3, 30, 5, 60), (4, 30, 4, 60), (5, 25, 3, 40), (6, 30, 3, 40), (7, 25, 3, 60), (20, 22, 2, 60)],
)
def test_sparse_functions_are_peeled_exactly(q, n, dimension, count, correct):
    k, f = random_words(q, n, 4, count, seed=n)
    found, g, _ = peeled(Lattice(q, n, dimension, 3, 1, correct), 5, lambda x: evaluate(x, k, f, q))
    assert (found == np.vstack([np.zeros((1, n), int), k])).all()
    assert np.abs(g - np.append(3, f)).max() < 1e-10


def test_low_orders_are_found_where_no_bin_shows_them_alone():
    n = 8  # all of order 1 and 2 of four letters: far more than bins
    k, f = random_words(4, n, 2, 120, seed=0)
    lattice = Lattice(4, n, 2, 4, 3, 0)
    found, g, _ = peeled(lattice, 0, lambda x: evaluate(x, k, f, 4))
    assert (found == np.vstack([np.zeros((1, n), int), k])).all()
    assert np.abs(g - np.append(3, f)).max() < 1e-6


@pytest.mark.parametrize(("q", "n"), [(2, 60), (4, 18), (4, 40), (5, 30)])
def test_noise_hides_little_and_makes_up_nothing(q, n):
    k, f = random_words(q, n, 3, 60, seed=1)
    f /= np.abs(f)
    rng = np.random.default_rng(0)

    def noisy(codes):
        clean = evaluate(codes, k, f, q)
        return clean + rng.normal(size=len(codes)) * clean.std() / np.sqrt(10)  # 10 dB

    found, _, _ = peeled(fit_lattice(q, n, 60_000), 0, noisy)
    found, truth = ({tuple(row) for row in words.tolist()} for words in (found[1:], k))
    assert len(found & truth) >= 0.95 * len(truth)
    assert len(found - truth) <= 1


@pytest.mark.parametrize(("q", "n", "queries"), [(2, 120, 5000), (4, 30, 30_000)])
def test_bins_that_agree_show_what_noise_hides_in_each(q, n, queries):
    rng = np.random.default_rng(q + n)
    k = np.zeros((30 * (q - 1), n), int)
    for row in k:
        row[rng.choice(n, rng.integers(3, 6), replace=False)] = rng.integers(1, q)
    k = np.unique(np.minimum(k, -k % q), axis=0)
    f = rng.uniform(0.5, 2, len(k)) * rng.choice([-1, 1], len(k))

    def noisy(codes):
        clean = evaluate(codes, k, f, q)
        return clean + rng.normal(size=len(codes)) * clean.std() / 2

    found, _, _ = peeled(fit_lattice(q, n, queries), 0, noisy)
    found = {tuple(row) for row in np.vstack([found, -found % q])[1:].tolist()}
    assert np.mean([tuple(row) in found for row in k.tolist()]) >= 0.9
    assert len(found) <= len(np.unique(np.vstack([k, -k % q]), axis=0)) + 4


def test_noise_alone_and_constants_hold_nothing():
    lattice = fit_lattice(4, 30, 40_000)
    rng = np.random.default_rng(0)
    found, g, details = peeled(lattice, 0, lambda x: 2 + rng.normal(size=len(x)))
    assert (found == 0).all()
    assert abs(g[0] - 2) < 0.05
    assert abs(details["noise"] - 1) < 0.2
    assert len(peeled(lattice, 0, lambda x: np.full(len(x), 2.0))[0]) == 1
    assert len(peeled(lattice, 0, lambda x: np.zeros(len(x)))[0]) == 0


def test_a_conjugate_pair_stands_for_a_real_function():
    k, f = random_words(5, 12, 3, 30, seed=2)
    found, g, _ = peeled(Lattice(5, 12, 3, 3, 2, 0), 1, lambda x: evaluate(x, k, f, 5))
    mirrored = {tuple(row) for row in (-found % 5).tolist()}
    assert mirrored & {tuple(row) for row in found.tolist()} == {(0,) * 12}
    assert g[0].imag == 0


@pytest.mark.parametrize("scale", [1e-40, 1.0, 1e40])
def test_functions_of_any_scale_are_peeled(scale):
    k, f = random_words(4, 8, 2, 120, seed=0)  # far more than bins
    rng = np.random.default_rng(0)

    def noisy(codes):
        return scale * (evaluate(codes, k, f, 4) + 0.01 * rng.normal(size=len(codes)))

    found, _, _ = peeled(Lattice(4, 8, 2, 4, 3, 0), 0, noisy)
    assert len({tuple(row) for row in found.tolist()} & {tuple(row) for row in k.tolist()}) >= 0.95 * len(k)
