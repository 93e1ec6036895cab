"""The q-ary sparse Fourier transform (q-SFT; Erginbas et al. 2023) on the lattice of the plan.

The lattice is peeled; what was found, with all of order 1, is fitted again on all samples by ridge
regression. The Fourier terms are never stored: on the lattice they are applied through its bins, on random
samples by looking up their phases. One bidiagonalisation gives the solutions of all ridges.
"""

import numba
import numpy as np

from ..fidelity.records import FitDetails
from ..sparse_fourier.bins import Bins, is_real, pair_scale, transform
from ..sparse_fourier.matching import low_orders
from ..sparse_fourier.peeling import peel
from ..spectrum.metrics import r_squared
from .base import Fit, Samples
from .coefficients import terms_from_coefficients
from .ridge import bidiagonal_ridge

RIDGES = np.append(0.0, 10.0 ** np.arange(-6, 1.01, 0.5))  # per sample
KRYLOV_STEPS = 40  # Krylov steps
MAX_SHARE = 0.25  # unknowns per sample in the refit
MAX_COEFFICIENTS = 10_000  # pairs in the refit
MAX_PHASES = 1 << 28  # bytes: one for each pair and random sample of the refit, and of its validation


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Peel the lattice, then refit the coefficients found and all of order 1."""
    template, lattice = samples.plan.template, samples.plan.lattice
    assert lattice is not None
    peeled, f, record = peel(transform(lattice, samples.plan.seed, samples.lattice_values))
    most = min(int(MAX_SHARE * len(samples.values) / 2), MAX_COEFFICIENTS)
    k = _candidates(lattice.radix, peeled, np.abs(f), max_order, most)
    rows = MAX_PHASES // len(k)
    random = min(len(samples.values) - lattice.size, rows)
    bins = transform(lattice, samples.plan.seed, samples.lattice_values)
    path = fit_path(bins, samples.codes[:random, template.free], samples.values[:random], k)
    queries = RandomQueries(samples.validation_codes[:rows, template.free], k, lattice.radix)
    scores = [r_squared(samples.validation_values[:rows], queries.forward(f)) for f in path]
    best = int(np.argmax(scores))
    terms = terms_from_coefficients(template, *_both(k[1:], path[best][1:], lattice.radix))
    details: FitDetails = {
        "coefficients": len(peeled),
        "ridge": float(RIDGES[best]),
        "rounds": record["rounds"],
        "noise": record["noise"],
    }
    return Fit(float(path[best][0].real), terms, details)


def least_left(samples: Samples) -> float:
    """Return a part of the variance that sparse waves leave at least, from the emptiest bin of the lattice.

    What is no sparse sum of waves is spread over all frequencies, and fills every bin alike; where peeling can begin,
    some bins hold nothing else. Nothing is peeled, or compiled, for it.
    """
    lattice = samples.plan.lattice
    assert lattice is not None
    bins = transform(lattice, samples.plan.seed, samples.lattice_values)
    variance = float(samples.validation_values.var()) or float(samples.values.var())  # rare values may be in one alone
    return float(bins.energies().min()) * lattice.bins / max(variance, np.finfo(float).tiny)


def _candidates(radix: int, peeled: np.ndarray, strength: np.ndarray, max_order: int | None, most: int) -> np.ndarray:
    """One of each conjugate pair: the zero one, all of order 1, then the strongest peeled, up to `most`."""
    free = peeled.shape[1]
    orders = (peeled > 0).sum(1)
    keep = (orders > 1) & (orders <= (max_order or free))
    ranked = peeled[keep][np.argsort(-strength[keep], kind="stable")]
    singles = next(low_orders(free, radix, 1)).dense(free)
    return np.concatenate([np.zeros((1, free), np.int64), singles, ranked[: max(most - len(singles), 0)]])


def _both(k: np.ndarray, f: np.ndarray, radix: int) -> tuple[np.ndarray, np.ndarray]:
    """Both of every conjugate pair."""
    paired = ~is_real(k, radix)
    return np.concatenate([k, -k[paired] % radix]), np.concatenate([f, f[paired].conj()])


class RandomQueries:
    """The Fourier terms of (K, free) frequencies, each with its conjugate, at (N, free) codes."""

    def __init__(self, codes: np.ndarray, k: np.ndarray, radix: int) -> None:
        self.phases = np.empty((len(codes), len(k)), np.uint8)
        transposed = np.ascontiguousarray(k.T.astype(np.float32))
        for start in range(0, len(codes), 4096):
            rows = slice(start, start + 4096)
            self.phases[rows] = codes[rows].astype(np.float32) @ transposed % radix
        self.roots = np.exp(2j * np.pi / radix * np.arange(radix))
        self.weight = pair_scale(k, radix) ** -2

    def forward(self, f: np.ndarray) -> np.ndarray:
        """Return the (N,) float64 sums over k of F[k] w^<k,x> and its conjugate."""
        return _sum_terms(self.phases, self.roots, f * self.weight)

    def adjoint(self, r: np.ndarray) -> np.ndarray:
        """Return the (K,) complex128 sums over x of r(x) w^-<k,x>."""
        return _project(self.phases, self.roots.conj(), r)


def fit_path(bins: Bins, codes: np.ndarray, values: np.ndarray, k: np.ndarray) -> list[np.ndarray]:
    """Fit coefficients to the lattice and to random samples, for each of RIDGES.

    Args:
        bins: of all lattice values.
        codes, values: (N, free) uint8 and (N,) float64, the random samples.
        k: (K, free) frequencies, one of every conjugate pair.

    Returns:
        (K,) complex128 coefficients for each ridge; a pair shares one.
    """
    lattice, queries = bins.lattice, RandomQueries(codes, k, bins.lattice.radix)
    scale = pair_scale(k, lattice.radix)
    root = np.sqrt(lattice.bins)  # Parseval: m^b times the squares of the bins are the squares of the values
    real = scale == 1

    def forward(w: np.ndarray) -> np.ndarray:
        f = w.view(np.complex128) * scale
        return np.concatenate([queries.forward(f), root * bins.spread(k, f).ravel().view(np.float64)])

    def adjoint(r: np.ndarray) -> np.ndarray:
        rest = r[len(values) :].view(np.complex128).reshape(bins.values.shape)
        f = queries.adjoint(r[: len(values)]) + root * bins.gather(k, rest)
        return (np.where(real, f.real, f) / scale).view(np.float64)

    target = np.concatenate([values, root * bins.values.ravel().view(np.float64)])
    ridges = RIDGES * (len(values) + lattice.size)
    return [w.view(np.complex128) * scale for w in bidiagonal_ridge(forward, adjoint, target, ridges, KRYLOV_STEPS)]


@numba.njit(cache=True)
def _sum_terms(phases: np.ndarray, roots: np.ndarray, f: np.ndarray) -> np.ndarray:
    total = np.zeros(len(phases))
    for r in range(len(phases)):
        for a in range(f.size):
            w = roots[phases[r, a]]
            total[r] += w.real * f[a].real - w.imag * f[a].imag
    return total


@numba.njit(cache=True)
def _project(phases: np.ndarray, roots: np.ndarray, r: np.ndarray) -> np.ndarray:
    f = np.zeros(phases.shape[1], np.complex128)
    for b in range(len(phases)):
        for a in range(f.size):
            f[a] += r[b] * roots[phases[b, a]]
    return f
