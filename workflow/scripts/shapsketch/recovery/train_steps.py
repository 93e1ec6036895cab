"""Compiled gradient steps of tensor trains: the loop behind `train`.

float32, positions outside, sequences inside, so that a position's matrices and their gradients stay in L1. A batch is
divided into `PARTS` whatever the number of threads, and their gradients are added in order: threads do not change
results.
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


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def gradient(codes, targets, cores, start, heads, means, parts, start_parts, head_parts):
    """Fill the gradients of half the mean squared error of a batch, a part at a time; return the sum of squares.

    Args:
        codes: (n, B) uint8, positions first.
        targets: (B, O) float32.
        cores, start, heads, means: (n, m, k, k), (k,), (k, O), (O,) float32: f = means + start G_1 .. G_n heads.
        parts, start_parts, head_parts: (PARTS, ...) of the same shapes, overwritten; heads' have means as a last row.
    """
    n, count = codes.shape
    width, outputs = heads.shape
    losses = np.zeros(PARTS)
    for part in numba.prange(PARTS):
        first, last = part * count // PARTS, (part + 1) * count // PARTS
        size = last - first
        grads, of_start, of_heads = parts[part], start_parts[part], head_parts[part]
        grads[:], of_start[:], of_heads[:] = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        lefts = np.empty((n + 1, size, width), np.float32)
        lefts[0] = start
        for i in range(n):
            for r in range(size):
                _times(lefts[i, r], cores[i, codes[i, first + r]], lefts[i + 1, r])
        backs = np.zeros((size, width), np.float32)
        total = 0.0
        for r in range(size):
            for o in range(outputs):
                value = means[o]
                for a in range(width):
                    value += lefts[n, r, a] * heads[a, o]
                error = value - targets[first + r, o]
                total += error * error
                error /= np.float32(count * outputs)
                of_heads[width, o] += error
                for a in range(width):
                    of_heads[a, o] += error * lefts[n, r, a]
                    backs[r, a] += error * heads[a, o]
        losses[part] = total
        transposed, after = np.empty(cores.shape[1:], np.float32), np.empty(width, np.float32)
        for i in range(n - 1, -1, -1):
            for letter in range(cores.shape[1]):
                transposed[letter] = cores[i, letter].T
            for r in range(size):
                letter = codes[i, first + r]
                back = backs[r]
                for a in range(width):
                    x = lefts[i, r, a]
                    for b in range(width):
                        grads[i, letter, a, b] += x * back[b]
                _times_t(transposed[letter], back, after)
                back[:] = after
        for r in range(size):
            of_start += backs[r]
    return losses.sum()


@numba.njit(cache=True, parallel=True, fastmath={"contract"})
def outputs(codes, cores, start, heads, means, out):
    """Write the (N, O) values of (n, N) codes, positions first."""
    n, count = codes.shape
    width, block = start.size, 256
    for b in numba.prange((count + block - 1) // block):
        first, last = b * block, min((b + 1) * block, count)
        left, after = np.empty((last - first, width), np.float32), np.empty(width, np.float32)
        left[:] = start
        for i in range(n):
            for r in range(last - first):
                _times(left[r], cores[i, codes[i, first + r]], after)
                left[r] = after
        for r in range(last - first):
            for o in range(heads.shape[1]):
                value = means[o]
                for a in range(width):
                    value += left[r, a] * heads[a, o]
                out[first + r, o] = value


@numba.njit(cache=True, parallel=True)
def squared_norm(parts):
    """Add the parts up into the first, and return the sum of squares of it."""
    sums = np.zeros(64)
    flat = parts.reshape(parts.shape[0], -1)
    size = flat.shape[1]
    for s in numba.prange(64):
        total = 0.0
        for j in range(s * size // 64, (s + 1) * size // 64):
            value = flat[0, j]
            for p in range(1, flat.shape[0]):
                value += flat[p, j]
            flat[0, j] = value
            total += value * value
        sums[s] = total
    return sums.sum()


@numba.njit(cache=True, parallel=True)
def adam(values, grads, first, second, step, rate, factor):
    """Take one step of Adam (Kingma & Ba 2015) with beta 0.9 and 0.99; `factor` is that of gradient clipping."""
    c1, c2 = np.float32(1 / (1 - 0.9**step)), np.float32(1 / (1 - 0.99**step))
    size = values.size
    for s in numba.prange(64):
        for j in range(s * size // 64, (s + 1) * size // 64):
            g = grads[j] * factor
            first[j] = np.float32(0.9) * first[j] + np.float32(0.1) * g
            second[j] = np.float32(0.99) * second[j] + np.float32(0.01) * g * g
            values[j] -= rate * (first[j] * c1) / (np.sqrt(second[j] * c2) + np.float32(1e-8))
