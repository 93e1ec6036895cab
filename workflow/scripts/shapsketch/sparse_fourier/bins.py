"""The bins of the sparse Fourier transform: what the coefficients of a function add up to.

Each matrix of the lattice hashes the coefficients into bins by an FFT (Erginbas et al. 2023):
U_d[j] = m^-b sum_l f(M l + d) w^-<j,l> = sum over k with M^T k = j of F[k] w^<d,k>. `spread` adds
coefficients to the bins, `gather` is its adjoint, and with both, coefficients are fitted to the bins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from .subsampling import Lattice

MAX_STEPS = 100  # of conjugate gradients at most; the waves are nearly orthogonal on the lattice
MIN_POWER = 1e-300  # the least energy that is divided by
RIDGE = 1e-14  # per value; keeps what the lattice cannot tell apart finite


@dataclass(frozen=True)
class Bins:
    """The bins of all matrices, and how coefficients fall into them.

    Attributes:
        lattice: the lattice.
        mixing: (C, r - b, b) int64, the random part of the matrices.
        matrices: (C, free, b) int64.
        shifts: (D, free) int64 offsets.
        roots: (m,) complex128, the powers of w = exp(2 pi i / m).
        values: (C, bins, D) complex128.
        false_positives: how many are expected among all frequencies of an order that noise could be taken for.
    """

    lattice: Lattice
    mixing: np.ndarray
    matrices: np.ndarray
    shifts: np.ndarray
    roots: np.ndarray
    values: np.ndarray
    false_positives: float = 0.01

    def energies(self) -> np.ndarray:
        """Return the (C, bins) mean squares of the bins."""
        return _mean_squares(self.values)

    def update(self, energies: np.ndarray, changed: np.ndarray) -> None:
        """Bring (C, bins) energies up to date where bins have changed."""
        energies[changed] = _mean_squares(self.values[changed])

    def half(self) -> np.ndarray:
        """Return (bins,) one of each bin j and -j: of a real function, -j holds the conjugates of j."""
        cube = np.arange(self.lattice.bins).reshape((self.lattice.radix,) * self.lattice.dimension)
        axes = tuple(range(cube.ndim))
        return (cube <= np.roll(np.flip(cube, axes), 1, axes)).ravel()

    def add(self, k: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Add (K,) complex128 coefficients at (K, free) frequencies, each with its conjugate.

        Returns:
            (C, bins) bool, the bins that changed.
        """
        return self._add(self.values, k, f)

    def spread(self, k: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Return the (C, bins, D) bins of a function with these coefficients."""
        values = np.zeros_like(self.values)
        self._add(values, k, f)
        return values

    def _add(self, values: np.ndarray, k: np.ndarray, f: np.ndarray) -> np.ndarray:
        places, mirrors = self.places(k), self.places(-k % self.lattice.radix)
        _spread(values, f, places, mirrors, ~is_real(k, self.lattice.radix), k, *self._phase_tables(k))
        changed = np.zeros(values.shape[:2], bool)
        for row in (places, mirrors):
            np.put_along_axis(changed, row, True, axis=1)
        return changed

    def gather(self, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 sums over bins and offsets of values w^-<d,k>; real where k = -k."""
        return self._gather(self.places(k), k, values)

    def _gather(self, places: np.ndarray, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        f = _gather(values, places, k, *self._phase_tables(k))
        return np.where(is_real(k, self.lattice.radix), f.real, f)

    def places(self, k: np.ndarray) -> np.ndarray:
        """Return the (C, K) bins of (K, free) frequencies."""
        return _places(k, self.matrices, self._reduced(k), self.roots.size)

    def wave_power(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (K,) power of the waves of (K, free) frequencies in their bins, and the mean squares left."""
        places = self.places(k)
        power = np.abs(self._gather(places, k, self.values) / (self.lattice.matrices * self.lattice.delays)) ** 2
        return power, np.take_along_axis(self.energies(), places, 1).mean(0) - power

    def screen(self, groups: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """Yield how strong waves are at the first base offset, over what noise of their bins' energy gives on average.

        Args:
            groups: (S, order) int64 positions, and (L, order) int64 letters at each of these supports.

        Yields:
            (S, L) float32.
        """
        radix, first, letters = self.lattice.radix, slice(self.lattice.steps), np.arange(self.lattice.radix)[:, None]
        phases = self.roots[self.shifts[first].T[:, None] * letters % radix]  # (free, radix, steps)
        energies, digits = self.energies(), self.matrices[:, :, None] * letters % radix  # (C, free, radix, b)
        scale = max(float(energies.mean()), MIN_POWER)  # single precision is enough, but not for any scale
        values, energies = self.values[:, :, first] / np.sqrt(scale), energies / scale
        values, phases = (
            np.stack([z.real, z.imag], 2, dtype=np.float32, casting="same_kind") for z in (values, phases)
        )
        for supports, own in groups:
            reduced = np.arange(supports.shape[1] * radix) % radix
            yield _screen(values, energies, supports, own, digits, phases, reduced)

    def fit(self, k: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 coefficients that fit the values best, by least squares.

        Only waves that share a bin are not orthogonal, so the normal equations are sparse.
        """
        paired = ~is_real(k, self.lattice.radix)
        both = np.concatenate([k, -k[paired] % self.lattice.radix])
        right = self.gather(k, self.values)
        right = np.concatenate([right, right[paired].conj()])
        gram = self._gram(both)
        gram = gram + RIDGE * scipy.sparse.diags_array(gram.diagonal())
        found, _ = scipy.sparse.linalg.cg(gram, right, rtol=1e-13, maxiter=MAX_STEPS)
        found = found[: len(k)]
        return np.where(paired, found, found.real)

    def _gram(self, k: np.ndarray) -> scipy.sparse.csr_array:
        """The (K, K) inner products over all bins and offsets of the waves of (K, free) frequencies."""
        places = self.places(k)
        pairs = []
        for row in places:
            where = np.argsort(row, kind="stable")
            row = row[where]
            starts = np.searchsorted(row, row, "left")
            counts = np.searchsorted(row, row, "right") - starts
            second = where[np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
            pairs.append((np.repeat(where, counts), second))
        first, second = np.concatenate(pairs, axis=1)
        phases = self._phase_tables(np.full((1, k.shape[1]), self.lattice.radix - 1))
        products = _inner_products(k, first, second, *phases, self.lattice.radix)
        return scipy.sparse.csr_array((products, (first, second)), (len(k), len(k)))

    def _phase_tables(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The (free, D) offsets, and w to every power that <d,k> can have before it is reduced."""
        return np.ascontiguousarray(self.shifts.T), self.roots[self._reduced(k)]

    def _reduced(self, k: np.ndarray) -> np.ndarray:
        """All that a product of (K, free) frequencies with letters can be, modulo the radix."""
        radix = self.lattice.radix
        return np.arange(int(k.sum(1).max(initial=0)) * (radix - 1) + 1) % radix


def transform(lattice: Lattice, seed: int, values: np.ndarray) -> Bins:
    """Hash the (lattice.size,) float64 values of a function at the lattice's queries."""
    grid = values.reshape(lattice.matrices, lattice.delays, *(lattice.radix,) * lattice.dimension)
    bins = scipy.fft.fftn(grid, axes=tuple(range(2, grid.ndim)), norm="forward")
    bins = bins.reshape(lattice.matrices, lattice.delays, lattice.bins)
    return Bins(
        lattice,
        lattice.mixing(seed),
        lattice.subsampling(seed),
        lattice.shifts(seed),
        np.exp(2j * np.pi / lattice.radix * np.arange(lattice.radix)),
        np.ascontiguousarray(bins.transpose(0, 2, 1)),
    )


def is_real(k: np.ndarray, radix: int) -> np.ndarray:
    """Return (K,) whether the wave of a (K, free) frequency is real: k = -k mod the radix."""
    return ((k == 0) | (2 * k == radix)).all(1)


def is_larger(k: np.ndarray, radix: int) -> np.ndarray:
    """Whether (K, free) frequencies are the lexically larger one of their conjugate pair."""
    mirrored = -k % radix
    row, column = np.arange(len(k)), np.argmax(k != mirrored, axis=1)
    return k[row, column] > mirrored[row, column]


def pair_scale(k: np.ndarray, radix: int) -> np.ndarray:
    """The (K,) factors that give waves (with their conjugates) unit power: 1 if k = -k, else sqrt(1/2)."""
    return np.where(is_real(k, radix), 1.0, np.sqrt(0.5))


def _mean_squares(values: np.ndarray) -> np.ndarray:
    """The mean of |z|^2 along the last axis."""
    parts = values.view(np.float64)
    return np.vecdot(parts, parts) / values.shape[-1]


@numba.njit(cache=True, parallel=True)
def _places(k: np.ndarray, matrices: np.ndarray, reduced: np.ndarray, radix: int) -> np.ndarray:
    places = np.zeros((len(matrices), len(k)), np.int64)
    for a in numba.prange(len(k)):
        positions = np.flatnonzero(k[a])
        for c in range(len(matrices)):
            places[c, a] = _place(positions, k[a][positions], matrices[c], reduced, radix)
    return places


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
def _spread(
    values: np.ndarray,
    f: np.ndarray,
    places: np.ndarray,
    mirrors: np.ndarray,
    paired: np.ndarray,
    k: np.ndarray,
    shifts: np.ndarray,
    powers: np.ndarray,
) -> None:
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


@numba.njit(cache=True, parallel=True)
def _gather(
    values: np.ndarray, places: np.ndarray, k: np.ndarray, shifts: np.ndarray, powers: np.ndarray
) -> np.ndarray:
    f = np.zeros(len(k), np.complex128)
    for a in numba.prange(len(k)):
        real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
        _write_phases(k[a], shifts, powers, real, imag)
        for c in range(len(places)):
            f[a] += _dot(values[c, places[c, a]], real, imag)
    return f


# What consecutive letters have in common at the first positions of a support is kept.
@numba.njit(cache=True, parallel=True, fastmath={"reassoc", "contract"})
def _screen(
    values: np.ndarray,
    energies: np.ndarray,
    supports: np.ndarray,
    letters: np.ndarray,
    digits: np.ndarray,
    phases: np.ndarray,
    reduced: np.ndarray,
) -> np.ndarray:
    count, _, _, steps = values.shape
    order, dimension, radix = supports.shape[1], digits.shape[3], phases.shape[1]
    strengths = np.empty((len(supports), len(letters)), np.float32)
    for s in numba.prange(len(supports)):
        products = np.empty((order, 2, steps), np.float32)
        sums = np.zeros((order, count, dimension), np.int64)
        for b in range(len(letters)):
            same = b > 0
            for i in range(order):
                same = same and letters[b, i] == letters[b - 1, i]
                if same:
                    continue
                phase, own = phases[supports[s, i], letters[b, i]], digits[:, supports[s, i], letters[b, i]]
                if i == 0:
                    products[0], sums[0] = phase, own
                    continue
                sums[i] = sums[i - 1] + own
                real, imag = products[i - 1]
                for d in range(steps):
                    products[i, 0, d] = real[d] * phase[0, d] - imag[d] * phase[1, d]
                    products[i, 1, d] = real[d] * phase[1, d] + imag[d] * phase[0, d]
            x, y, energy = np.float32(0), np.float32(0), 1e-300
            real, imag = products[order - 1]
            for c in range(count):
                place = 0
                for t in range(dimension):
                    place = place * radix + reduced[sums[order - 1, c, t]]
                row = values[c, place]
                for d in range(steps):
                    x += row[0, d] * real[d] + row[1, d] * imag[d]
                    y += row[1, d] * real[d] - row[0, d] * imag[d]
                energy += energies[c, place]
            strengths[s, b] = (x * x + y * y) / (energy * steps)
    return strengths


@numba.njit(cache=True, parallel=True)
def _inner_products(
    k: np.ndarray, first: np.ndarray, second: np.ndarray, shifts: np.ndarray, powers: np.ndarray, radix: int
) -> np.ndarray:
    products = np.empty(first.size, np.complex128)
    for a in numba.prange(first.size):
        real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
        _write_phases((k[second[a]] - k[first[a]]) % radix, shifts, powers, real, imag)
        products[a] = complex(real.sum(), imag.sum())
    return products
