"""The accuracy gap: what a model of order k misses, and why (the audit of Enouen & Liu 2025, InstaSHAP).

f minus a fit g of order k has two parts: the dividends of f above order k, which no explanation of that order can tell,
and what g got wrong within orders 1 to k, which more evaluations would mend. The second is the sum over 1 <= |T| <= k
of the variances of the residual's dividends. On independent points w, w' of the background,

    E r(w) r(w') sum over 1 <= |T| <= k of prod over i in T of (1[w_i = w'_i] / p_i(w_i) - 1)

is exactly that: the products are the kernels of the spaces that the dividends live in. All pairs of points that the fit
has not seen estimate it without bias (a U-statistic; Hoeffding 1948). The sums over T are elementary symmetric
polynomials, which follow from power sums (Newton's identities).

Sequences that are drawn without replacement are not independent, and those that the fit has not seen come from the
rest alone, on which its residual is another one than on all. So all M sequences are two strata, one of m that it has
seen and one of m that it has not, with shares W = m / M (Cochran, Sampling Techniques, Wiley 1977, chapter 5). Two
members of a stratum, each drawn from all of it, are the same with probability 1 / m; with K the sum for w = w', its own
part of the expectation is W^2 times

    (1 - 1 / m) mean over pairs of different points + 1 / m mean of K r(w)^2,

and that between the strata 2 W W' times the mean over pairs.
"""

from dataclasses import dataclass

import numpy as np

from ..sequences.background import Background
from ..spectrum.scale import power_of_two
from .r2_words import percent
from .records import Gap

MAX_POINTS = 4000
POINTS_AT_ONCE = 1024


@dataclass(frozen=True)
class Seen:
    """What a fit has seen of sequences that were drawn without replacement.

    Attributes:
        codes: (A, n) uint8 local codes of some of them (`seen_rows`), in the order in which they were drawn.
        missed: (A,) the model less the fit there.
        count: how many it has seen.
    """

    codes: np.ndarray
    missed: np.ndarray
    count: int


def accuracy_gap(
    background: Background,
    codes: np.ndarray,
    values: np.ndarray,
    predicted: np.ndarray,
    order: int,
    seen: Seen | None = None,
) -> Gap:
    """Divide what a fit misses.

    Args:
        background: what the points were drawn from; uniform, where that was without replacement.
        codes: (N, n) uint8 local codes that the fit has not seen; at most `MAX_POINTS` are compared in pairs.
        values: (N,) the model there.
        predicted: (N,) the fit there, all of it of this order or below.
        order: k, at least 1.
        seen: where points were drawn without replacement, those that the fit has seen; None: draws are independent.
    """
    unit = power_of_two(values - values[0])
    variance, gaps = float(((values - values[0]) / unit).var()), (values - predicted) / unit
    if variance == 0:
        return Gap(total=0.0, truncation=0.0, estimation=0.0, error=0.0)
    total = float(np.mean(gaps**2)) / variance
    space = background.template.space
    drawn = [(codes[:MAX_POINTS], gaps[:MAX_POINTS], space - seen.count if seen else np.inf)]
    if seen:
        drawn.append((seen.codes, seen.missed / unit, seen.count))
    middle = gaps[:MAX_POINTS].mean()
    strata = [
        _Stratum(*_one_hot(background, own), missed - middle, size, size / space if seen else 1.0)
        for own, missed, size in drawn
    ]
    estimation = squares = 0.0
    for k, stratum in enumerate(strata):
        others = strata[:k] + strata[k + 1 :]
        pairs, same = stratum.products(others, order, len(background.template.free))
        estimation += stratum.share * float((pairs + same).mean())
        left = 1 - len(pairs) / stratum.size
        squares += left * stratum.share**2 * float((2 * pairs + same).var()) / len(pairs)
    estimation, error = estimation / variance, float(np.sqrt(squares)) / variance
    return Gap(total=total, truncation=total - estimation, estimation=estimation, error=error)


def seen_rows(count: int) -> np.ndarray:
    """Return which of `count` points that a fit has seen are compared, (A,) int64: `MAX_POINTS` at most, evenly."""
    return np.arange(min(count, MAX_POINTS)) * count // min(count, MAX_POINTS)


def in_words(gap: Gap, order: int) -> str:
    """Say what more evaluations would find, if that is worth a sentence; otherwise nothing."""
    if gap["estimation"] < max(0.02, 2 * gap["error"]):
        return ""
    left = f"{percent(gap['estimation'])} of the model's variance lies in orders up to {order} and was not found there"
    return f" More evaluations would help: {left}."


@dataclass(frozen=True)
class _Stratum:
    """Points of a stratum of all sequences.

    Attributes:
        letters: (N, L) float32, see `_one_hot`.
        odds: (L,) float32.
        residual: (N,) float64.
        size: the sequences of the stratum.
        share: of all sequences.
    """

    letters: np.ndarray
    odds: np.ndarray
    residual: np.ndarray
    size: float
    share: float

    def products(self, others: "list[_Stratum]", order: int, positions: int) -> tuple[np.ndarray, np.ndarray]:
        """The means of r(w) r(w') K over each point's partners w', (N,): other points, and the point itself.

        Both are weighted by the shares of the strata, and by how probable it is that two draws of this one are the
        same.
        """
        count = len(self.residual)
        pairs, same = np.zeros(count), np.zeros(count)
        for start in range(0, count, POINTS_AT_ONCE):
            block = slice(start, start + POINTS_AT_ONCE)
            kernel = self._kernel(block, self, order, positions)
            own = np.arange(len(kernel)), start + np.arange(len(kernel))
            same[block] = self.share / self.size * kernel[own] * self.residual[block] ** 2
            kernel[own] = 0
            pairs[block] = self.share * (1 - 1 / self.size) / max(count - 1, 1) * (kernel @ self.residual)
            for other in others:
                partners = self._kernel(block, other, order, positions) @ other.residual
                pairs[block] += other.share / len(other.residual) * partners
        return self.residual * pairs, same

    def _kernel(self, block: slice, other: "_Stratum", order: int, positions: int) -> np.ndarray:
        """(B, N') K of some of the points and all of another stratum."""
        powers = []
        for j in range(1, order + 1):
            weights = self.odds**j - (-1) ** j
            powers.append((self.letters[block] * weights) @ other.letters.T + positions * (-1) ** j)
        return _elementary(powers)


def _one_hot(background: Background, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, L) float32 which letters of the free positions each sequence has, and (L,) 1 / p - 1 of each."""
    free = background.template.free
    letters = [codes[:, i, None] == np.arange(len(background.local[i])) for i in free]
    odds = np.concatenate([1 / background.local[i] - 1 for i in free])
    return np.concatenate(letters, 1).astype(np.float32), odds.astype(np.float32)


def _elementary(powers: list[np.ndarray]) -> np.ndarray:
    """The sum of the elementary symmetric polynomials 1 to k from k power sums."""
    sums = [np.ones_like(powers[0])]
    for degree in range(1, len(powers) + 1):
        parts = [(-1) ** (j - 1) * sums[degree - j] * powers[j - 1] for j in range(1, degree + 1)]
        sums.append(sum(parts[1:], parts[0]) / degree)
    return sum(sums[2:], sums[1])
