"""What no bin shows alone: all frequencies of low order, and those that chance would not give."""

from math import comb

import numpy as np
import pytest
from fourier_cases import evaluate, random_words

from shapsketch.sparse_fourier import matching
from shapsketch.sparse_fourier.bins import is_larger, transform
from shapsketch.sparse_fourier.matching import exceeds_chance, likely, low_orders, match
from shapsketch.sparse_fourier.subsampling import Lattice


@pytest.mark.parametrize(("free", "radix"), [(6, 2), (5, 3), (4, 4)])
def test_all_frequencies_of_low_order_come_once(free, radix):
    for order, low in enumerate(low_orders(free, radix, 3), 1):
        k = low.dense(free)
        assert ((k > 0).sum(1) == order).all()
        assert len(np.unique(k, axis=0)) == len(k)
        assert not is_larger(k, radix).any()
        alone = comb(free, order) * (radix % 2 == 0)
        assert 2 * len(k) - alone == comb(free, order) * (radix - 1) ** order
    assert order == 3


def test_orders_end_where_they_are_too_many(monkeypatch):
    monkeypatch.setattr(matching, "MAX_MATCHED", 5 * 3 + comb(5, 2) * 9)
    assert len(list(low_orders(5, 4))) == 2


def noisy(noise):
    lattice = Lattice(4, 10, 2, 4, 3, 0)
    k, f = random_words(4, 10, 2, 8, seed=0)
    values = evaluate(lattice.queries(2, 0, lattice.size), k, f / np.abs(f), 4) - 3
    return transform(lattice, 2, values + np.random.default_rng(0).normal(0, noise, lattice.size)), k


def test_what_is_there_is_likely_and_matches():
    bins, k = noisy(0.5)
    candidates = {tuple(row) for row in likely(bins, 2).tolist()}
    assert {tuple(row) for row in k.tolist()} <= candidates
    assert len(candidates) < comb(10, 2) * 9 / 2
    matched = {tuple(row) for row in match(bins, np.array(sorted(candidates)), 0.5**2 / bins.lattice.bins).tolist()}
    assert len(matched & {tuple(row) for row in k.tolist()}) >= 6


def test_chance_allows_little_of_noise_alone():
    bins, _ = noisy(0.0)
    rng = np.random.default_rng(0)
    k = np.concatenate([low.dense(10) for low in low_orders(10, 4, 2)])
    noise = transform(bins.lattice, 2, rng.normal(size=bins.lattice.size))
    power, rest = noise.term_power(k)
    assert exceeds_chance(noise, k, power, rest, 0.0, 4).sum() <= 1
    assert exceeds_chance(noise, k[:1], np.array([1.0]), np.array([1e-6]), 0.0, 4).all()
