"""Smaller trains of nearly the same function: each bond is cut to the directions that carry something.

TT-rounding (Oseledets 2011, SIAM J. Sci. Comput. 33, algorithm 2) in the inner product of the background: letters are
weighted by the roots of their probabilities, so that what is dropped is a variance.
"""

from collections.abc import Sequence

import numpy as np

TOLERANCES = (0.07, 0.05, 0.04, 0.03, 0.02, 0.01, 5e-3, 2e-3, 1e-3)
MIN_PROBABILITY = 1e-3  # rarer letters count as much, so that nothing is divided by zero


def cut_ranks(cores: Sequence[np.ndarray], probabilities: Sequence[np.ndarray], tolerance: float) -> list[np.ndarray]:
    """Return the cores of a train that differs from another one by little, with bonds as small as that allows.

    Args:
        cores: for each position (r, m_i, r'), r' being the next one's r; 1 at both ends.
        probabilities: for each position the (m_i,) probabilities of its letters.
        tolerance: the root of the mean squared difference under the background, at most, as a part of the root of the
            mean square of the function; exact where no letter is rarer than `MIN_PROBABILITY`.

    Returns:
        For each position (r, m_i, r') float64, with bonds that are at most those of before.
    """
    weights = []
    for p in probabilities:
        floored = np.maximum(p, MIN_PROBABILITY)
        weights.append(np.sqrt(floored / floored.sum())[None, :, None])
    work = [core * w for core, w in zip(cores, weights, strict=True)]
    for i in range(len(work) - 1, 0, -1):  # all but the first have orthonormal rows
        rank, letters, after = work[i].shape
        q, r = np.linalg.qr(work[i].reshape(rank, letters * after).T)
        work[i] = q.T.reshape(-1, letters, after)
        work[i - 1] = work[i - 1] @ r.T
    most = tolerance * np.linalg.norm(work[0]) / np.sqrt(max(len(work) - 1, 1))
    for i in range(len(work) - 1):
        rank, letters, after = work[i].shape
        u, s, vt = np.linalg.svd(work[i].reshape(rank * letters, after), full_matrices=False)
        dropped = np.sqrt(np.cumsum(s[::-1] ** 2))[::-1]  # of this singular value and all after it
        kept = max(1, int((dropped > max(most, s[0] * 1e-14)).sum()))
        work[i] = u[:, :kept].reshape(rank, letters, kept)
        work[i + 1] = np.tensordot(s[:kept, None] * vt[:kept], work[i + 1], 1)
    return [core / w for core, w in zip(work, weights, strict=True)]


def cut_within(
    cores: Sequence[np.ndarray], probabilities: Sequence[np.ndarray], codes: np.ndarray, most: float
) -> tuple[list[np.ndarray], float]:
    """Cut the bonds of a train as far as its values at given sequences allow.

    Args:
        cores, probabilities: as for `cut_ranks`.
        codes: (N, n) uint8 local codes, of all kinds that matter.
        most: the mean squared difference there, at most.

    Returns:
        The cores, and the mean squared difference; what is dropped without any difference is dropped in any case.
    """
    exact = values_of(cores, codes)
    for tolerance in TOLERANCES:
        cut = cut_ranks(cores, probabilities, tolerance)
        change = float(np.mean((values_of(cut, codes) - exact) ** 2))
        if change <= most:
            return cut, change
    return cut_ranks(cores, probabilities, 0.0), 0.0


def values_of(cores: Sequence[np.ndarray], codes: np.ndarray) -> np.ndarray:
    """Return the (N,) float64 values of a train, given its cores, at (N, n) uint8 local codes."""
    left = np.ones((len(codes), 1))
    for core, letters in zip(cores, codes.T, strict=True):
        after = np.empty((len(codes), core.shape[2]))
        for letter in range(core.shape[1]):
            rows = letters == letter
            after[rows] = left[rows] @ core[:, letter]
        left = after
    return left[:, 0]
