"""Cut bonds: nothing is lost that was said, the difference stays within its bound, and what nobody uses goes."""

from itertools import pairwise, product

import numpy as np
import pytest

from shapsketch.spectrum.rounding import cut_ranks, cut_within, values_of

RANKS = [1, 5, 6, 4, 6, 6, 1]
CODES = np.array(list(product(range(3), repeat=6)), np.uint8)


@pytest.fixture
def case():
    """Cores of random numbers, the probabilities of letters, and that of each sequence."""
    rng = np.random.default_rng(0)
    cores = [rng.normal(size=(a, 3, b)) for a, b in pairwise(RANKS)]
    letters = [rng.dirichlet(np.ones(3)) for _ in cores]
    weights = np.prod([p[column] for p, column in zip(letters, CODES.T, strict=True)], 0)
    return cores, letters, weights


def test_values_are_products_of_matrices(case):
    cores, _, _ = case
    known = [np.linalg.multi_dot([core[:, a] for core, a in zip(cores, row, strict=True)])[0, 0] for row in CODES[:50]]
    assert values_of(cores, CODES[:50]) == pytest.approx(known, rel=1e-12)


@pytest.mark.parametrize("tolerance", [0.0, 0.02, 0.1, 0.3, 0.8])
def test_the_difference_stays_within_the_tolerance(case, tolerance):
    cores, letters, weights = case
    cut = cut_ranks(cores, letters, tolerance)
    exact, found = values_of(cores, CODES), values_of(cut, CODES)
    missed = np.sqrt(weights @ (found - exact) ** 2 / (weights @ exact**2))
    assert missed <= tolerance + 1e-12
    assert all(a.shape[2] <= b.shape[2] for a, b in zip(cut, cores, strict=True))
    if tolerance > 0.1:
        assert sum(core.size for core in cut) < 0.9 * sum(core.size for core in cut_ranks(cores, letters, 0.0))


def test_what_carries_nothing_is_dropped_without_a_difference(case):
    cores, letters, _ = case
    doubled = [np.concatenate([core, core], 2) for core in cores[:-1]] + [cores[-1]]
    doubled[1:] = [np.concatenate([core, core]) / 2 for core in doubled[1:]]
    assert values_of(doubled, CODES) == pytest.approx(values_of(cores, CODES), rel=1e-9)
    cut, change = cut_within(doubled, letters, CODES, 0.0)
    assert change == 0
    assert [core.shape[2] for core in cut] == [3, 6, 4, 6, 3, 1]  # what letters before and after can tell
    assert values_of(cut, CODES) == pytest.approx(values_of(cores, CODES), abs=1e-9)


def test_bonds_are_cut_as_far_as_the_values_allow(case):
    cores, letters, _ = case
    exact = values_of(cores, CODES)
    most = 1e-3 * float(exact.var())
    cut, change = cut_within(cores, letters, CODES, most)
    assert 0 < change <= most
    assert change == pytest.approx(float(np.mean((values_of(cut, CODES) - exact) ** 2)))
