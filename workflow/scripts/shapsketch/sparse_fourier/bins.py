"""The bins of the sparse Fourier transform: what the coefficients of a function add up to.

Each matrix of the lattice hashes the coefficients into bins by an FFT (Erginbas et al. 2023):
U_d[j] = m^-b sum_l f(M l + d) w^-<j,l> = sum over k with M^T k = j of F[k] w^<d,k>. `spread` adds
coefficients to the bins, `gather` is its adjoint, and with both, coefficients are fitted to the bins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.sparse.linalg

from ..sequences.parallel import share_out
from . import bin_kernels
from .subsampling import Lattice

MAX_CG_STEPS = 100  # of conjugate gradients at most; Fourier terms are nearly orthogonal on the lattice
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
        bin_kernels.spread(values, f, places, mirrors, ~is_real(k, self.lattice.radix), k, *self._phase_tables(k))
        changed = np.zeros(values.shape[:2], bool)
        for row in (places, mirrors):
            np.put_along_axis(changed, row, True, axis=1)
        return changed

    def gather(self, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 sums over bins and offsets of values w^-<d,k>; real where k = -k."""
        return self._gather(self.places(k), k, values)

    def _gather(self, places: np.ndarray, k: np.ndarray, values: np.ndarray) -> np.ndarray:
        f = np.zeros(len(k), np.complex128)
        share_out(bin_kernels.gather, len(k), values, places, k, *self._phase_tables(k), f)
        return np.where(is_real(k, self.lattice.radix), f.real, f)

    def places(self, k: np.ndarray) -> np.ndarray:
        """Return the (C, K) bins of (K, free) frequencies."""
        numbers = np.zeros((len(self.matrices), len(k)), np.int64)
        share_out(bin_kernels.places, len(k), k, self.matrices, self._reduced(k), self.roots.size, numbers)
        return numbers

    def term_power(self, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the power of the Fourier terms of (K, free) frequencies in their bins.

        Returns:
            (K,) float64, and the (K,) mean squares that are left of the bins without them.
        """
        places = self.places(k)
        power = np.abs(self._gather(places, k, self.values) / (self.lattice.matrices * self.lattice.delays)) ** 2
        return power, np.take_along_axis(self.energies(), places, 1).mean(0) - power

    def screen(self, groups: Sequence[tuple[np.ndarray, np.ndarray]]) -> Iterator[np.ndarray]:
        """Yield how strong Fourier terms are at the first base offset, as a multiple of what noise gives on average.

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
        for supports, letters_there in groups:
            reduced = np.arange(supports.shape[1] * radix) % radix
            strengths = np.empty((len(supports), len(letters_there)), np.float32)
            tables = (digits, phases, reduced)
            share_out(bin_kernels.screen, len(supports), values, energies, supports, letters_there, *tables, strengths)
            yield strengths

    def fit(self, k: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 coefficients that fit the values best, by least squares.

        Only terms that share a bin are not orthogonal, so the normal equations are sparse.
        """
        paired = ~is_real(k, self.lattice.radix)
        both = np.concatenate([k, -k[paired] % self.lattice.radix])
        right = self.gather(k, self.values)
        right = np.concatenate([right, right[paired].conj()])
        gram = self._gram(both)
        gram = gram + RIDGE * scipy.sparse.diags_array(gram.diagonal())
        f, _ = scipy.sparse.linalg.cg(gram, right, rtol=1e-13, maxiter=MAX_CG_STEPS)
        f = f[: len(k)]
        return np.where(paired, f, f.real)

    def _gram(self, k: np.ndarray) -> scipy.sparse.csr_array:
        """The (K, K) inner products over all bins and offsets of the Fourier terms of (K, free) frequencies."""
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
        products = np.empty(first.size, np.complex128)
        radix = self.lattice.radix
        share_out(bin_kernels.inner_products, first.size, k, first, second, *phases, radix, products)
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
    """Return (K,) whether the Fourier term of a (K, free) frequency is real: k = -k mod the radix."""
    return ((k == 0) | (2 * k == radix)).all(1)


def is_larger(k: np.ndarray, radix: int) -> np.ndarray:
    """Whether (K, free) frequencies are the lexically larger one of their conjugate pair."""
    mirrored = -k % radix
    row, column = np.arange(len(k)), np.argmax(k != mirrored, axis=1)
    return k[row, column] > mirrored[row, column]


def pair_scale(k: np.ndarray, radix: int) -> np.ndarray:
    """The (K,) factors that give terms (with their conjugates) unit power: 1 if k = -k, else sqrt(1/2)."""
    return np.where(is_real(k, radix), 1.0, np.sqrt(0.5))


def _mean_squares(values: np.ndarray) -> np.ndarray:
    """The mean of |z|^2 along the last axis."""
    parts = values.view(np.float64)
    return np.vecdot(parts, parts) / values.shape[-1]
