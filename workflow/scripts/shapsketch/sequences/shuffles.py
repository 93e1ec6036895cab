"""Shuffles of one sequence that keep its letters, or its pairs of neighbouring letters, exactly.

A sequence is a walk that uses every pair of neighbours once. All sequences with the same pairs, from the same first
letter, are the other such walks (Eulerian; they end in the same letter too). One of them is drawn, each with the same
chance: a random tree of last exits from every letter to the last one (Wilson, STOC 1996), the other exits of each
letter in random order, and the walk along them (Altschul & Erickson, Mol. Biol. Evol. 2, 526 (1985), who find a tree by
trial and error).
"""

import numba
import numpy as np

from .parallel import share_out
from .words import random_word


def shuffled(codes: np.ndarray, pairs: bool, key: np.uint64, numbers: np.ndarray) -> np.ndarray:
    """Draw shuffles of a sequence.

    Args:
        codes: (n,) uint8 codes.
        pairs: whether how often each pair of neighbours occurs is kept, and the first and the last letter; otherwise
            how often each letter occurs.
        key: of a stream of random words; see `content_keys`.
        numbers: (N,) int64, which shuffles of the stream; one number is one shuffle.

    Returns:
        (N, n) uint8.
    """
    shuffles = np.empty((len(numbers), len(codes)), np.uint8)
    if not pairs or len(codes) < 3:
        share_out(_permute, len(numbers), codes, pairs, key, numbers, shuffles)
    else:
        order = np.argsort(codes[:-1], kind="stable")
        starts = np.searchsorted(codes[:-1][order], np.arange(int(codes.max()) + 2))
        share_out(_walk, len(numbers), codes[1:][order], starts, codes[0], codes[-1], key, numbers, shuffles)
    return shuffles


@numba.njit(cache=True)
def _own_key(key: np.uint64, number: int) -> np.uint64:
    """The key of the words of one shuffle."""
    return (random_word(key, 2 * number) << np.uint64(32)) | random_word(key, 2 * number + 1)


@numba.njit(cache=True)
def _mix(items: np.ndarray, first: int, stop: int, key: np.uint64, counter: int) -> int:
    """Permute items[first:stop] in place (Fisher & Yates), and return the words' counter behind those used."""
    for k in range(stop - 1, first, -1):
        other = first + np.int64((random_word(key, counter) * np.uint64(k - first + 1)) >> np.uint64(32))
        items[k], items[other] = items[other], items[k]
        counter += 1
    return counter


@numba.njit(cache=True, nogil=True)
def _permute(
    first_row: int,
    stop_row: int,
    codes: np.ndarray,
    as_it_is: bool,
    key: np.uint64,
    numbers: np.ndarray,
    shuffles: np.ndarray,
) -> None:
    """Permute the letters; two letters with their pair have but one order."""
    for r in range(first_row, stop_row):
        shuffles[r] = codes
        if not as_it_is:
            _mix(shuffles[r], 0, codes.size, _own_key(key, numbers[r]), 0)


@numba.njit(cache=True, nogil=True)
def _walk(
    first_row: int,
    stop_row: int,
    exits: np.ndarray,
    starts: np.ndarray,
    first: int,
    last: int,
    key: np.uint64,
    numbers: np.ndarray,
    shuffles: np.ndarray,
) -> None:
    """Draw walks, given the letters that follow each letter, letter by letter, and where each letter's begin."""
    letters = starts.size - 1
    for r in range(first_row, stop_row):
        row_key, counter, left = _own_key(key, numbers[r]), 0, exits.copy()
        # Random walks that forget their loops grow a tree: the last exit of each letter leads to the last letter.
        reached, final = np.zeros(letters, np.bool_), np.zeros(letters, np.int64)
        reached[last] = True
        for start in range(letters):
            letter = start
            while starts[letter] < starts[letter + 1] and not reached[letter]:
                count = np.uint64(starts[letter + 1] - starts[letter])
                final[letter] = starts[letter] + np.int64((random_word(row_key, counter) * count) >> np.uint64(32))
                counter += 1
                letter = left[final[letter]]
            letter = start
            while starts[letter] < starts[letter + 1] and not reached[letter]:
                reached[letter] = True
                letter = left[final[letter]]
        for letter in range(letters):
            stop = starts[letter + 1]
            if letter != last and starts[letter] < stop:
                stop -= 1
                left[final[letter]], left[stop] = left[stop], left[final[letter]]
            counter = _mix(left, starts[letter], stop, row_key, counter)
        place, letter = starts[:-1].copy(), int(first)
        shuffles[r, 0] = first
        for i in range(1, shuffles.shape[1]):
            place[letter] += 1
            letter = int(left[place[letter] - 1])
            shuffles[r, i] = letter
