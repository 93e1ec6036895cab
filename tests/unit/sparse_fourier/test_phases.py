"""The checks of bins with one coefficient are read from their phases; doubtful ones are flipped."""

import numpy as np
import pytest

from shapsketch.sparse_fourier.bins import transform
from shapsketch.sparse_fourier.phases import MAX_FLIPPED_PHASES, flips, read
from shapsketch.sparse_fourier.subsampling import Lattice


def single(q, n, noise=0.0):
    """Bins with a coefficient each in as many bins as there are frequencies, and its checks."""
    lattice = Lattice(q, n, 2, 2, 3, 3)
    bins = transform(lattice, 1, np.zeros(lattice.size))
    draws = np.random.default_rng(0)
    k = draws.integers(0, q, (20, n))
    vectors = np.exp(2j * np.pi / q * (k @ bins.shifts.T % q)) * np.exp(1j * draws.uniform(0, 6, (20, 1)))
    vectors = vectors + noise * (draws.normal(size=vectors.shape) + 1j * draws.normal(size=vectors.shape))
    matrix = np.arange(20) % 2
    return bins, k, vectors, matrix, bins.places(k)[matrix, np.arange(20)]


@pytest.mark.parametrize(("q", "n"), [(2, 25), (3, 25), (4, 22), (5, 22)])
@pytest.mark.parametrize("sweeps", [1, 2])
def test_checks_are_those_of_the_frequency(q, n, sweeps):
    bins, k, vectors, matrix, place = single(q, n)
    checks, second, margins, left = read(bins, vectors, np.arange(20), matrix, place, sweeps)
    assert (checks == k @ bins.lattice.code.rows.T % q).all()
    assert (second != checks[:, 2:]).all()
    assert (margins > 0.1).all()
    assert np.abs(left).max() < 1e-12


def test_flips_try_the_most_doubtful_letters_and_keep_the_bin():
    bins, _, vectors, matrix, place = single(4, 22, noise=0.3)
    checks, second, margins, left = read(bins, vectors, np.arange(20), matrix, place, 2)
    tried = list(flips(bins, matrix, checks, second, margins))
    assert len(tried) == MAX_FLIPPED_PHASES
    changed = np.stack([(one[:, 2:] != checks[:, 2:]) for one in tried])
    assert (changed.sum(2) == 1).all()  # one letter of each bin at a time
    assert (changed.argmax(2)[0] == margins.argmin(1)).all()
    assert left == pytest.approx(np.full(20, 2 * 0.3**2), rel=0.9)
    digits = np.stack(np.unravel_index(place, (4, 4)), 1)
    for one in [checks, *tried]:  # what the bin says of the first checks stays true
        from_rest = np.einsum("ai,aib->ab", one[:, 2:], bins.mixing[matrix])
        assert ((digits - from_rest - one[:, :2]) % 4 == 0).all()
