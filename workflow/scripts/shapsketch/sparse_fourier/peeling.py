"""Peeling: from the bins of a lattice to the Fourier coefficients that explain them.

The phases between the offsets of a bin that holds one coefficient give its parity checks, hence its
frequencies. Found coefficients are subtracted from all bins they fall into, which leaves further
bins with one. A round works on all bins that the round before has changed, in compiled loops. What
no bin shows alone is read from the mean of bins of several matrices that agree, or, of a low order,
found by its mean over all its bins; all that was found is fitted to the bins anew, and peeling
starts again on what is left.
"""

from typing import TypedDict

import numba
import numpy as np

from ..sequences.parallel import share_out
from .bins import Bins, is_larger, is_real
from .decoding import decode
from .matching import agreed, exceeds_chance, likely, match
from .phases import flips, read

MAX_PASSES, MAX_ROUNDS = 8, 100
NOISE_FACTOR = 1.5  # a bin is explained when what is left is below this times the noise
EXACT_NOISE = 1e-20  # the noise of an exactly sparse function, relative to its power
RESCREENING_RATIO = 0.8  # the noise over what it was: below, frequencies of low order are screened again


class PeelingRecord(TypedDict):
    """How peeling went: the number of its rounds, and the noise that is left per query (a mean square)."""

    rounds: int
    noise: float


def peel(bins: Bins, match_order: int | None = None) -> tuple[np.ndarray, np.ndarray, PeelingRecord]:
    """Find coefficients until no bin holds more than noise, or nothing new is found.

    Args:
        bins: from `transform`; what is found is subtracted from its values.
        match_order: up to which all frequencies are matched with their bins; None for as long as they are few.

    Returns:
        (K, free) int64 frequencies, one of every conjugate pair, in lexical order; their (K,)
        complex128 coefficients; and how it went.
    """
    k, f = np.zeros((1, bins.lattice.free), np.int64), np.zeros(1, np.complex128)
    floor = EXACT_NOISE * float(bins.energies().mean()) * bins.lattice.bins
    if floor == 0:
        return k[:0], f[:0], {"rounds": 0, "noise": 0.0}
    low, loud = k[:0], np.inf
    total = 0
    for number in range(MAX_PASSES):
        known = len(k)
        noise, rounds, finds = _peel_rounds(bins, floor)
        total += rounds
        k, f = _merge([(k, f), *finds])
        if bins.energies().max() <= NOISE_FACTOR * floor:
            break
        stuck = number > 0 and len(k) == known and noise > 2 * floor
        quieter = noise < RESCREENING_RATIO * loud or noise <= 2 * floor
        if quieter:
            low, loud = likely(bins, match_order), noise
        candidates = [low] if quieter or not stuck else []
        if stuck:
            candidates.append(agreed(bins))
        matched = match(bins, np.concatenate(candidates), noise)
        if number > 0 and rounds == 1 and not len(matched):  # as the last fit left it
            break
        k, f = _merge([(k, f), (matched, np.zeros(len(matched), np.complex128))])
        change = bins.fit(k)
        bins.add(k, -change)
        f = f + change
        if len(k) == known:
            break
    kept = exceeds_chance(bins, k, np.abs(f) ** 2, np.zeros(len(k)), noise, bins.lattice.matrices)
    return k[kept], f[kept], {"rounds": total, "noise": float(noise * bins.lattice.bins)}


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
    while rounds < MAX_ROUNDS:
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

    With noise, bins that do not decode are tried again with doubtful phases at their second-best value.
    """
    rows = np.ravel_multi_index((matrix, place), bins.values.shape[:2])
    vectors = bins.values.reshape(-1, bins.lattice.delays)
    syndromes, second, margins, left = read(bins, vectors, rows, matrix, place, 2 if noisy else 1)
    if clean and not noisy:  # spares the decoder what cannot be
        rows = np.flatnonzero(left <= NOISE_FACTOR * noise)
        matrix, place, syndromes = matrix[rows], place[rows], syndromes[rows]
    k, f, residual, good = _judge(bins, matrix, place, syndromes, noise, clean)
    finds = [(k[good], f[good], residual[good])]
    if noisy:
        rest = np.flatnonzero(~good)
        spelled = list(flips(bins, matrix[rest], syndromes[rest], second[rest], margins[rest]))
        again = np.tile(rest, len(spelled))
        k, f, residual, good = _judge(bins, matrix[again], place[again], np.concatenate(spelled), noise, clean)
        _, first = np.unique(again[good], return_index=True)
        good = np.flatnonzero(good)[first]
        finds.append((k[good], f[good], residual[good]))
    k, f, residual = (np.concatenate(part) for part in zip(*finds, strict=True))
    return _distinct(k, f, residual, bins.lattice.radix)


def _judge(
    bins: Bins, matrix: np.ndarray, place: np.ndarray, syndromes: np.ndarray, noise: float, clean: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decode (A, r) parity checks, fit the coefficient, and tell whether chance could not have made it."""
    lattice = bins.lattice
    k, valid = decode(lattice.code, syndromes)
    f, residual = np.empty(matrix.size, np.complex128), np.empty(matrix.size)
    checks = syndromes[:, lattice.dimension :]
    share_out(_project, matrix.size, bins.values, matrix, place, k, checks, bins.shifts, bins.roots, f, residual)
    good = valid & exceeds_chance(bins, k, np.abs(f) ** 2, residual, noise, 1)
    if clean:
        good &= residual <= NOISE_FACTOR * noise
    return k, f, residual, good


def _distinct(k: np.ndarray, f: np.ndarray, residual: np.ndarray, radix: int) -> tuple[np.ndarray, np.ndarray]:
    """The lexically smaller one of each conjugate pair, from the bin that it explains best."""
    swap = is_larger(k, radix)
    k = np.where(swap[:, None], -k % radix, k)
    f = np.where(swap, f.conj(), np.where(is_real(k, radix), f.real, f))
    order = np.argsort(residual, kind="stable")
    _, first = np.unique(_keys(k[order]), return_index=True)
    return k[order][first], f[order][first]


@numba.njit(cache=True, nogil=True)
def _project(
    start: int,
    stop: int,
    values: np.ndarray,
    matrix: np.ndarray,
    place: np.ndarray,
    k: np.ndarray,
    checks: np.ndarray,
    shifts: np.ndarray,
    roots: np.ndarray,
    f: np.ndarray,
    residual: np.ndarray,
) -> None:
    """Fit one coefficient to each of (A,) bins: write its (A,) value and the (A,) mean square left."""
    steps, radix = checks.shape[1] + 1, roots.size
    for a in range(start, stop):
        aligned = np.empty(len(shifts), np.complex128)
        u = values[matrix[a], place[a]]
        for base in range(0, len(shifts), steps):
            angle = 0
            for i in range(k.shape[1]):
                angle += k[a, i] * shifts[base, i]
            angle %= radix
            aligned[base] = u[base] * roots[-angle]
            for i in range(1, steps):
                aligned[base + i] = u[base + i] * roots[checks[a, i - 1] - angle]
        f[a] = np.mean(aligned)
        residual[a] = np.mean(np.abs(aligned - f[a]) ** 2)
