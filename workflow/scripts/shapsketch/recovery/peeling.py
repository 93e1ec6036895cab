"""Peeling: from the bins of a lattice to the Fourier coefficients that explain them.

The phases between the offsets of a bin that holds one coefficient give its parity checks, hence its
frequencies. Found coefficients are subtracted from all bins they fall into, which leaves further
bins with one. A round works on all bins that the round before has changed, in compiled loops. What
no bin shows alone is read from the mean of bins of several matrices that agree, or, of a low order,
found by its mean over all its bins; all that was found is fitted to the bins anew, and peeling
starts again on what is left.
"""

from collections.abc import Iterator
from itertools import combinations, product
from math import comb

import numba
import numpy as np
from scipy.special import gammaln

from .bins import Bins
from .decoding import decode

MOST_PASSES, MOST_ROUNDS = 8, 100
NOISE_FACTOR = 1.5  # a bin is explained when what is left is below this times the noise
EXACT = 1e-20  # the noise of an exactly sparse function, relative to its power
FLIPS = 4  # the doubtful phases that are tried at their second-best value
MOST_MATCHED = 300_000  # frequencies of low order that are matched with all bins
MOST_COMPARED = 512  # bins of a matrix, those with the most energy, that are compared with those of the others


def peel(bins: Bins, match_order: int | None = None) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Find coefficients until no bin holds more than noise, or nothing new is found.

    Args:
        bins: from `transform`; what is found is subtracted from its values.
        match_order: up to which all frequencies are matched with their bins; None for as long as they are few.

    Returns:
        (K, free) int64 frequencies, one of every conjugate pair, in lexical order; their (K,)
        complex128 coefficients; the number of rounds and the noise left per query.
    """
    k, f = np.zeros((1, bins.lattice.free), np.int64), np.zeros(1, np.complex128)
    floor = EXACT * float(bins.energies().mean()) * bins.lattice.bins
    if floor == 0:
        return k[:0], f[:0], {"rounds": 0, "noise": 0.0}
    low = None
    total = 0
    for _ in range(MOST_PASSES):
        known = len(k)
        noise, rounds, finds = _peel_rounds(bins, floor)
        total += rounds
        k, f = _merge([(k, f), *finds])
        if bins.energies().max() <= NOISE_FACTOR * floor:
            break
        if low is None or len(k) > known or noise <= 2 * floor:
            low = low_orders(bins.lattice.free, bins.lattice.radix, match_order) if low is None else low
            candidates = low
        else:  # once nothing else is found
            candidates = _agreed(bins)
        matched = _match(bins, candidates, noise)
        k, f = _merge([(k, f), (matched, np.zeros(len(matched), np.complex128))])
        change = bins.fit(k)
        bins.add(k, -change)
        f = f + change
        if len(k) == known:
            break
    sure = _sure(bins, k, np.abs(f) ** 2, np.zeros(len(k)), noise, bins.lattice.matrices)
    return k[sure], f[sure], {"rounds": total, "noise": float(noise * bins.lattice.bins)}


def _peel_rounds(bins: Bins, floor: float) -> tuple[float, int, list[tuple[np.ndarray, np.ndarray]]]:
    """Peel until no bin holds just one coefficient; return the noise of a bin, the rounds and the finds.

    Once none is left that explains its bin down to the noise, those that hold most of it are taken. Not so
    with the identity: any phases spell a frequency, and two strong coefficients could pass for one.
    """
    energies, half = bins.energies(), bins.half()
    fresh = np.tile(half, (bins.lattice.matrices, 1))
    changed, clean, rounds = fresh, True, 0
    finds: list[tuple[np.ndarray, np.ndarray]] = []
    seen: set[bytes] = set()
    while rounds < MOST_ROUNDS:
        rounds += 1
        noise = floor + _noise(energies, bins.lattice.delays)
        matrix, place = np.nonzero(changed & (energies > NOISE_FACTOR * noise))
        k, f = _singletons(bins, matrix, place, noise, clean, noise > 2 * floor)
        changed = bins.add(k, -f)
        bins.update(energies, changed)
        changed &= half
        finds.append((k, f))
        before = len(seen)
        seen.update(_keys(k).tolist())
        if len(seen) == before:  # nothing, or only corrections of what is known, which the fit does better
            if not clean or not bins.lattice.correct:
                break
            changed, clean = fresh, False
    return noise, rounds, finds


def _merge(finds: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct frequencies in lexical order; coefficients of the same one are added."""
    k = np.concatenate([k for k, _ in finds])
    _, first, owner = np.unique(_keys(k), return_index=True, return_inverse=True)
    f = np.zeros(len(first), np.complex128)
    np.add.at(f, owner.ravel(), np.concatenate([f for _, f in finds]))
    return k[first], f


def _keys(k: np.ndarray) -> np.ndarray:
    """Byte strings that sort like the rows."""
    return np.ascontiguousarray(k.astype(np.uint8)).view(f"S{k.shape[1]}").ravel()


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


def _agreed(bins: Bins) -> np.ndarray:
    """The (K, free) frequencies that means of bins of several matrices spell.

    The offsets are the same in all matrices, and so are the values F w^<d,k> that a coefficient leaves in its bins:
    bins that share one have a large inner product, and less noise in their mean. Who is spelled must fall into them.
    """
    count, found = bins.lattice.matrices, [np.zeros((0, bins.lattice.free), np.int64)]
    strongest = np.argsort(-bins.energies(), axis=1, kind="stable")[:, :MOST_COMPARED]
    compared = np.take_along_axis(bins.values, strongest[:, :, None], 1)
    for first in range(count):
        total, places = compared[first], [strongest[first]]
        matrix = np.full(len(total), first)
        for c in (first + np.arange(1, count)) % count:
            partner = np.argmax(total.view(np.float64) @ compared[c].view(np.float64).T, axis=1)
            total = total + compared[c][partner]
            places.append(strongest[c][partner])
            if len(places) not in (2, count):
                continue
            read = _read(total, np.arange(len(total)), matrix, places[0], *_settings(bins), 2)
            for syndromes in (read[0], *_flips(bins, matrix, *read[:3])):
                k, valid = decode(bins.lattice.code, syndromes)
                k, inside = k[valid], np.array(places)[:, valid]
                found.append(k[(bins.places(k)[(first + np.arange(len(places))) % count] == inside).all(0)])
    k = np.concatenate(found)
    larger = _is_larger(k, bins.lattice.radix)
    return np.unique(np.where(larger[:, None], -k % bins.lattice.radix, k), axis=0)


def _match(bins: Bins, low: np.ndarray, noise: float) -> np.ndarray:
    """The frequencies whose wave, over all its bins, holds more of their energy than chance."""
    lattice = bins.lattice
    power = np.abs(bins.gather(low, bins.values) / (lattice.matrices * lattice.delays)) ** 2
    rest = bins.mean_energies(low) - power
    return low[_sure(bins, low, power, rest, noise, lattice.matrices)]


def _sure(
    bins: Bins, k: np.ndarray, power: np.ndarray, residual: np.ndarray, noise: float, matrices: int
) -> np.ndarray:
    """Whether (K,) frequencies hold more of the energy in their bins than chance would give any.

    For one frequency and D isotropic values, P(it holds more than the share R of their energy)
    = (1 - R)^(D - 1). This times the number of frequencies of the same order is to be small. Values
    that are real (m = 2) count half.
    """
    lattice = bins.lattice
    orders = np.arange(lattice.free + 1)
    count = gammaln(lattice.free + 1) - gammaln(orders + 1) - gammaln(lattice.free - orders + 1)
    count += orders * np.log(lattice.radix - 1) + np.log(lattice.matrices / bins.false_positives)
    values = (lattice.delays * matrices - 1) / (2 if lattice.radix == 2 else 1)
    return power > np.expm1(count / values)[np.count_nonzero(k, axis=1)] * np.maximum(residual, noise)


def _noise(energies: np.ndarray, delays: int) -> float:
    """The noise of a bin, from the tenth of the bins with the least energy.

    The mean of `delays` squared magnitudes of noise spreads by 1 / sqrt(delays) about its
    expectation, so its lowest tenth ends 1.28 such spreads below. Bins that hold coefficients lie
    above and do not matter; of an exactly sparse function the result is zero.
    """
    return float(np.quantile(energies, 0.1)) / max(1 - 1.28 / np.sqrt(delays), 0.3)


def _singletons(
    bins: Bins, matrix: np.ndarray, place: np.ndarray, noise: float, clean: bool, noisy: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Decode (A,) bins; return the distinct coefficients of those that hold just one.

    With noise, bins that do not decode are tried again with each of their most doubtful phases at its
    second-best value (Chase 1972).
    """
    rows = np.ravel_multi_index((matrix, place), bins.values.shape[:2])
    vectors = bins.values.reshape(-1, bins.lattice.delays)
    syndromes, second, margins, left = _read(vectors, rows, matrix, place, *_settings(bins), 2 if noisy else 1)
    if clean and not noisy:  # spares the decoder what cannot be
        rows = np.flatnonzero(left <= NOISE_FACTOR * noise)
        matrix, place, syndromes = matrix[rows], place[rows], syndromes[rows]
    k, f, residual, good = _judge(bins, matrix, place, syndromes, noise, clean)
    finds = [(k[good], f[good], residual[good])]
    for flipped in _flips(bins, matrix, syndromes, second, margins) if noisy else ():
        again = np.flatnonzero(~good)
        k, f, residual, good[again] = _judge(bins, matrix[again], place[again], flipped[again], noise, clean)
        finds.append((k[good[again]], f[good[again]], residual[good[again]]))
    k, f, residual = (np.concatenate(part) for part in zip(*finds, strict=True))
    return _distinct(k, f, residual, bins.lattice.radix)


def _settings(bins: Bins) -> tuple[np.ndarray, int, np.ndarray]:
    """What `_read` needs to know of the bins."""
    return bins.mixing, bins.lattice.offsets, bins.wave


def _flips(
    bins: Bins, matrix: np.ndarray, syndromes: np.ndarray, second: np.ndarray, margins: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield (A, r) parity checks, each time with another of the doubtful letters at its second-best value."""
    row, dimension = np.arange(len(syndromes)), bins.lattice.dimension
    for i in np.argsort(margins, axis=1)[:, :FLIPS].T:
        flipped = syndromes.copy()
        step = second[row, i] - flipped[row, dimension + i]
        flipped[row, dimension + i] += step
        flipped[:, :dimension] -= step[:, None] * bins.mixing[matrix, i]
        yield flipped % bins.lattice.radix


def _judge(
    bins: Bins, matrix: np.ndarray, place: np.ndarray, syndromes: np.ndarray, noise: float, clean: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decode (A, r) parity checks, fit the coefficient, and tell whether chance could not have made it."""
    lattice = bins.lattice
    k, valid = decode(lattice.code, syndromes)
    f, residual = _project(bins.values, matrix, place, k, syndromes[:, lattice.dimension :], bins.shifts, bins.wave)
    good = valid & _sure(bins, k, np.abs(f) ** 2, residual, noise, 1)
    if clean:
        good &= residual <= NOISE_FACTOR * noise
    return k, f, residual, good


def _distinct(k: np.ndarray, f: np.ndarray, residual: np.ndarray, radix: int) -> tuple[np.ndarray, np.ndarray]:
    """The lexically smaller one of each conjugate pair, from the bin that it explains best."""
    swap = _is_larger(k, radix)
    k = np.where(swap[:, None], -k % radix, k)
    f = np.where(swap, f.conj(), np.where((k != -k % radix).any(1), f, f.real))
    order = np.argsort(residual, kind="stable")
    _, first = np.unique(_keys(k[order]), return_index=True)
    return k[order][first], f[order][first]


def _is_larger(k: np.ndarray, radix: int) -> np.ndarray:
    """Whether (K, free) frequencies are the lexically larger one of their conjugate pair."""
    mirrored = -k % radix
    row, column = np.arange(len(k)), np.argmax(k != mirrored, axis=1)
    return k[row, column] > mirrored[row, column]


@numba.njit(cache=True)
def _letter(z, wave):
    """The letters a with the largest and the second-largest Re z w^-a, and by how much they differ."""
    letter, runner_up, best, second = 0, 0, -np.inf, -np.inf
    for a in range(wave.size):
        score = z.real * wave[a].real + z.imag * wave[a].imag
        if score > best:
            runner_up, second = letter, best
            letter, best = a, score
        elif score > second:
            runner_up, second = a, score
    return letter, runner_up, best - second


@numba.njit(cache=True)
def _turn_back(u, checks, wave, bases):
    """Write the mean over the offsets of each p, turned back by the checks; return the mean square about it."""
    left = 0.0
    for p in range(len(u)):
        mean = u[p, 0]
        for i in range(checks.size):
            mean += u[p, i + 1] * wave[checks[i]]
        bases[p] = mean / (checks.size + 1)
        left += np.abs(u[p, 0] - bases[p]) ** 2
        for i in range(checks.size):
            left += np.abs(u[p, i + 1] * wave[checks[i]] - bases[p]) ** 2
    return left / u.size


@numba.njit(cache=True, parallel=True)
def _read(vectors, rows, matrix, place, mixing, offsets, wave, sweeps):
    """Read the parity checks of (A,) bins from the phases of these rows of the vectors.

    U_{d-h} / U_d = w^-<h,k> for a bin with one coefficient: the check is the letter a that maximises
    Re sum_p ref_p conj(U_{p,h}) w^-a, first with ref_p = U_p at the base offset, then with its mean
    over all offsets of p turned back by the checks. The bin itself gives the first b checks.

    Returns:
        (A, r) int64 checks; (A, r - b) int64 the second-best letters of the last r - b; (A, r - b)
        float64 by how much they are worse; (A,) float64 the mean square about the mean over the offsets
        of each p, turned back.
    """
    count = mixing.shape[1]
    dimension, radix = mixing.shape[2], wave.size
    checks = np.empty((matrix.size, dimension + count), np.int64)
    second = np.empty((matrix.size, count), np.int64)
    margins, left = np.empty((matrix.size, count)), np.empty(matrix.size)
    for a in numba.prange(matrix.size):
        u = vectors[rows[a]].reshape(offsets, count + 1)
        bases = u[:, 0].copy()
        for _ in range(sweeps):
            for i in range(count):
                z = 0j
                for p in range(offsets):
                    z += bases[p] * u[p, i + 1].conjugate()
                checks[a, dimension + i], second[a, i], margins[a, i] = _letter(z, wave)
            left[a] = _turn_back(u, checks[a, dimension:], wave, bases)
        rest = place[a]
        for t in range(dimension - 1, -1, -1):
            digit = rest % radix
            rest //= radix
            for i in range(count):
                digit -= checks[a, dimension + i] * mixing[matrix[a], i, t]
            checks[a, t] = digit % radix
    return checks, second, margins, left


@numba.njit(cache=True, parallel=True)
def _project(values, matrix, place, k, checks, shifts, wave):
    """Fit one coefficient to each of (A,) bins: its (A,) value and the (A,) mean square left."""
    steps, radix = checks.shape[1] + 1, wave.size
    f, residual = np.empty(matrix.size, np.complex128), np.empty(matrix.size)
    for a in numba.prange(matrix.size):
        turned = np.empty(len(shifts), np.complex128)
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
