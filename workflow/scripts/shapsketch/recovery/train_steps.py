"""Compiled gradient steps of tensor trains: the loop behind `train`.

float32, positions outside, sequences inside, so that a position's matrices and their gradients stay in L1. A batch is
divided into `PARTS` whatever the number of threads, and their gradients are added in order: threads do not change
results. Threads are Python's, which wait for one another asleep: those of numba spin, and starve where cores are
shared.
"""

import numba
import numpy as np

PARTS = 4


@numba.njit(cache=True, fastmath={"contract"}, inline="always")
def _times(vector, matrix, out):
    out[:] = np.float32(0.0)
    for a in range(vector.size):
        x = vector[a]
        for b in range(out.size):
            out[b] += x * matrix[a, b]


@numba.njit(cache=True, fastmath={"contract"}, inline="always")
def _times_t(matrix, vector, out):
    """Write matrix times vector, given the matrix's transpose."""
    out[:] = np.float32(0.0)
    for b in range(vector.size):
        x = vector[b]
        for a in range(out.size):
            out[a] += x * matrix[b, a]


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def gradient(codes, targets, cores, start, heads, means, scale, grads, of_start, of_heads):
    """Fill the gradients of half the squared error of some sequences, times a factor.

    Args:
        codes: (n, B) uint8, positions first.
        targets: (B, O) float32.
        cores, start, heads, means: (n, m, k, k), (k,), (k, O), (O,) float32: f = means + start G_1 .. G_n heads.
        scale: the factor.
        grads, of_start, of_heads: of the same shapes, overwritten; the heads' has that of the means as a last row.
    """
    n, count = codes.shape
    width, outputs = heads.shape
    grads[:], of_start[:], of_heads[:] = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    lefts = np.empty((n + 1, count, width), np.float32)
    lefts[0] = start
    for i in range(n):
        for r in range(count):
            _times(lefts[i, r], cores[i, codes[i, r]], lefts[i + 1, r])
    backs = np.zeros((count, width), np.float32)
    for r in range(count):
        for o in range(outputs):
            value = means[o]
            for a in range(width):
                value += lefts[n, r, a] * heads[a, o]
            error = (value - targets[r, o]) * scale
            of_heads[width, o] += error
            for a in range(width):
                of_heads[a, o] += error * lefts[n, r, a]
                backs[r, a] += error * heads[a, o]
    transposed, after = np.empty(cores.shape[1:], np.float32), np.empty(width, np.float32)
    for i in range(n - 1, -1, -1):
        for letter in range(cores.shape[1]):
            transposed[letter] = cores[i, letter].T
        for r in range(count):
            letter = codes[i, r]
            back = backs[r]
            for a in range(width):
                x = lefts[i, r, a]
                for b in range(width):
                    grads[i, letter, a, b] += x * back[b]
            _times_t(transposed[letter], back, after)
            back[:] = after
    for r in range(count):
        of_start += backs[r]


@numba.njit(cache=True, nogil=True)
def squared_norm(parts):
    """Add the parts up into the first, and return the sum of squares of it."""
    flat = parts.reshape(parts.shape[0], -1)
    total = 0.0
    for j in range(flat.shape[1]):
        value = flat[0, j]
        for p in range(1, flat.shape[0]):
            value += flat[p, j]
        flat[0, j] = value
        total += value * value
    return total


@numba.njit(cache=True, nogil=True)
def adam(values, grads, first, second, step, rate, factor):
    """Take one step of Adam (Kingma & Ba 2015) with beta 0.9 and 0.99; `factor` is that of gradient clipping."""
    c1, c2 = np.float32(1 / (1 - 0.9**step)), np.float32(1 / (1 - 0.99**step))
    for j in range(values.size):
        g = grads[j] * factor
        first[j] = np.float32(0.9) * first[j] + np.float32(0.1) * g
        second[j] = np.float32(0.99) * second[j] + np.float32(0.01) * g * g
        values[j] -= rate * (first[j] * c1) / (np.sqrt(second[j] * c2) + np.float32(1e-8))
