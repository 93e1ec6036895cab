"""The accuracy gap: what a model of order k misses, and why (the audit of Enouen & Liu 2025, InstaSHAP).

f minus a fit g of order k has two parts: the dividends of f above order k, which no explanation of that order can tell,
and what g got wrong within orders 1 to k, which more evaluations would mend. The second is the sum over 1 <= |T| <= k
of the variances of the residual's dividends. On independent points w, w' of the background,

    E r(w) r(w') sum over 1 <= |T| <= k of prod over i in T of (1[w_i = w'_i] / p_i(w_i) - 1)

is exactly that: the products are the kernels of the spaces that the dividends live in. All pairs of points that the fit
has not seen estimate it without bias (a U-statistic; Hoeffding 1948). The sums over T are elementary symmetric
polynomials, which follow from power sums (Newton's identities).
"""

import numpy as np

from ..sequences.background import Background
from ..spectrum.scale import power_of_two
from .r2_words import percent
from .records import Gap

MAX_POINTS = 4000
POINTS_AT_ONCE = 1024


def accuracy_gap(
    background: Background, codes: np.ndarray, values: np.ndarray, predicted: np.ndarray, order: int
) -> Gap:
    """Divide what a fit misses.

    Args:
        background: what the points were drawn from.
        codes: (N, n) uint8 local codes that the fit has not seen; at most `MAX_POINTS` are compared in pairs.
        values: (N,) the model there.
        predicted: (N,) the fit there, all of it of this order or below.
        order: k, at least 1.
    """
    unit = power_of_two(values - values[0])
    variance, gaps = float(((values - values[0]) / unit).var()), (values - predicted) / unit
    if variance == 0:
        return Gap(total=0.0, truncation=0.0, estimation=0.0, error=0.0)
    share = float(np.mean(gaps**2)) / variance
    residual = gaps[:MAX_POINTS] - gaps[:MAX_POINTS].mean()
    letters, odds = _one_hot(background, codes[:MAX_POINTS])
    count, positions = len(residual), len(background.template.free)
    sums = np.empty(count)
    for start in range(0, count, POINTS_AT_ONCE):
        block = slice(start, start + POINTS_AT_ONCE)
        powers = []
        for j in range(1, order + 1):
            weights = odds**j - (-1) ** j
            powers.append((letters[block] * weights) @ letters.T + positions * (-1) ** j)
        kernel = _elementary(powers)
        kernel[np.arange(len(kernel)), start + np.arange(len(kernel))] = 0  # pairs of different points
        sums[block] = residual[block] * (kernel @ residual)
    sums /= max(count - 1, 1) * variance
    estimation = float(sums.mean())
    return Gap(
        total=share, truncation=share - estimation, estimation=estimation, error=float(2 * sums.std() / np.sqrt(count))
    )


def in_words(gap: Gap, order: int) -> str:
    """Say what more evaluations would find, if that is worth a sentence; otherwise nothing."""
    if gap["estimation"] < max(0.02, 2 * gap["error"]):
        return ""
    left = f"{percent(gap['estimation'])} of the model's variance lies in orders up to {order} and was not found there"
    return f" More evaluations would help: {left}."


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
