"""Fourier transforms of games: of every mask, exactly or out of noise, and of the lattice's masks, sparsely."""

from dataclasses import replace

import numpy as np

from ..sparse_fourier.bins import transform
from ..sparse_fourier.peeling import PeelingRecord, peel
from ..sparse_fourier.subsampling import Lattice
from .parities import Parities, hadamard

MAX_FALSE_PARITIES = 1000.0  # false parities of an order that peeling may propose
ROUNDING_SHARE = 1e-14  # of the largest coefficient: less is none
STEP, STEPS = 2.0, 100  # between the variances that coefficients may have, and of the fit of their frequencies
MIN_SPREAD = 0.1  # of the noise's variance, the least of them
NULL_COEFFICIENTS = 9.0  # coefficients of each order that are taken to be nothing, beside those that are there
NEGLIGIBLE_NOISE_SHARE = 1e-3  # of the noise's standard deviation: a coefficient shrunk to less is none


def exact(values: np.ndarray) -> Parities:
    """Transform the (2^m,) values at all masks, in the order of their binary numbers (the first player leads)."""
    cube = hadamard(values)
    return _kept(cube, np.abs(cube) > ROUNDING_SHARE * np.abs(cube).max())


def _kept(cube: np.ndarray, keep: np.ndarray) -> Parities:
    """The parities of some of (2^m,) coefficients, and the empty one, even where the game's mean is 0."""
    keep[0] = True
    players, kept = len(cube).bit_length() - 1, np.flatnonzero(keep)
    present = (kept[:, None] >> np.arange(players)[::-1] & 1).astype(bool)
    return Parities(players, _padded(present, max(1, int(present.sum(1).max(initial=0)))), cube[kept])


def denoised(values: np.ndarray, noise: float) -> Parities:
    """Transform values at all masks that have noise, and shrink each coefficient by what those of its order are like.

    The coefficients of an order are taken for draws of a mixture of normal distributions about nothing, whose weights
    they tell themselves (adaptive shrinkage; Stephens 2017); each becomes its posterior mean. Without noise that is
    itself.

    Args:
        values: (2^m,) float64.
        noise: the variance that a coefficient has from it.
    """
    cube = hadamard(values)
    if not noise > 0:
        return exact(values)
    players = len(cube).bit_length() - 1
    orders = (np.arange(len(cube))[:, None] >> np.arange(players) & 1).sum(1)
    for order in range(1, players + 1):
        rows = orders == order
        cube[rows] = _shrunk(cube[rows], noise)
    return _kept(cube, np.abs(cube) > NEGLIGIBLE_NOISE_SHARE * np.sqrt(noise))


def _shrunk(coefficients: np.ndarray, noise: float) -> np.ndarray:
    """The posterior means of (K,) coefficients."""
    most = max(2 * float(np.max(coefficients**2)) / noise, 2 * MIN_SPREAD)
    count = int(np.ceil(np.log(most / MIN_SPREAD) / np.log(STEP))) + 1
    spreads = noise * np.append(0.0, MIN_SPREAD * STEP ** np.arange(count))
    total = spreads + noise
    log = -0.5 * (np.log(total) + coefficients[:, None] ** 2 / total)
    likelihood = np.exp(log - log.max(1, keepdims=True))
    null = np.append(NULL_COEFFICIENTS, np.zeros(count))
    weights = np.full(count + 1, 1 / (count + 1))
    for _ in range(STEPS):
        posterior = likelihood * weights
        posterior /= posterior.sum(1, keepdims=True)
        weights = posterior.sum(0) + null
        weights /= weights.sum()
    posterior = likelihood * weights
    posterior /= posterior.sum(1, keepdims=True)
    return coefficients * (posterior @ (spreads / total))


def sparse(lattice: Lattice, seed: int, values: np.ndarray, max_order: int) -> tuple[Parities, PeelingRecord]:
    """Peel the (lattice.size,) values at its masks (SPEX; Kang et al. 2025); parities above `max_order` are left out.

    Returns:
        The parities, and how peeling went.
    """
    bins = replace(transform(lattice, seed, values), false_positives=MAX_FALSE_PARITIES)
    k, f, details = peel(bins, match_order=1)  # regression finds what this leaves out, and drops what is false
    kept = (k > 0).sum(1) <= max_order
    return Parities(lattice.free, _padded(k[kept] > 0, max_order), f[kept].real), details


def _padded(present: np.ndarray, width: int) -> np.ndarray:
    """(K, width) supports, filled up with m, from (K, m) bool."""
    supports = np.full((len(present), width), present.shape[1])
    rows, players = np.nonzero(present)
    counts = present.sum(1)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    supports[rows, place] = players
    return supports
