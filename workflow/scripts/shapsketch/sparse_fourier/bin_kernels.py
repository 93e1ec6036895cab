"""The compiled loops of the bins: what coefficients add to bins, and what bins say of coefficients.

Those that take a range, `start` to `stop`, are called by `share_out`.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def places(
    start: int, stop: int, k: np.ndarray, matrices: np.ndarray, reduced: np.ndarray, radix: int, numbers: np.ndarray
) -> None:
    """Write the (C, K) bins of (K, free) frequencies; `reduced` holds all that a digit can be, modulo the radix."""
    for a in range(start, stop):
        positions = np.flatnonzero(k[a])
        for c in range(len(matrices)):
            numbers[c, a] = _place(positions, k[a][positions], matrices[c], reduced, radix)


@numba.njit(cache=True)
def _place(positions: np.ndarray, letters: np.ndarray, matrix: np.ndarray, reduced: np.ndarray, radix: int) -> int:
    """The number of the bin of a frequency that has these letters at these positions."""
    place = 0
    for t in range(matrix.shape[1]):
        digit = 0
        for i in range(positions.size):
            digit += letters[i] * matrix[positions[i], t]
        place = place * radix + reduced[digit]
    return place


@numba.njit(cache=True)
def _write_phases(k: np.ndarray, shifts: np.ndarray, powers: np.ndarray, real: np.ndarray, imag: np.ndarray) -> None:
    """Write w^<d,k> for every offset."""
    angles = np.zeros(real.size, np.int64)
    for i in range(k.size):
        if k[i]:
            for d in range(real.size):
                angles[d] += k[i] * shifts[i, d]
    for d in range(real.size):
        real[d], imag[d] = powers[angles[d]].real, powers[angles[d]].imag


# The sums over offsets may be taken in any order, hence several terms at once.
@numba.njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(row: np.ndarray, real: np.ndarray, imag: np.ndarray) -> complex:
    """The sum over offsets of row w^-<d,k>."""
    x, y = 0.0, 0.0
    for d in range(row.size):
        z = row[d]
        x += z.real * real[d] + z.imag * imag[d]
        y += z.imag * real[d] - z.real * imag[d]
    return complex(x, y)


@numba.njit(cache=True)
def spread(
    values: np.ndarray,
    f: np.ndarray,
    places: np.ndarray,
    mirrors: np.ndarray,
    paired: np.ndarray,
    k: np.ndarray,
    shifts: np.ndarray,
    powers: np.ndarray,
) -> None:
    """Add (K,) coefficients, and the conjugates of those that are `paired`, to (C, bins, D) values in place.

    Args:
        values: of the bins.
        f, k: (K,) complex128 and (K, free) int64.
        places, mirrors: (C, K) bins of k and of -k.
        paired: (K,) bool, where k is not -k.
        shifts: (free, D) offsets.
        powers: w to every power that <d,k> can have.
    """
    real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
    for a in range(len(k)):
        _write_phases(k[a], shifts, powers, real, imag)
        for c in range(len(places)):
            row = values[c, places[c, a]]
            for d in range(row.size):
                row[d] += f[a] * complex(real[d], imag[d])
            if paired[a]:
                row = values[c, mirrors[c, a]]
                for d in range(row.size):
                    row[d] += (f[a] * complex(real[d], imag[d])).conjugate()


@numba.njit(cache=True, nogil=True)
def gather(
    start: int,
    stop: int,
    values: np.ndarray,
    places: np.ndarray,
    k: np.ndarray,
    shifts: np.ndarray,
    powers: np.ndarray,
    f: np.ndarray,
) -> None:
    """Add to (K,) f the sums over bins and offsets of values w^-<d,k>; the adjoint of `spread` without conjugates."""
    for a in range(start, stop):
        real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
        _write_phases(k[a], shifts, powers, real, imag)
        for c in range(len(places)):
            f[a] += _dot(values[c, places[c, a]], real, imag)


# What consecutive letters have in common at the first positions of a support is kept.
@numba.njit(cache=True, nogil=True)
def screen(
    start: int,
    stop: int,
    values: np.ndarray,
    energies: np.ndarray,
    supports: np.ndarray,
    letters: np.ndarray,
    digits: np.ndarray,
    phases: np.ndarray,
    reduced: np.ndarray,
    strengths: np.ndarray,
) -> None:
    """Write the (S, L) float32 strengths of letters at supports, at the first base offset; see `Bins.screen`.

    Args:
        values: (C, bins, 2, steps) float32, real and imaginary parts.
        energies: (C, bins) mean squares, in the same unit.
        supports, letters: (S, order) positions and (L, order) letters.
        digits: (C, free, radix, b), the products of the matrices with each letter at each position.
        phases: (free, radix, 2, steps) float32, w^<d,k> of each letter at each position.
        reduced: all that a sum of digits can be, modulo the radix.
    """
    count, _, _, steps = values.shape
    order, dimension, radix = supports.shape[1], digits.shape[3], phases.shape[1]
    for s in range(start, stop):
        products = np.empty((order, 2, steps), np.float32)
        sums = np.zeros((order, count, dimension), np.int64)
        totals = np.empty((2, steps), np.float32)
        for b in range(len(letters)):
            same = b > 0
            for i in range(order):
                same = same and letters[b, i] == letters[b - 1, i]
                if same:
                    continue
                phase, digit = phases[supports[s, i], letters[b, i]], digits[:, supports[s, i], letters[b, i]]
                if i == 0:
                    products[0], sums[0] = phase, digit
                    continue
                sums[i] = sums[i - 1] + digit
                _multiply(products[i - 1], phase, products[i])
            strengths[s, b] = _strength(values, energies, products[order - 1], sums[order - 1], reduced, radix, totals)


@numba.njit(cache=True)
def _multiply(first: np.ndarray, second: np.ndarray, product: np.ndarray) -> None:
    """Write the product of complex numbers, each a (2, steps) array of real and imaginary parts."""
    for d in range(first.shape[1]):
        product[0, d] = first[0, d] * second[0, d] - first[1, d] * second[1, d]
        product[1, d] = first[0, d] * second[1, d] + first[1, d] * second[0, d]


# Sums are kept apart by offset until the end: their order is fixed, whatever the compiler makes of the loops.
@numba.njit(cache=True)
def _strength(
    values: np.ndarray,
    energies: np.ndarray,
    phases: np.ndarray,
    digits: np.ndarray,
    reduced: np.ndarray,
    radix: int,
    totals: np.ndarray,
) -> float:
    """The power of a frequency in its bins, given its (2, steps) phases and (C, b) digits, over the energy there."""
    totals[:] = 0
    energy = 1e-300
    for c in range(len(values)):
        place = 0
        for t in range(digits.shape[1]):
            place = place * radix + reduced[digits[c, t]]
        row = values[c, place]
        for d in range(phases.shape[1]):
            totals[0, d] += row[0, d] * phases[0, d] + row[1, d] * phases[1, d]
            totals[1, d] += row[1, d] * phases[0, d] - row[0, d] * phases[1, d]
        energy += energies[c, place]
    x, y = totals[0].sum(), totals[1].sum()
    return (x * x + y * y) / (energy * phases.shape[1])


@numba.njit(cache=True, nogil=True)
def inner_products(
    start: int,
    stop: int,
    k: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    shifts: np.ndarray,
    powers: np.ndarray,
    radix: int,
    products: np.ndarray,
) -> None:
    """Write the (P,) inner products, over the offsets, of the Fourier terms `first` and `second` of K frequencies."""
    for a in range(start, stop):
        real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
        _write_phases((k[second[a]] - k[first[a]]) % radix, shifts, powers, real, imag)
        products[a] = complex(real.sum(), imag.sum())
