"""What no bin shows alone: coefficients that are known by their means over several bins.

All frequencies of low order are matched with all their bins. Of any order, what one bin hides in noise is read from
the mean of bins of several matrices that agree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, product
from math import comb

import numpy as np
from scipy.special import gammaln

from .bins import MIN_POWER, Bins, is_larger
from .decoding import decode
from .phases import flips, read

MAX_MATCHED = 300_000  # frequencies of low order that are matched
MIN_STRENGTH = 2.5  # times what noise gives on average at the first base offset; weaker frequencies are not matched
MAX_COMPARED = 512  # bins of a matrix, those with the most energy, that are compared with those of the others
MIN_CORRELATION = 0.5  # correlation above which bins agree in any case


@dataclass(frozen=True)
class LowOrders:
    """All frequencies of some order, one of every conjugate pair.

    Attributes:
        supports: (S, order) int64 positions.
        letters: (L, order) int64, at each support.
    """

    supports: np.ndarray
    letters: np.ndarray

    def dense(self, free: int, chosen: np.ndarray | None = None) -> np.ndarray:
        """Return (K, free) int64 frequencies, all or those `chosen` by (S, L) bool."""
        rows = np.ones((len(self.supports), len(self.letters)), bool) if chosen is None else chosen
        support, letter = np.nonzero(rows)
        k = np.zeros((len(support), free), np.int64)
        np.put_along_axis(k, self.supports[support], self.letters[letter], axis=1)
        return k


def low_orders(free: int, radix: int, max_order: int | None = None) -> Iterator[LowOrders]:
    """Yield order 1, 2, ... while the frequencies are few."""
    left = MAX_MATCHED
    for order in range(1, (max_order or free) + 1):
        left -= comb(free, order) * (radix - 1) ** order
        if left < 0:
            break
        supports = np.fromiter(chain.from_iterable(combinations(range(free), order)), np.int64).reshape(-1, order)
        letters = np.array(list(product(range(1, radix), repeat=order)))
        yield LowOrders(supports, letters[[tuple(row) <= tuple(-row % radix) for row in letters]])


def likely(bins: Bins, max_order: int | None = None) -> np.ndarray:
    """Return the (K, free) frequencies of low order that are no weaker than noise at the first base offset.

    Nine in ten of those that are not there fail, at a fraction of the cost of a match.

    Args:
        bins: what is left.
        max_order: of a frequency; None for as long as they are few.
    """
    free = bins.lattice.free
    lows = list(low_orders(free, bins.lattice.radix, max_order))
    strengths = bins.screen([(low.supports, low.letters) for low in lows])
    strong = [low.dense(free, strength > MIN_STRENGTH) for low, strength in zip(lows, strengths, strict=True)]
    return np.concatenate([np.zeros((0, free), np.int64), *strong])


def match(bins: Bins, k: np.ndarray, noise: float) -> np.ndarray:
    """Return those of (K, free) frequencies that hold more of the energy of all their bins than chance would."""
    power, rest = bins.term_power(k)
    return k[exceeds_chance(bins, k, power, rest, noise, bins.lattice.matrices)]


def exceeds_chance(
    bins: Bins, k: np.ndarray, power: np.ndarray, residual: np.ndarray, noise: float, matrices: int
) -> np.ndarray:
    """Whether (K,) frequencies hold more of the energy in their bins than chance would give any.

    For one frequency and D isotropic values, P(it holds more than the share R of their energy)
    = (1 - R)^(D - 1). This times the number of frequencies of the same order is to be small. Values
    that are real (m = 2) count half.

    Args:
        bins: of the transform.
        k: (K, free) frequencies.
        power, residual: (K,) energy that they hold of their bins, and the rest.
        noise: energy that is not resolved.
        matrices: of the lattice that are looked at.
    """
    lattice = bins.lattice
    orders = np.arange(lattice.free + 1)
    count = gammaln(lattice.free + 1) - gammaln(orders + 1) - gammaln(lattice.free - orders + 1)
    count += orders * np.log(lattice.radix - 1) + np.log(lattice.matrices / bins.false_positives)
    values = (lattice.delays * matrices - 1) / (2 if lattice.radix == 2 else 1)
    return power > np.expm1(count / values)[np.count_nonzero(k, axis=1)] * np.maximum(residual, noise)


def agreed(bins: Bins) -> np.ndarray:
    """Return the (K, free) frequencies that means of bins of several matrices spell.

    The offsets are the same in all matrices, and so are the values F w^<d,k> that a coefficient leaves in its bins:
    bins that share one are correlated, and there is less noise in their mean. Who is spelled must fall into them.
    """
    lattice = bins.lattice
    first, total, places = _alike(bins)
    checks, second, margins, _ = read(
        bins, total, np.arange(len(total)), first, places[first, np.arange(len(first))], 2
    )
    spelled = np.concatenate([checks, *flips(bins, first, checks, second, margins)])
    k, valid = decode(lattice.code, spelled)
    k, inside = k[valid], np.tile(places, len(spelled) // max(len(checks), 1))[:, valid]
    k = k[((bins.places(k) == inside) | (inside < 0)).all(0)]
    return np.unique(np.where(is_larger(k, lattice.radix)[:, None], -k % lattice.radix, k), axis=0)


def _alike(bins: Bins) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find groups of bins, of two matrices or of all, that correlate by more than chance.

    A bin is put beside the one of the next matrix that is most like those it is with already.

    Returns:
        (A,) the matrix that a group began with; (A, D) complex128 the sum of its bins, each of unit energy; (C, A)
        its bin of each matrix, -1 for none.
    """
    count, delays, energies, half = bins.lattice.matrices, bins.lattice.delays, bins.energies(), bins.half()
    strongest = np.argsort(-energies, axis=1, kind="stable")[:, :MAX_COMPARED]
    scale = np.sqrt(np.maximum(np.take_along_axis(energies, strongest, 1), MIN_POWER))
    vectors = np.take_along_axis(bins.values, strongest[:, :, None], 1).view(np.float64) / scale[:, :, None]
    vectors = vectors.astype(np.float32)
    values = delays * (1 if bins.lattice.radix == 2 else 2)
    chance = delays * min(MIN_CORRELATION, np.sqrt(2 * np.log(strongest.shape[1]) / values))
    firsts, totals, groups = [], [], []
    for first in range(count):
        rows = np.flatnonzero(half[strongest[first]])  # what holds their conjugates agrees with conjugates
        total, places = vectors[first][rows], np.full((count, len(rows)), -1)
        places[first] = strongest[first][rows]
        for size, c in enumerate((first + np.arange(1, count)) % count, 1):
            alike = total @ vectors[c].T
            partner = np.argmax(alike, axis=1)
            good = alike[np.arange(len(rows)), partner] > chance * np.sqrt(size)
            total, places[c] = total + vectors[c][partner], strongest[c][partner]
            if size in (1, count - 1):
                firsts.append(np.full(good.sum(), first))
                totals.append(total[good])
                groups.append(places[:, good])
    return np.concatenate(firsts), np.concatenate(totals).astype(np.float64).view(np.complex128), np.hstack(groups)
