"""Peeling: from the bins of a lattice to the Fourier coefficients that explain them.

The phases between the offsets of a bin that holds one coefficient give its parity checks, hence its
frequencies. Found coefficients are subtracted from all bins they fall into, which leaves further
bins with one. A round works on all bins that the round before has changed, in compiled loops. What
no bin shows alone, but has a low order, is found by its mean over all its bins; all that was found
is fitted to the bins anew, and peeling starts again on what is left.
"""

from itertools import combinations, product
from math import comb

import numba
import numpy as np
from scipy.special import gammaln

from ..lattice import Lattice
from .bins import Bins

MOST_PASSES, MOST_ROUNDS = 8, 100
NOISE_FACTOR = 1.5  # a bin is explained when what is left is below this times the noise
EXACT = 1e-20  # the noise of an exactly sparse function, relative to its power
FALSE_POSITIVES = 0.01  # expected among all frequencies of an order that noise could be taken for
FLIPS = 4  # the doubtful phases that are tried at their second-best value
MOST_MATCHED = 300_000  # frequencies of low order that are matched with all bins


def peel(bins: Bins) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Find coefficients until no bin holds more than noise, or nothing new is found.

    Args:
        bins: from `transform`; what is found is subtracted from its values.

    Returns:
        (K, free) int64 frequencies, one of every conjugate pair, in lexical order; their (K,)
        complex128 coefficients; the number of rounds and the noise left per query.
    """
    k, f = np.zeros((1, bins.lattice.free), np.int64), np.zeros(1, np.complex128)
    floor = EXACT * float(bins.energies().mean()) * bins.lattice.bins
    low = None
    total = 0
    for _ in range(MOST_PASSES):
        known = len(k)
        noise, rounds, finds = _peel_rounds(bins, floor)
        total += rounds
        k, f = _merge([(k, f), *finds])
        if bins.energies().max() <= NOISE_FACTOR * floor:
            break
        if low is None:
            low = low_orders(bins.lattice.free, bins.lattice.radix)
        matched = _match(bins, low, noise)
        k, f = _merge([(k, f), (matched, np.zeros(len(matched), np.complex128))])
        change = bins.fit(k)
        bins.add(k, -change)
        f = f + change
        if len(k) == known:
            break
    sure = _evidence(bins.lattice, k, np.abs(f) ** 2, np.zeros(len(k)), noise, bins.lattice.matrices) > 0
    return k[sure], f[sure], {"rounds": total, "noise": noise * bins.lattice.bins}


def _peel_rounds(bins: Bins, floor: float) -> tuple[float, int, list[tuple[np.ndarray, np.ndarray]]]:
    """Peel until no bin holds just one coefficient; return the noise of a bin, the rounds and the finds."""
    energies, half = bins.energies(), bins.half()
    changed = np.tile(half, (bins.lattice.matrices, 1))
    finds: list[tuple[np.ndarray, np.ndarray]] = []
    seen: set[bytes] = set()
    while len(finds) < MOST_ROUNDS:
        noise = floor + _noise(energies, bins.lattice.delays)
        matrix, place = np.nonzero(changed & (energies > NOISE_FACTOR * noise))
        k, f = _singletons(bins, matrix, place, noise, noise > 2 * floor)
        if not len(k):
            break
        finds.append((k, f))
        changed = bins.add(k, -f) & half
        energies = bins.energies()
        before = len(seen)
        seen.update(row.tobytes() for row in k)
        if len(seen) == before:  # only corrections of what is known; the fit does those better
            break
    return noise, len(finds), finds


def _merge(finds: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct frequencies in lexical order; coefficients of the same one are added."""
    k, owner = np.unique(np.concatenate([k for k, _ in finds]).astype(np.uint8), axis=0, return_inverse=True)
    f = np.zeros(len(k), np.complex128)
    np.add.at(f, owner.ravel(), np.concatenate([f for _, f in finds]))
    return k.astype(np.int64), f


def low_orders(free: int, radix: int, max_order: int | None = None) -> np.ndarray:
    """Return all frequencies of order 1, 2, ... while they are few, one of every conjugate pair."""
    blocks: list[np.ndarray] = []
    left = MOST_MATCHED
    for order in range(1, (max_order or free) + 1):
        left -= comb(free, order) * (radix - 1) ** order
        if left < 0:
            break
        supports = np.array(list(combinations(range(free), order)))
        letters = np.array(list(product(range(1, radix), repeat=order)))
        letters = letters[[tuple(row) <= tuple(-row % radix) for row in letters]]
        block = np.zeros((len(supports), len(letters), free), np.int64)
        np.put_along_axis(block, supports[:, None, :], letters[None], axis=2)
        blocks.append(block.reshape(-1, free))
    return np.concatenate([np.zeros((0, free), np.int64), *blocks])


def _match(bins: Bins, low: np.ndarray, noise: float) -> np.ndarray:
    """The frequencies whose wave, over all its bins, holds more of their energy than chance."""
    lattice = bins.lattice
    power = np.abs(bins.gather(low, bins.values) / (lattice.matrices * lattice.delays)) ** 2
    rest = bins.mean_energies(low) - power
    return low[_evidence(lattice, low, power, rest, noise, lattice.matrices) > 0]


def _evidence(
    lattice: Lattice, k: np.ndarray, power: np.ndarray, residual: np.ndarray, noise: float, matrices: int
) -> np.ndarray:
    """How much surer than chance (K,) frequencies are, as the logarithm of odds.

    For one frequency and D isotropic values, P(it holds more than the share R of their energy)
    = (1 - R)^(D - 1). This times the number of frequencies of the same order is to be small. Values
    that are real (m = 2) count half.
    """
    orders = np.arange(lattice.free + 1)
    count = gammaln(lattice.free + 1) - gammaln(orders + 1) - gammaln(lattice.free - orders + 1)
    count += orders * np.log(lattice.radix - 1) + np.log(lattice.matrices / FALSE_POSITIVES)
    evidence = (lattice.delays * matrices - 1) * np.log1p(power / np.maximum(residual, noise))
    return evidence / (2 if lattice.radix == 2 else 1) - count[(k > 0).sum(1)]


def _noise(energies: np.ndarray, delays: int) -> float:
    """The noise of a bin, from the tenth of the bins with the least energy.

    The mean of `delays` squared magnitudes of noise spreads by 1 / sqrt(delays) about its
    expectation, so its lowest tenth ends 1.28 such spreads below. Bins that hold coefficients lie
    above and do not matter; of an exactly sparse function the result is zero.
    """
    return float(np.quantile(energies, 0.1)) / max(1 - 1.28 / np.sqrt(delays), 0.3)


def _singletons(
    bins: Bins, matrix: np.ndarray, place: np.ndarray, noise: float, noisy: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Decode (A,) bins; return the distinct coefficients of those that hold just one.

    Of a conjugate pair the lexically smaller one is returned. Where a coefficient is seen in
    several bins the cleanest counts. With noise, bins that do not decode are tried again with each
    of their most doubtful phases at its second-best value (Chase 1972).
    """
    syndromes, second, margins = _read(
        bins.values, matrix, place, bins.mixing, bins.lattice.offsets, bins.wave, 2 if noisy else 1
    )
    k, f, residual, good = _judge(bins, matrix, place, syndromes, noise)
    if noisy and not good.all():
        found = [(k[good], f[good], residual[good])]
        tail = bins.lattice.dimension
        weak = np.argsort(margins, axis=1)[:, :FLIPS]
        for column in weak.T:
            again = np.flatnonzero(~good)
            i = column[again]
            flipped = syndromes[again]
            step = second[again, i] - flipped[np.arange(len(again)), tail + i]
            flipped[np.arange(len(again)), tail + i] += step
            flipped[:, :tail] -= step[:, None] * bins.mixing[matrix[again], i]
            k, f, residual, fine = _judge(bins, matrix[again], place[again], flipped % bins.lattice.radix, noise)
            good[again] = fine
            found.append((k[fine], f[fine], residual[fine]))
        k, f, residual = (np.concatenate(part) for part in zip(*found, strict=True))
    else:
        k, f, residual = k[good], f[good], residual[good]
    return _distinct(k, f, residual, bins.lattice.radix)


def _judge(
    bins: Bins, matrix: np.ndarray, place: np.ndarray, syndromes: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decode (A, r) parity checks, fit the coefficient, and tell whether chance could not have made it."""
    lattice = bins.lattice
    k, valid = lattice.code.decode(syndromes)
    f, residual = _project(bins.values, matrix, place, k, syndromes[:, lattice.dimension :], bins.shifts, bins.wave)
    good = valid & (_evidence(lattice, k, np.abs(f) ** 2, residual, noise, 1) > 0)
    if not lattice.correct:  # any phases spell a frequency: two strong coefficients could pass for one
        good &= residual <= NOISE_FACTOR * noise
    return k, f, residual, good


def _distinct(k: np.ndarray, f: np.ndarray, residual: np.ndarray, radix: int) -> tuple[np.ndarray, np.ndarray]:
    mirrored = -k % radix
    different = k != mirrored
    column = np.argmax(different, axis=1)
    row = np.arange(len(k))
    swap = k[row, column] > mirrored[row, column]
    k = np.where(swap[:, None], mirrored, k)
    f = np.where(swap, f.conj(), np.where(different.any(1), f, f.real))
    order = np.argsort(residual, kind="stable")
    _, first = np.unique(k[order].astype(np.uint8), axis=0, return_index=True)
    return k[order][first], f[order][first]


@numba.njit(cache=True)
def _read(values, matrix, place, mixing, offsets, wave, sweeps):
    """Read the parity checks of (A,) bins from their phases.

    U_{d-h} / U_d = w^-<h,k> for a bin with one coefficient: the check is the letter a that maximises
    Re sum_p ref_p conj(U_{p,h}) w^-a, first with ref_p = U_p at the base offset, then with its mean
    over all offsets of p turned back by the checks. The bin itself gives the first b checks.

    Returns:
        (A, r) int64 checks; (A, r - b) int64 the second-best letters of the last r - b; (A, r - b)
        float64 by how much they are worse.
    """
    count, bases = mixing.shape[1], np.empty(offsets, np.complex128)
    dimension, radix = mixing.shape[2], wave.size
    checks = np.empty((matrix.size, dimension + count), np.int64)
    second = np.empty((matrix.size, count), np.int64)
    margins = np.empty((matrix.size, count))
    for a in range(matrix.size):
        u = values[matrix[a], place[a]].reshape(offsets, count + 1)
        bases[:] = u[:, 0]
        for sweep in range(sweeps):
            for i in range(count):
                z = 0j
                for p in range(offsets):
                    z += bases[p] * u[p, i + 1].conjugate()
                best, next_best = -np.inf, -np.inf
                for letter in range(radix):
                    score = z.real * wave[letter].real + z.imag * wave[letter].imag
                    if score > best:
                        second[a, i], next_best = checks[a, dimension + i], best
                        checks[a, dimension + i], best = letter, score
                    elif score > next_best:
                        second[a, i], next_best = letter, score
                margins[a, i] = best - next_best
            if sweep + 1 < sweeps:
                for p in range(offsets):
                    bases[p] = u[p, 0]
                    for i in range(count):
                        bases[p] += u[p, i + 1] * wave[checks[a, dimension + i]]
        rest = place[a]
        for t in range(dimension - 1, -1, -1):
            digit = rest % radix
            rest //= radix
            for i in range(count):
                digit -= checks[a, dimension + i] * mixing[matrix[a], i, t]
            checks[a, t] = digit % radix
    return checks, second, margins


@numba.njit(cache=True)
def _project(values, matrix, place, k, checks, shifts, wave):
    """Fit one coefficient to each of (A,) bins: its (A,) value and the (A,) mean square left."""
    steps, radix = checks.shape[1] + 1, wave.size
    f, residual = np.empty(matrix.size, np.complex128), np.empty(matrix.size)
    turned = np.empty(len(shifts), np.complex128)
    for a in range(matrix.size):
        u = values[matrix[a], place[a]]
        for base in range(0, len(shifts), steps):
            angle = 0
            for i in range(k.shape[1]):
                angle += k[a, i] * shifts[base, i]
            angle %= radix
            turned[base] = u[base] * wave[-angle]
            for i in range(1, steps):
                turned[base + i] = u[base + i] * wave[checks[a, i - 1] - angle]
        f[a] = np.mean(turned)
        residual[a] = np.mean(np.abs(turned - f[a]) ** 2)
    return f, residual
