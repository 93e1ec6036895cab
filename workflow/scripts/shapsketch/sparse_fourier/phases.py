"""Reading the parity checks of bins from the phases between their offsets."""

from collections.abc import Iterator

import numba
import numpy as np

from ..sequences.parallel import share_out
from .bins import Bins

MAX_FLIPPED_PHASES = 4  # the doubtful phases that are tried at their second-best value


def read(
    bins: Bins, vectors: np.ndarray, rows: np.ndarray, matrix: np.ndarray, place: np.ndarray, sweeps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read (A,) bins that each hold one coefficient.

    U_{d-h} / U_d = w^-<h,k> for a bin with one coefficient: the check is the letter a that maximises
    Re sum_p ref_p conj(U_{p,h}) w^-a, first with ref_p = U_p at the base offset, then with its mean
    over all offsets of p turned back by the checks. The bin itself gives the first b checks.

    Args:
        bins: where they are from.
        vectors, rows: (V, D) complex128 and (A,) int64, which of the vectors are to be read.
        matrix, place: (A,) int64, the bins that they are of.
        sweeps: 2 reads once more with the means.

    Returns:
        (A, r) int64 checks; (A, r - b) int64 the second-best letters of the last r - b; (A, r - b)
        float64 by how much they are worse; (A,) float64 the mean square about the mean over the offsets
        of each p, turned back.
    """
    _, count, dimension = bins.mixing.shape
    checks = np.empty((matrix.size, dimension + count), np.int64)
    second = np.empty((matrix.size, count), np.int64)
    margins, left = np.empty((matrix.size, count)), np.empty(matrix.size)
    bases = (bins.mixing, bins.lattice.offsets, bins.roots)
    share_out(_read, matrix.size, vectors, rows, matrix, place, *bases, sweeps, checks, second, margins, left)
    return checks, second, margins, left


def flips(
    bins: Bins, matrix: np.ndarray, checks: np.ndarray, second: np.ndarray, margins: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield (A, r) checks, each time with another of the most doubtful letters at its second-best value (Chase 1972).

    Args:
        bins: where they are from.
        matrix: (A,) int64.
        checks, second, margins: (A, r) and twice (A, r - b), from `read`.
    """
    row, dimension = np.arange(len(checks)), bins.lattice.dimension
    for i in np.argsort(margins, axis=1)[:, :MAX_FLIPPED_PHASES].T:
        flipped = checks.copy()
        step = second[row, i] - flipped[row, dimension + i]
        flipped[row, dimension + i] += step
        flipped[:, :dimension] -= step[:, None] * bins.mixing[matrix, i]
        yield flipped % bins.lattice.radix


@numba.njit(cache=True)
def _letter(z: complex, roots: np.ndarray) -> tuple[int, int, float]:
    """The letters a with the largest and the second-largest Re z w^-a, and by how much they differ."""
    letter, runner_up, best, second = 0, 0, -np.inf, -np.inf
    for a in range(roots.size):
        score = z.real * roots[a].real + z.imag * roots[a].imag
        if score > best:
            runner_up, second = letter, best
            letter, best = a, score
        elif score > second:
            runner_up, second = a, score
    return letter, runner_up, best - second


@numba.njit(cache=True)
def _square(z: complex) -> float:
    return z.real * z.real + z.imag * z.imag


@numba.njit(cache=True)
def _mean_square(u: np.ndarray, checks: np.ndarray, roots: np.ndarray, bases: np.ndarray) -> float:
    """Write the mean over the offsets of each p, turned back by the checks; return the mean square about it."""
    left = 0.0
    for p in range(len(u)):
        mean = u[p, 0]
        for i in range(checks.size):
            mean += u[p, i + 1] * roots[checks[i]]
        bases[p] = mean / (checks.size + 1)
        left += _square(u[p, 0] - bases[p])
        for i in range(checks.size):
            left += _square(u[p, i + 1] * roots[checks[i]] - bases[p])
    return left / u.size


@numba.njit(cache=True, nogil=True)
def _read(
    start: int,
    stop: int,
    vectors: np.ndarray,
    rows: np.ndarray,
    matrix: np.ndarray,
    place: np.ndarray,
    mixing: np.ndarray,
    offsets: int,
    roots: np.ndarray,
    sweeps: int,
    checks: np.ndarray,
    second: np.ndarray,
    margins: np.ndarray,
    left: np.ndarray,
) -> None:
    _, count, dimension = mixing.shape
    radix = roots.size
    for a in range(start, stop):
        u = vectors[rows[a]].reshape(offsets, count + 1)
        bases = u[:, 0].copy()
        for _ in range(sweeps):
            for i in range(count):
                z = 0j
                for p in range(offsets):
                    z += bases[p] * u[p, i + 1].conjugate()
                checks[a, dimension + i], second[a, i], margins[a, i] = _letter(z, roots)
            left[a] = _mean_square(u, checks[a, dimension:], roots, bases)
        rest = place[a]
        for t in range(dimension - 1, -1, -1):
            digit = rest % radix
            rest //= radix
            for i in range(count):
                digit -= checks[a, dimension + i] * mixing[matrix[a], i, t]
            checks[a, t] = digit % radix
