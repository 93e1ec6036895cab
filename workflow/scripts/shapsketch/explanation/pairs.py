"""Pairs of a coalition and its complement, drawn for refinement, each with letters of the background for both."""

import numba
import numpy as np

from ..sequences.background import Background
from ..sequences.parallel import over_sequences
from ..sequences.words import random_word


def draw_pairs(
    background: Background, codes: np.ndarray, keys: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw coalitions with their complements, and backgrounds for both; `refine` has the law and the weights.

    Args:
        background: of absent letters.
        codes: (N, n) uint8 local codes.
        keys: (N,) uint64, one for each sequence's stream.
        start, stop: the range of pairs of that stream.

    Returns:
        (N, P, 2, n) uint8 local codes, x on the coalition or on its complement and z elsewhere; (N, P, free) weights
        w_i(S) of the coalition; (N, P) its sizes.
    """
    template = background.template
    n, pairs = len(template.free), stop - start
    sizes = np.arange(1, n)
    chance = 1 / np.sqrt(sizes * (n - sizes))
    chance /= chance.sum()
    queries = np.empty((len(codes), pairs, 2, template.n), np.uint8)
    weights, drawn = np.empty((len(codes), pairs, n)), np.empty((len(codes), pairs), np.int64)
    bounds = np.rint(np.cumsum(chance)[:-1] * 2.0**32).astype(np.uint64)
    law = (template.free, chance, bounds, background.thresholds)
    over_sequences(_draw, codes, keys, start, *law, queries, weights, drawn)
    return queries, weights, drawn


@numba.njit(cache=True, nogil=True)
def _draw(
    first_row: int,
    stop_row: int,
    codes: np.ndarray,
    keys: np.ndarray,
    start: int,
    free: np.ndarray,
    chance: np.ndarray,
    bounds: np.ndarray,
    thresholds: np.ndarray,
    queries: np.ndarray,
    weights: np.ndarray,
    drawn: np.ndarray,
) -> None:
    n, width = free.size, 2 * free.size + 1
    for r in range(first_row, stop_row):
        order = np.arange(n)
        for p in range(drawn.shape[1]):
            counter = (start + p) * width
            word, size = random_word(keys[r], counter), 1
            while size < n - 1 and word >= bounds[size - 1]:
                size += 1
            drawn[r, p] = size
            queries[r, p, 0], queries[r, p, 1] = codes[r], codes[r]
            for k in range(n):
                order[k] = k
            for k in range(n):  # a random order of the positions; the first of them are the coalition
                other = k + np.int64((random_word(keys[r], counter + 1 + k) * np.uint64(n - k)) >> np.uint64(32))
                order[k], order[other] = order[other], order[k]
                position, word, letter = free[order[k]], random_word(keys[r], counter + 1 + n + k), 0
                while letter < thresholds.shape[1] and word >= thresholds[position, letter]:
                    letter += 1
                queries[r, p, 1 if k < size else 0, position] = letter
                inside = 1.0 / (size * chance[size - 1])
                weights[r, p, order[k]] = inside if k < size else -1.0 / ((n - size) * chance[size - 1])
