"""Compiled gradient steps of tensor trains: the loop behind `train`.

float32. At each position the sequences of a batch are sorted by their letter, so that all of one letter are one product
of matrices, which is left to BLAS; rows go straight from the order of one position to that of the next. A batch is
divided into `PARTS` whatever the number of threads, and their gradients are added in order: threads do not change
results. Threads are Python's, which wait for one another asleep: those of numba spin, and starve where cores are
shared. Sums are loops: those of numba along an axis, and expressions of arrays, compile for seconds.
"""

import numba
import numpy as np

PARTS = 2


@numba.njit(cache=True, nogil=True)
def gradient(codes, targets, cores, start, heads, scale, grads, of_start, of_heads):
    """Fill the gradients of half the squared error of some sequences, times a factor.

    Args:
        codes: (n, B) uint8, positions first.
        targets: (B, O) float32.
        cores, start, heads: (n, m, k, k), (k,), (k + 1, O) float32: f = start G_1 .. G_n heads[:k] + heads[k].
        scale: the factor.
        grads, of_start, of_heads: of the same shapes, overwritten.
    """
    (n, count), (letters, width) = codes.shape, cores.shape[1:3]
    order, ends = _sorted(codes, letters)
    places = _places(order)
    lefts, product = np.empty((n, count, width), np.float32), np.empty((count, width), np.float32)
    for r in range(count):
        for k in range(width):
            lefts[0, r, k] = start[k]
    for i in range(n):
        for letter in range(letters):
            first, last = ends[i, letter], ends[i, letter + 1]
            if last > first:
                np.dot(lefts[i, first:last], cores[i, letter], product[first:last])
        if i < n - 1:
            _gather(product, places[i], lefts[i + 1])
    back = np.empty((count, width), np.float32)
    _scatter(product, order[n - 1], back)
    errors = np.dot(back, heads[:width])
    for r in range(count):
        for o in range(errors.shape[1]):
            errors[r, o] = (errors[r, o] + heads[width, o] - targets[r, o]) * scale
    np.dot(back.T, errors, of_heads[:width])
    _sum_rows(errors, of_heads[width])
    _gather(np.dot(errors, heads[:width].T), order[n - 1], back)
    for i in range(n - 1, -1, -1):
        for letter in range(letters):
            first, last = ends[i, letter], ends[i, letter + 1]
            if last > first:
                np.dot(lefts[i, first:last].T, back[first:last], grads[i, letter])
                np.dot(back[first:last], cores[i, letter].T, product[first:last])
            else:
                grads[i, letter].fill(0.0)
        _scatter(product, places[i - 1] if i else order[0], back)
    _sum_rows(back, of_start)


@numba.njit(cache=True, nogil=True)
def _sum_rows(rows, out):
    """Set out to the sum of the rows, in order."""
    out.fill(0.0)
    for r in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            out[k] += rows[r, k]


@numba.njit(cache=True, nogil=True, inline="always")
def _sorted(codes, letters):
    """The sequences at each position by their letter, (n, B), and where those of each begin and end, (n, m + 1)."""
    n, count = codes.shape
    order, ends = np.empty((n, count), np.int32), np.zeros((n, letters + 1), np.int32)
    for i in range(n):
        for letter in codes[i]:
            ends[i, letter + 1] += 1
        for letter in range(letters):
            ends[i, letter + 1] += ends[i, letter]
        place = ends[i].copy()
        for r, letter in enumerate(codes[i]):
            order[i, place[letter]] = r
            place[letter] += 1
    return order, ends


@numba.njit(cache=True, nogil=True)
def _places(order):
    """Where the sequences that are sorted at one position were at the one before it, (n - 1, B)."""
    n, count = order.shape
    places, known = np.empty((n - 1, count), np.int32), np.empty(count, np.int32)
    for i in range(n - 1):
        for place in range(count):
            known[order[i, place]] = place
        for place in range(count):
            places[i, place] = known[order[i + 1, place]]
    return places


@numba.njit(cache=True, nogil=True)
def _gather(rows, places, out):
    """Set out = rows[places]; element by element, which takes half the time of row by row."""
    for place, source in enumerate(places):
        for k in range(rows.shape[1]):
            out[place, k] = rows[source, k]


@numba.njit(cache=True, nogil=True)
def _scatter(rows, places, out):
    """Set out[places] = rows."""
    for place, target in enumerate(places):
        for k in range(rows.shape[1]):
            out[target, k] = rows[place, k]


@numba.njit(cache=True, nogil=True)
def add_up(parts):
    """Add the (P, L) gradients of parts up into the first, and return the sum of squares of it."""
    total = 0.0
    for j in range(parts.shape[1]):
        value = parts[0, j]
        for p in range(1, parts.shape[0]):
            value += parts[p, j]
        parts[0, j] = value
        total += value * value
    return total


@numba.njit(cache=True, nogil=True)
def adam(values, grads, first, second, step, rate, factor, kept):
    """Take one step of Adam (Kingma & Ba 2015) with beta 0.9 and `kept`; `factor` is that of gradient clipping."""
    c1, c2 = np.float32(1 / (1 - 0.9**step)), np.float32(1 / (1 - kept**step))
    old, new = np.float32(kept), np.float32(1 - kept)
    for j in range(values.size):
        g = grads[j] * factor
        first[j] = np.float32(0.9) * first[j] + np.float32(0.1) * g
        second[j] = old * second[j] + new * g * g
        values[j] -= rate * (first[j] * c1) / (np.sqrt(second[j] * c2) + np.float32(1e-8))


@numba.njit(cache=True, nogil=True)
def shrink(cores, share):
    """Take a share of what the letters of a position differ by off the (n, m, k, k) cores."""
    n, letters, width = cores.shape[:3]
    mean = np.empty(width, np.float32)
    for i in range(n):
        for a in range(width):
            mean.fill(0.0)
            for letter in range(letters):
                mean += cores[i, letter, a]
            mean *= share / np.float32(letters)
            for letter in range(letters):
                for b in range(width):
                    cores[i, letter, a, b] += mean[b] - share * cores[i, letter, a, b]
