"""The bins of the sparse Fourier transform: what the coefficients of a function add up to.

Each matrix of the lattice hashes the coefficients into bins by an FFT (Erginbas et al. 2023):
U_d[j] = m^-b sum_l f(M l + d) w^-<j,l> = sum over k with M^T k = j of F[k] w^<d,k>. `spread` adds
coefficients to the bins, `gather` is its adjoint, and with both, coefficients are fitted to the bins.
"""

from dataclasses import dataclass

import numba
import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from ..lattice import Lattice

STEPS = 100  # of conjugate gradients at most; the waves are nearly orthogonal on the lattice
RIDGE = 1e-14  # per value; keeps what the lattice cannot tell apart finite


@dataclass(frozen=True)
class Bins:
    """The bins of all matrices, and how coefficients fall into them.

    Attributes:
        lattice: the lattice.
        mixing: (C, r - b, b) int64, the random part of the matrices.
        matrices: (C, free, b) int64.
        shifts: (D, free) int64 offsets.
        wave: (m,) complex128, the powers of w = exp(2 pi i / m).
        values: (C, bins, D) complex128.
        false_positives: how many are expected among all frequencies of an order that noise could be taken for.
    """

    lattice: Lattice
    mixing: np.ndarray
    matrices: np.ndarray
    shifts: np.ndarray
    wave: np.ndarray
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
        mirrored = -k % self.lattice.radix
        places, mirrors = self.places(k), self.places(mirrored)
        _spread(values, f, places, mirrors, (k != mirrored).any(1), k, *self._waves(k))
        changed = np.zeros(values.shape[:2], bool)
        for row in (places, mirrors):
            np.put_along_axis(changed, row, True, axis=1)
        return changed

    def gather(self, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 sums over bins and offsets of values w^-<d,k>; real where k = -k."""
        f = _gather(values, self.places(k), k, *self._waves(k))
        return np.where((k != -k % self.lattice.radix).any(1), f, f.real)

    def places(self, k: np.ndarray) -> np.ndarray:
        """Return the (C, K) bins of (K, free) frequencies."""
        return _places(k, self.matrices, self.wave.size)

    def mean_energies(self, k: np.ndarray) -> np.ndarray:
        """Return the (K,) mean squares of the values in the bins of (K, free) frequencies."""
        return np.take_along_axis(self.energies(), self.places(k), 1).mean(0)

    def fit(self, k: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 coefficients that fit the values best, by least squares.

        Only waves that share a bin are not orthogonal, so the normal equations are sparse.
        """
        paired = (k != -k % self.lattice.radix).any(1)
        both = np.concatenate([k, -k[paired] % self.lattice.radix])
        right = self.gather(k, self.values)
        right = np.concatenate([right, right[paired].conj()])
        gram = self._gram(both)
        gram = gram + RIDGE * scipy.sparse.diags_array(gram.diagonal())
        found, _ = scipy.sparse.linalg.cg(gram, right, rtol=1e-13, maxiter=STEPS)
        found = found[: len(k)]
        return np.where(paired, found, found.real)

    def _gram(self, k: np.ndarray) -> scipy.sparse.csr_array:
        """The (K, K) inner products over all bins and offsets of the waves of (K, free) frequencies."""
        places = self.places(k)
        order = np.argsort(places, axis=1, kind="stable")
        places = np.take_along_axis(places, order, 1)
        waves = self._waves(np.full((1, k.shape[1]), self.lattice.radix - 1))
        shape = (len(k), len(k))
        total = scipy.sparse.csr_array(shape, dtype=np.complex128)
        for row, where in zip(places, order, strict=True):
            starts = np.searchsorted(row, row, "left")
            counts = np.searchsorted(row, row, "right") - starts
            first = np.repeat(where, counts)
            second = where[np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())]
            products = _wave_products(k, first, second, *waves, self.lattice.radix)
            total += scipy.sparse.csr_array((products, (first, second)), shape)
        return total

    def _waves(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The (free, D) offsets, and w to every power that <d,k> can have before it is reduced."""
        radix = self.lattice.radix
        most = int(k.sum(1).max(initial=0)) * (radix - 1)
        return np.ascontiguousarray(self.shifts.T), self.wave[np.arange(most + 1) % radix]


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


def pair_scale(k: np.ndarray, radix: int) -> np.ndarray:
    """The (K,) factors that give waves (with their conjugates) unit power: 1 if k = -k, else sqrt(1/2)."""
    return np.where((k == -k % radix).all(1), 1.0, np.sqrt(0.5))


def _mean_squares(values: np.ndarray) -> np.ndarray:
    """The mean of |z|^2 along the last axis."""
    parts = values.view(np.float64)
    return np.vecdot(parts, parts) / values.shape[-1]


@numba.njit(cache=True)
def _places(k, matrices, radix):
    places = np.zeros((len(matrices), len(k)), np.int64)
    for a in range(len(k)):
        for c in range(len(matrices)):
            digits = np.zeros(matrices.shape[2], np.int64)
            for i in range(k.shape[1]):
                if k[a, i]:
                    for t in range(digits.size):
                        digits[t] += k[a, i] * matrices[c, i, t]
            for digit in digits:
                places[c, a] = places[c, a] * radix + digit % radix
    return places


@numba.njit(cache=True)
def _turn(k, shifts, powers, real, imag):
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
def _dot(row, real, imag):
    """The sum over offsets of row w^-<d,k>."""
    x, y = 0.0, 0.0
    for d in range(row.size):
        z = row[d]
        x += z.real * real[d] + z.imag * imag[d]
        y += z.imag * real[d] - z.real * imag[d]
    return complex(x, y)


@numba.njit(cache=True)
def _spread(values, f, places, mirrors, paired, k, shifts, powers):
    real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
    for a in range(len(k)):
        _turn(k[a], shifts, powers, real, imag)
        for c in range(len(places)):
            row = values[c, places[c, a]]
            for d in range(row.size):
                row[d] += f[a] * complex(real[d], imag[d])
            if paired[a]:
                row = values[c, mirrors[c, a]]
                for d in range(row.size):
                    row[d] += (f[a] * complex(real[d], imag[d])).conjugate()


@numba.njit(cache=True, parallel=True)
def _gather(values, places, k, shifts, powers):
    f = np.zeros(len(k), np.complex128)
    for a in numba.prange(len(k)):
        real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
        _turn(k[a], shifts, powers, real, imag)
        for c in range(len(places)):
            f[a] += _dot(values[c, places[c, a]], real, imag)
    return f


@numba.njit(cache=True, parallel=True)
def _wave_products(k, first, second, shifts, powers, radix):
    products = np.empty(first.size, np.complex128)
    for a in numba.prange(first.size):
        real, imag = np.empty(shifts.shape[1]), np.empty(shifts.shape[1])
        _turn((k[second[a]] - k[first[a]]) % radix, shifts, powers, real, imag)
        products[a] = complex(real.sum(), imag.sum())
    return products
