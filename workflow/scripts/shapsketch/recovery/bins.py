"""The bins of the sparse Fourier transform: what the coefficients of a function add up to.

Each matrix of the lattice hashes the coefficients into bins by an FFT (Erginbas et al. 2023):
U_d[j] = m^-b sum_l f(M l + d) w^-<j,l> = sum over k with M^T k = j of F[k] w^<d,k>. `spread` adds
coefficients to the bins, `gather` is its adjoint, and with both, coefficients are fitted to the bins.
"""

from dataclasses import dataclass

import numba
import numpy as np
import scipy.fft

from ..lattice import Lattice
from .ridge import bidiagonal_ridge

STEPS = 40  # of the Krylov method; the waves are nearly orthogonal on the lattice
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
    """

    lattice: Lattice
    mixing: np.ndarray
    matrices: np.ndarray
    shifts: np.ndarray
    wave: np.ndarray
    values: np.ndarray

    def energies(self) -> np.ndarray:
        """Return the (C, bins) mean squares of the bins."""
        return np.mean(self.values.real**2 + self.values.imag**2, axis=2)

    def update(self, energies: np.ndarray, changed: np.ndarray) -> None:
        """Bring (C, bins) energies up to date where bins have changed."""
        part = self.values[changed]
        energies[changed] = np.mean(part.real**2 + part.imag**2, axis=1)

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
        changed = np.zeros(self.values.shape[:2], bool)
        _spread(self.values, changed, k, f, self.matrices, self.shifts, self.wave)
        return changed

    def spread(self, k: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Return the (C, bins, D) bins of a function with these coefficients."""
        values, changed = np.zeros_like(self.values), np.zeros(self.values.shape[:2], bool)
        _spread(values, changed, k, f, self.matrices, self.shifts, self.wave)
        return values

    def gather(self, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the (K,) sums over bins and offsets of values w^-<d,k>; real where k = -k."""
        return _gather(values, k, self.matrices, self.shifts, self.wave)

    def mean_energies(self, k: np.ndarray) -> np.ndarray:
        """Return the (K,) mean squares of the values in the bins of (K, free) frequencies."""
        return _mean_energies(self.energies(), k, self.matrices, self.wave.size)

    def fit(self, k: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 coefficients that fit the values best, by least squares."""
        scale = pair_scale(k, self.lattice.radix)

        def forward(w: np.ndarray) -> np.ndarray:
            return self.spread(k, w.view(np.complex128) * scale).ravel().view(np.float64)

        def adjoint(r: np.ndarray) -> np.ndarray:
            return (self.gather(k, r.view(np.complex128).reshape(self.values.shape)) / scale).view(np.float64)

        size = self.lattice.matrices * self.lattice.delays
        target = self.values.ravel().view(np.float64)
        w = bidiagonal_ridge(forward, adjoint, target, np.array([RIDGE * size]), STEPS)[0]
        return w.view(np.complex128) * scale


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


@numba.njit(cache=True)
def _locate(k, letters, matrix, radix):
    """The bin of k and that of -k, and whether they are the same frequency."""
    place, mirrored, own = 0, 0, True
    for t in range(matrix.shape[1]):
        digit = 0
        for i in letters:
            digit += k[i] * matrix[i, t]
        place = place * radix + digit % radix
        mirrored = mirrored * radix + -digit % radix
    for i in letters:
        own &= 2 * k[i] % radix == 0
    return place, mirrored, own


@numba.njit(cache=True)
def _signature(k, letters, shifts, wave, signature):
    inverse = 1 / wave.size
    for d in range(len(shifts)):
        angle = 0
        for i in letters:
            angle += k[i] * shifts[d, i]
        signature[d] = wave[angle - wave.size * int(angle * inverse + 1e-9)]  # angle % wave.size, faster


@numba.njit(cache=True)
def _spread(values, changed, k, f, matrices, shifts, wave):
    signature = np.empty(len(shifts), np.complex128)
    for a in range(len(k)):
        letters = np.flatnonzero(k[a])
        _signature(k[a], letters, shifts, wave, signature)
        for c in range(len(matrices)):
            place, mirrored, own = _locate(k[a], letters, matrices[c], wave.size)
            changed[c, place] = changed[c, mirrored] = True
            for d in range(len(shifts)):
                value = f[a] * signature[d]
                values[c, place, d] += value
                if not own:
                    values[c, mirrored, d] += value.conjugate()


@numba.njit(cache=True, parallel=True)
def _gather(values, k, matrices, shifts, wave):
    f = np.zeros(len(k), np.complex128)
    for a in numba.prange(len(k)):
        signature = np.empty(len(shifts), np.complex128)
        letters = np.flatnonzero(k[a])
        _signature(k[a], letters, shifts, wave, signature)
        for c in range(len(matrices)):
            place, _, own = _locate(k[a], letters, matrices[c], wave.size)
            row, real, imag = values[c, place], 0.0, 0.0
            for d in range(len(shifts)):
                z, w = row[d], signature[d]
                real += z.real * w.real + z.imag * w.imag
                imag += z.imag * w.real - z.real * w.imag
            f[a] += complex(real, imag)
            if own:
                f[a] = f[a].real
    return f


@numba.njit(cache=True)
def _mean_energies(energies, k, matrices, radix):
    total = np.zeros(len(k))
    for a in range(len(k)):
        letters = np.flatnonzero(k[a])
        for c in range(len(matrices)):
            total[a] += energies[c, _locate(k[a], letters, matrices[c], radix)[0]]
    return total / len(matrices)
