"""Lattices are what formula 3 says, of any number of queries."""

import numpy as np
import pytest
from fourier_cases import random_words

from shapsketch.sparse_fourier.subsampling import Lattice, fit_lattice, least_queries


@pytest.mark.parametrize("correct", [0, 3])
@pytest.mark.parametrize(("radix", "free", "dimension"), [(2, 40, 5), (4, 30, 3), (6, 30, 2), (20, 35, 1)])
def test_lattice_is_what_formula_3_says(radix, free, dimension, correct):
    lattice = Lattice(radix, free, dimension, 3, 2, correct)
    rows = lattice.code.rows
    queries = lattice.queries(11, 0, lattice.size)
    assert queries.shape == (3 * 2 * (len(rows) - dimension + 1) * radix**dimension, free)
    assert (queries[100:150] == lattice.queries(11, 100, 150)).all()
    matrices, shifts = lattice.subsampling(11), lattice.shifts(11)
    base = shifts[:: lattice.steps]
    steps = np.vstack([np.zeros(free, int), rows[dimension:]])
    assert (shifts == ((base[:, None] - steps) % radix).reshape(-1, free)).all()
    digits = np.stack(np.unravel_index(np.arange(lattice.bins), (radix,) * dimension), 1)
    grid = queries.reshape(3, lattice.delays, lattice.bins, free)
    for c in range(3):
        points = digits @ matrices[c].T % radix
        assert len(np.unique(points, axis=0)) == lattice.bins  # full rank: no query repeats
        assert (grid[c] == (points[None] + shifts[:, None]) % radix).all()
    k, _ = random_words(radix, free, 3, 20, seed=0)
    for matrix, mixing in zip(matrices, lattice.mixing(11), strict=True):  # the bin gives the first checks
        checks = k @ rows.T % radix
        assert ((k @ matrix - checks[:, dimension:] @ mixing - checks[:, :dimension]) % radix == 0).all()


@pytest.mark.parametrize(("radix", "free"), [(2, 100), (4, 40), (4, 12), (20, 30), (3, 2)])
def test_any_number_of_queries_gives_a_lattice(radix, free):
    least = least_queries(radix, free)
    assert fit_lattice(radix, free, least - 1) is None
    sizes = [fit_lattice(radix, free, budget).size for budget in range(least, 100 * least, least // 2 + 1)]
    assert all(s <= b for s, b in zip(sizes, range(least, 100 * least, least // 2 + 1), strict=True))
    assert bool(fit_lattice(radix, free, least).correct) == (free > 20)
