"""Compiled passes over tensor trains: the loops behind `Train`.

Every pass goes over a range of sequences, for `share_out`, and walks along the positions with row vectors of k
numbers. Sequences are independent of one another and each adds in a fixed order, so results do not depend on the
number of threads. Matrices are stored as the loops read them, row by row; `_t` marks transposes.
"""

import numba
import numpy as np

BLOCK = 64  # sequences that a thread takes at once, so that a position's matrices are read from L1


@numba.njit(cache=True, fastmath={"contract"}, inline="always")
def _times(vector, matrix, rows, columns, out):
    """Write vector (rows,) times matrix (rows, columns) into out."""
    out[:columns].fill(0.0)
    for a in range(rows):
        x = vector[a]
        for b in range(columns):
            out[b] += x * matrix[a, b]


@numba.njit(cache=True, fastmath={"contract"}, inline="always")
def _add_times(vector, matrix, rows, columns, out):
    """Add vector (rows,) times matrix (rows, columns) to out."""
    for a in range(rows):
        x = vector[a]
        for b in range(columns):
            out[b] += x * matrix[a, b]


@numba.njit(cache=True, fastmath={"contract", "reassoc"}, inline="always")
def _dot(left, right, size):
    total = 0.0
    for a in range(size):
        total += left[a] * right[a]
    return total


@numba.njit(cache=True, inline="always")
def _copy(vector, size, out):
    """Write the first numbers of a vector into out: slices that are assigned to slices take long to compile."""
    for a in range(size):
        out[a] = vector[a]


@numba.njit(cache=True, nogil=True)
def predict(start, stop, codes, matrices, ranks, out):
    """Write the (N,) products of matrices (n, m, k, k) that codes (N, n) choose."""
    n, width = codes.shape[1], matrices.shape[2]
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        left, after = np.zeros((last - first, width)), np.empty(width)
        left[:, 0].fill(1.0)
        for i in range(n):
            for r in range(last - first):
                _times(left[r], matrices[i, codes[first + r, i]], ranks[i], ranks[i + 1], after)
                _copy(after, ranks[i + 1], left[r])
        for r in range(last - first):
            out[first + r] = left[r, 0]


@numba.njit(cache=True, nogil=True)
def predict_by_order(start, stop, codes, means, changes, ranks, out):
    """Write into out (N, K) the sums of the dividends up to each order below K; means are (n, k, k).

    Each number of letters that have spoken so far has a row vector of its own.
    """
    n, width, orders = codes.shape[1], means.shape[1], out.shape[1]
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        left, after = np.zeros((last - first, orders, width)), np.empty((orders, width))
        for r in range(last - first):
            left[r, 0, 0] = 1.0
        for i in range(n):
            for r in range(last - first):
                letter = codes[first + r, i]
                for k in range(orders):
                    _times(left[r, k], means[i], ranks[i], ranks[i + 1], after[k])
                    if k > 0:
                        _add_times(left[r, k - 1], changes[i, letter], ranks[i], ranks[i + 1], after[k])
                for k in range(orders):
                    _copy(after[k], ranks[i + 1], left[r, k])
        for r in range(last - first):
            total = 0.0
            for k in range(orders):
                total += left[r, k, 0]
                out[first + r, k] = total


@numba.njit(cache=True, nogil=True)
def add_values(start, stop, codes, matrices, matrices_t, changes, ranks, weight, out):
    """Add weight * left_i changes_i(x_i) right_i to out (N, n); left and right are products of matrices.

    `changes` may have more or other letters than `matrices` has; codes index both.
    """
    n, width = codes.shape[1], matrices.shape[2]
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        rights, left, after = (
            _rights(codes[first:last], matrices_t, ranks),
            np.zeros((last - first, width)),
            np.empty(width),
        )
        left[:, 0].fill(1.0)
        for i in range(n):
            for r in range(last - first):
                letter = codes[first + r, i]
                _times(left[r], changes[i, letter], ranks[i], ranks[i + 1], after)
                out[first + r, i] += weight * _dot(after, rights[i + 1, r], ranks[i + 1])
                _times(left[r], matrices[i, letter], ranks[i], ranks[i + 1], after)
                _copy(after, ranks[i + 1], left[r])


@numba.njit(cache=True, nogil=True)
def add_letters(start, stop, codes, matrices, matrices_t, changes, ranks, weight, out):
    """Add weight * left_i changes_i(b) right_i to out (N, n, m), for every letter b of `changes`."""
    n, width = codes.shape[1], matrices.shape[2]
    for first in range(start, stop, BLOCK):
        last = min(first + BLOCK, stop)
        rights, left, after = (
            _rights(codes[first:last], matrices_t, ranks),
            np.zeros((last - first, width)),
            np.empty(width),
        )
        left[:, 0].fill(1.0)
        for i in range(n):
            for r in range(last - first):
                for letter in range(out.shape[2]):
                    _times(left[r], changes[i, letter], ranks[i], ranks[i + 1], after)
                    out[first + r, i, letter] += weight * _dot(after, rights[i + 1, r], ranks[i + 1])
                _times(left[r], matrices[i, codes[first + r, i]], ranks[i], ranks[i + 1], after)
                _copy(after, ranks[i + 1], left[r])


@numba.njit(cache=True)
def _rights(codes, matrices_t, ranks):
    """(n + 1, B, k) products of the matrices from each position on to the last."""
    count, n = codes.shape
    rights = np.zeros((n + 1, count, matrices_t.shape[2]))
    rights[n, :, 0].fill(1.0)
    for i in range(n - 1, -1, -1):
        for r in range(count):
            _times(rights[i + 1, r], matrices_t[i, codes[r, i]], ranks[i + 1], ranks[i], rights[i, r])
    return rights


@numba.njit(cache=True, nogil=True)
def add_interactions(start, stop, codes, matrices, matrices_t, changes, changes_t, ranks, weights, out):
    """Add to out (I, N, S) the weighted derivatives of all supports up to an order.

    With D the changes and M the matrices that a sequence chooses, the derivative of {i, j, k} is
    (left_i D_i M .. M D_j) . (M .. M D_k right_k): one dot product of a vector of (i, j) and one of (j, k), so all
    triples cost n^3 k / 6 beside the n^2 k^2 of the pairs.

    Args:
        start, stop: the range of sequences.
        codes: (N, n).
        matrices, changes: (n, m, k, k), and their transposes.
        ranks: (n + 1,).
        weights: (I, orders) of each index and order; at most three orders.
        out: columns are supports by order, then by position.
    """
    n = codes.shape[1]
    indices, orders = weights.shape
    for r in range(start, stop):
        code = codes[r]
        width = matrices.shape[2]
        rights = np.zeros((n + 1, width))
        rights[n, 0] = 1.0
        for i in range(n - 1, -1, -1):
            _times(rights[i + 1], matrices_t[i, code[i]], ranks[i + 1], ranks[i], rights[i])
        carried = np.empty((n, width))  # left_i D_i M .. M, before the position at hand
        ends = np.empty((n, width))  # the same, with D at it
        left, after = np.zeros(width), np.empty(width)
        left[0] = 1.0
        tails = _tails(code, matrices_t, changes_t, rights, ranks, n if orders > 2 else 0)
        triple = n + n * (n - 1) // 2
        sums = np.empty(n)
        for j in range(n):
            rank, later = ranks[j], ranks[j + 1]
            change, matrix = changes[j, code[j]], matrices[j, code[j]]
            _times(left, change, rank, later, after)
            value = _dot(after, rights[j + 1], later)
            for index in range(indices):
                out[index, r, j] += weights[index, 0] * value
            if orders > 1:
                for i in range(j):
                    _times(carried[i], change, rank, later, ends[i])
                    value = _dot(ends[i], rights[j + 1], later)
                    column = n + i * n - i * (i + 1) // 2 + j - i - 1
                    for index in range(indices):
                        out[index, r, column] += weights[index, 1] * value
                if orders > 2 and j + 1 < n:
                    for i in range(j):
                        sums[: n - j - 1].fill(0.0)
                        for a in range(later):
                            x = ends[i, a]
                            for k in range(n - j - 1):
                                sums[k] += x * tails[j, a, k]
                        column = triple + _triples_before(n, i, j)
                        for index in range(indices):
                            weight = weights[index, 2]
                            for k in range(n - j - 1):
                                out[index, r, column + k] += weight * sums[k]
                for i in range(j):
                    _times(carried[i], matrix, rank, later, ends[i])
                    _copy(ends[i], later, carried[i])
                _copy(after, later, carried[j])
            _times(left, matrix, rank, later, after)
            _copy(after, later, left)


@numba.njit(cache=True, inline="always")
def _triples_before(n, i, j):
    """How many triples come before those that start with i < j."""
    rest, later = n - i, n - j
    whole = n * (n - 1) * (n - 2) // 6 - rest * (rest - 1) * (rest - 2) // 6
    return whole + (rest - 1) * (rest - 2) // 2 - later * (later - 1) // 2


@numba.njit(cache=True)
def _tails(code, matrices_t, changes_t, rights, ranks, n):
    """(n, k, n): for j < l the vector M .. M D_l right_l after position j, at [j, :, l - j - 1]."""
    width = rights.shape[1]
    tails = np.zeros((n, width, max(n - 1, 0)))
    carried, after = np.empty((n, width)), np.empty(width)
    for j in range(n - 1, 0, -1):  # vectors after position j - 1
        for later in range(j + 1, n):
            _times(carried[later], matrices_t[j, code[j]], ranks[j + 1], ranks[j], after)
            _copy(after, ranks[j], carried[later])
        _times(rights[j + 1], changes_t[j, code[j]], ranks[j + 1], ranks[j], carried[j])
        for later in range(j, n):
            for a in range(ranks[j]):
                tails[j - 1, a, later - j] = carried[later, a]
    return tails


@numba.njit(cache=True, nogil=True)
def add_supports(start, stop, codes, matrices, matrices_t, changes, ranks, supports, weight, out):
    """Add to out (N, S) the weighted derivatives of supports (S, s), one walk from the first to the last for each."""
    n, width = codes.shape[1], matrices.shape[2]
    for r in range(start, stop):
        code = codes[r : r + 1]
        rights = _rights(code, matrices_t, ranks)
        lefts = np.zeros((n + 1, width))
        lefts[0, 0] = 1.0
        vector, after = np.empty(width), np.empty(width)
        for i in range(n):
            _times(lefts[i], matrices[i, code[0, i]], ranks[i], ranks[i + 1], lefts[i + 1])
        for s in range(supports.shape[0]):
            first, last, place = supports[s, 0], supports[s, -1], 0
            _copy(lefts[first], ranks[first], vector)
            for i in range(first, last + 1):
                if i == supports[s, place]:
                    _times(vector, changes[i, code[0, i]], ranks[i], ranks[i + 1], after)
                    place += 1
                else:
                    _times(vector, matrices[i, code[0, i]], ranks[i], ranks[i + 1], after)
                _copy(after, ranks[i + 1], vector)
            out[r, s] += weight * _dot(vector, rights[last + 1, 0], ranks[last + 1])
