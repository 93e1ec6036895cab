"""The q-ary sparse Fourier transform (q-SFT; Erginbas et al. 2023) on the lattice of the plan.

Each matrix hashes the coefficients into bins by an FFT; bins that hold one coefficient give away
its frequencies by the phases between offsets; found coefficients are peeled from all bins they
hash to, which leaves further bins with one. Every step works on all bins at once. What was found is
fitted again, by ridge regression, on all samples.
"""

from dataclasses import dataclass

import numpy as np

from ..design import Lattice
from ..faithfulness import r_squared
from . import Fit, Samples
from .coefficients import terms_from_coefficients

MOST_ROUNDS = 50
NOISE_FACTOR = 1.5  # a bin is explained when what is left is below this times the noise
EXACT = 1e-20  # the noise of an exactly sparse function, relative to its power
RIDGES = 10.0 ** np.arange(-12, 1.01, 1)
MOST_SHARE = 0.25  # features per sample in the refit


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Peel the lattice, then refit the coefficients found and all of order 1."""
    lattice = samples.plan.lattice
    assert lattice is not None
    found, strength, rounds = peel(lattice, samples.plan.seed, samples.lattice_values)
    frequencies = _candidates(lattice, found, strength, max_order, int(MOST_SHARE * len(samples.values)))
    free = samples.plan.template.free
    train = _features(samples.codes[:, free], frequencies, lattice.radix)
    check = _features(samples.validation_codes[:, free], frequencies, lattice.radix)
    path = _ridge(train, samples.values)
    scores = [r_squared(samples.validation_values, b + check @ w) for b, w in path]
    best = int(np.argmax(scores))
    intercept, w = path[best]
    terms = terms_from_coefficients(samples.plan.template, *_coefficients(frequencies, w, lattice.radix))
    details = {"coefficients": len(found), "rounds": rounds, "ridge": float(RIDGES[best])}
    return Fit(float(intercept), terms, details)


@dataclass(frozen=True)
class Bins:
    """The bins of all matrices, and how coefficients fall into them.

    Attributes:
        radix: m.
        matrices: (C, free, b).
        shifts: (D, free) offsets; each base offset is followed by itself minus e_i, i = 1..free.
        values: (C, bins, D) complex128; peeling subtracts from them.
    """

    radix: int
    matrices: np.ndarray
    shifts: np.ndarray
    values: np.ndarray

    def places(self, frequencies: np.ndarray) -> np.ndarray:
        """Return the (C, K) bins that (K, free) coefficients hash to: j = M^T k."""
        digits = np.einsum("cfb,kf->ckb", self.matrices, frequencies) % self.radix
        return digits @ self.radix ** np.arange(digits.shape[2])[::-1]

    def signatures(self, frequencies: np.ndarray) -> np.ndarray:
        """Return the (K, D) phases w^<d,k> of coefficients under the offsets."""
        powers = np.exp(2j * np.pi / self.radix * np.arange(self.radix))
        return powers[frequencies @ self.shifts.T % self.radix]


def transform(lattice: Lattice, seed: int, values: np.ndarray) -> Bins:
    """Hash: U_d[j] = m^-b sum_l f(M l + d) w^-<j,l>, for all matrices and offsets."""
    grid = values.reshape(lattice.matrices, lattice.delays, *(lattice.radix,) * lattice.dimension)
    axes = tuple(range(2, grid.ndim))
    bins = np.fft.fftn(grid, axes=axes, norm="forward")
    bins = bins.reshape(lattice.matrices, lattice.delays, lattice.bins)
    return Bins(
        lattice.radix,
        lattice.subsampling(seed),
        lattice.shifts(seed),
        np.ascontiguousarray(bins.transpose(0, 2, 1)),
    )


def peel(lattice: Lattice, seed: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Find coefficients until no bin holds just one.

    Args:
        values: (lattice.size,) float64, the model at the lattice's queries.

    Returns:
        (K, free) frequencies without the zero one, closed under negation, in lexical order; their
        (K,) magnitudes; the number of rounds.
    """
    bins = transform(lattice, seed, values)
    floor = EXACT * float(np.mean(values**2))
    found: dict[tuple[int, ...], complex] = {}
    rounds = 0
    while rounds < MOST_ROUNDS:
        rounds += 1
        energies = np.mean(np.abs(bins.values) ** 2, axis=2)
        cutoff = floor + NOISE_FACTOR * _noise(energies, lattice.delays)
        frequencies, amplitudes = _singletons(bins, energies > cutoff, cutoff)
        if not len(frequencies):
            break
        for places, residual in zip(bins.places(frequencies), bins.values, strict=True):
            np.subtract.at(residual, places, amplitudes[:, None] * bins.signatures(frequencies))
        before = len(found)
        for k, f in zip(map(tuple, frequencies.tolist()), amplitudes, strict=True):
            found[k] = found.get(k, 0) + f
        if len(found) == before:  # only corrections of what is known; the refit does those better
            break
    found.pop((0,) * lattice.free, None)
    keys = sorted(found)
    strength = np.abs([found[k] for k in keys])
    return np.array(keys, np.int64).reshape(-1, lattice.free), strength, rounds


def _noise(energies: np.ndarray, delays: int) -> float:
    """The noise of a bin, from the tenth of the bins with the least energy.

    The mean of `delays` squared magnitudes of noise spreads by 1 / sqrt(delays) about its
    expectation, so its lowest tenth ends 1.28 such spreads below. Bins that hold coefficients lie
    above and do not matter; of an exactly sparse function the result is zero.
    """
    return float(np.quantile(energies, 0.1)) / max(1 - 1.28 / np.sqrt(delays), 0.3)


def _singletons(bins: Bins, active: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Decode all active bins; return the distinct coefficients of those that hold just one.

    k_i = round(arg(mean_p U[p, 0] conj U[p, i]) m / 2 pi) mod m; the bin is accepted when
    |U - rho s|^2 / D is below the cutoff and the coefficient hashes to this very bin. Where a
    coefficient is seen in several bins the cleanest counts; its conjugate is added.
    """
    matrix, place = np.nonzero(active)
    u = bins.values[matrix, place]  # (B, D)
    free = bins.shifts.shape[1]
    by_offset = u.reshape(len(u), len(bins.shifts) // (free + 1), free + 1)
    phases = np.angle(np.einsum("bp,bpi->bi", by_offset[:, :, 0], by_offset[:, :, 1:].conj()))
    k = np.rint(phases * bins.radix / (2 * np.pi)).astype(np.int64) % bins.radix
    s = bins.signatures(k)
    rho = np.mean(s.conj() * u, axis=1)
    residual = np.mean(np.abs(u - rho[:, None] * s) ** 2, axis=1)
    good = (residual <= cutoff) & (bins.places(k)[matrix, np.arange(len(k))] == place)
    k, rho, residual = k[good], rho[good], residual[good]
    k = np.concatenate([k, -k % bins.radix])
    rho = np.concatenate([rho, rho.conj()])
    order = np.argsort(np.concatenate([residual, residual]), kind="stable")
    k, rho = k[order], rho[order]
    _, first = np.unique(k, axis=0, return_index=True)
    k, rho = k[first], rho[first]
    own = (k == -k % bins.radix).all(1)  # its own conjugate: real
    return k, np.where(own, rho.real, rho)


def _candidates(
    lattice: Lattice, found: np.ndarray, strength: np.ndarray, max_order: int | None, most: int
) -> np.ndarray:
    """One of each conjugate pair: all of order 1, then the strongest found, `most` features in all."""
    m, free = lattice.radix, lattice.free
    singles = np.concatenate([np.eye(free, dtype=np.int64) * k for k in range(1, m)])
    orders = (found > 0).sum(1)
    keep = (orders > 1) & (orders <= (max_order or free))
    ranked = found[keep][np.argsort(-strength[keep], kind="stable")]
    frequencies = np.concatenate([singles, ranked])
    mirrored = -frequencies % m
    different = frequencies != mirrored
    column = np.argmax(different, axis=1)
    row = np.arange(len(frequencies))
    canonical = ~different.any(1) | (frequencies[row, column] < mirrored[row, column])
    return frequencies[canonical][: max(most // 2, (m - 1) * free)]


def _features(codes: np.ndarray, frequencies: np.ndarray, radix: int) -> np.ndarray:
    """(N, F) float64: the cosine of each coefficient, then the sine of those that have one."""
    angle = (codes.astype(np.int32) @ frequencies.T.astype(np.int32)) % radix
    wave = np.exp(2j * np.pi / radix * np.arange(radix))
    paired = _paired(frequencies, radix)
    return np.concatenate([wave.real[angle], wave.imag[angle[:, paired]]], axis=1)


def _paired(frequencies: np.ndarray, radix: int) -> np.ndarray:
    return (frequencies != -frequencies % radix).any(1)


def _coefficients(frequencies: np.ndarray, w: np.ndarray, radix: int) -> tuple[np.ndarray, np.ndarray]:
    """Undo `_features`: coefficients F with f = sum Re(F w^<k,x>), both of every pair."""
    paired = _paired(frequencies, radix)
    f = w[: len(frequencies)].astype(np.complex128)
    f[paired] = (f[paired] - 1j * w[len(frequencies) :]) / 2
    both = np.concatenate([frequencies, -frequencies[paired] % radix])
    return both, np.concatenate([f, f[paired].conj()])


def _ridge(features: np.ndarray, values: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """The intercept and weights for each of RIDGES, from one eigendecomposition."""
    means, mean = features.mean(0), values.mean()
    gram = features.T @ features - len(values) * np.outer(means, means)
    right = features.T @ (values - mean) - means * np.sum(values - mean)
    eigenvalues, vectors = np.linalg.eigh(gram)
    rotated = vectors.T @ right
    path = []
    for ridge in RIDGES * len(values):
        w = vectors @ (rotated / (np.maximum(eigenvalues, 0) + ridge))
        path.append((mean - means @ w, w))
    return path
