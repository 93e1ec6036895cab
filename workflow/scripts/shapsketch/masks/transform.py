"""Fourier transforms of games: of every mask, exactly, and of the lattice's masks, sparsely."""

from dataclasses import replace

import numpy as np

from ..lattice import Lattice
from ..recovery.bins import transform
from ..recovery.peeling import peel
from .parities import Parities

DOUBTFUL = 1000.0  # false parities of an order that peeling may propose
ROUNDING = 1e-14  # of the largest coefficient: less is none


def exact(values: np.ndarray) -> Parities:
    """Transform the (2^m,) values at all masks, in the order of their binary numbers (the first player leads)."""
    players = len(values).bit_length() - 1
    cube = values.astype(np.float64)
    for player in range(players):  # the Walsh-Hadamard transform
        pairs = cube.reshape(-1, 2, 1 << player)
        cube = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).ravel()
    cube /= len(values)
    kept = np.flatnonzero(np.abs(cube) > ROUNDING * np.abs(cube).max())
    present = (kept[:, None] >> np.arange(players)[::-1] & 1).astype(bool)
    return Parities(players, _padded(present, max(1, int(present.sum(1).max(initial=0)))), cube[kept])


def sparse(lattice: Lattice, seed: int, values: np.ndarray, max_order: int) -> tuple[Parities, dict[str, float]]:
    """Peel the values at a lattice's masks (SPEX; Kang et al. 2025); parities above `max_order` are left out.

    Returns:
        What was found, and the number of rounds and the noise left per value.
    """
    bins = replace(transform(lattice, seed, values), false_positives=DOUBTFUL)
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
