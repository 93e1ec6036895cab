"""Checks of Shapley values: what a fit misses of them, without bias, from answers that nothing else has used.

Shapley values are linear, so those of the game are those of its fit and of the residual r = v - fit. Two kinds of units
estimate the latter, each unit alone and without bias, so that units that differ give a standard error:

A *walk* lets the players enter in a random order, one after another, before one draw of the background; what each adds
as it enters is its value (Castro et al. 2009). Letters that do not change cancel, and so does most of the noise of
the draws.

A *pair* is a coalition, its complement and nobody, with the weights of `refine`; it costs three answers whatever the
number of players, and is the better one where there are many and no noise.

The fit errs too: by about sqrt(a + k s^2) where the correction's standard error is s, with a and k that the corrections
of all players tell. So each value is the fit's plus (a + k s^2) / (a + k s^2 + s^2) of its correction, averaged over
what a and k may be (flat in their roots; Gelman 2006, section 5.2). That is closer on average, but what is left out is
largest for the few players that act, which all the others outvote: so the standard error of a value is never less than
that of its whole correction, unless less is known to be missed.

Errors e of the values of m players make a fit miss about sum e^2 / 6 or more of the value function at masks of uniform
size (of effects that add up, E u (1 - u) = 1 / 6 is each one's share). So their mean square is at most six times what
hold-out masks say is missed, over m. Of that, a quarter is alike for all players, and three quarters go by the `doubts`
of the fit. Where R2 is low, players may act that it has not found, and no doubt tells which: the bound is divided by
the eighth power of R2, and then bounds nothing. Corrections that are larger than their noise and the bound allow raise
it.

Students tell more: where the two of them disagree (their doubts), and, as they know the letters of the draws, how much
of the value function they miss. So below the bound their errors may be anything until the corrections speak. As much of
a correction is made as is right if the errors are as small as they may well be, and standard errors are those of the
sums, with errors as large as is likely: where corrections are much noisier than that, the students' values stay as they
are.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from ..sequences.rng import PAIR_STREAM, WALK_STREAM, random_words

CONFIDENCE_LEVEL = 0.975  # value +- 1.96 standard errors is the 95 % interval of Student's t, however few the units
PRIOR_UNITS = 2.0  # units that the mean variance over the players counts for in that of each
FEW_PLAYERS = 3  # which do not tell a and k
DOUBTS_SHARE = 0.75  # of the squares of errors, that go by doubts; the rest is alike
FOUND_POWER = 8  # of R2, that the bound of other fits is divided by
BEYOND_NOISE = 2.0  # standard errors of the squares of corrections, beyond which they raise that bound
SURELY_MORE, SURELY_LESS = 0.05, 0.75  # of the likelihood, below errors that corrections count on, and standard errors
GRID, WIDEST = 40, 6.0  # roots of a and of k, and the largest of k
TYPICAL_ORDER = 3  # of a typical residual, as in refine
ROUNDING_SHARE = 1e-24  # of the squares of the corrections: less is rounding


@dataclass(frozen=True)
class Checked:
    """Corrections of the values of m players, and what is left uncertain.

    Standard errors are such that 1.96 of them make an interval of 95 %.

    Attributes:
        values, errors: (m,) float64, to be added to the fit's values, and the standard errors of the sums.
        base, base_error: the same of the value of nobody.
        gap_error: standard error of what the values leave of the whole sequence's prediction.
        correction: root mean square of the unbiased corrections, noise included.
    """

    values: np.ndarray
    errors: np.ndarray
    base: float
    base_error: float
    gap_error: float
    correction: float


def walk_orders(seed: int, players: int, walks: int) -> np.ndarray:
    """Return (walks, m) int64 random orders in which the players enter."""
    return np.argsort(random_words(seed, WALK_STREAM, 0, walks, players), axis=1, kind="stable")


def walk_masks(seed: int, players: int, walks: int) -> np.ndarray:
    """Return the (walks m, m) uint8 masks of walks: of each, from nobody to all but one."""
    rank = np.argsort(walk_orders(seed, players, walks), axis=1, kind="stable")
    return (rank[:, None, :] < np.arange(players)[:, None]).astype(np.uint8).reshape(-1, players)


def pair_masks(seed: int, players: int, pairs: int) -> np.ndarray:
    """Return the (3 pairs, m) uint8 masks of pairs: a coalition, its complement and nobody."""
    words = random_words(seed, PAIR_STREAM, 0, pairs, players + 1)
    chance = _chances(players)
    bounds = np.rint(np.cumsum(chance)[:-1] * 2.0**32)
    size = 1 + (words[:, :1] >= bounds).sum(1)
    rank = np.argsort(np.argsort(words[:, 1:], axis=1, kind="stable"), axis=1, kind="stable")
    coalition = rank < size[:, None]
    return np.stack([coalition, ~coalition, np.zeros_like(coalition)], 1).astype(np.uint8).reshape(-1, players)


def _chances(players: int) -> np.ndarray:
    sizes = np.arange(1, players)
    chance = 1 / np.sqrt(sizes * (players - sizes))
    return chance / chance.sum()


def walk_units(orders: np.ndarray, residual: np.ndarray, whole: np.ndarray | float) -> np.ndarray:
    """Estimate the values of all players from each walk, (walks, m).

    Args:
        orders: (walks, m) of `walk_orders`.
        residual: (walks m,) at `walk_masks`.
        whole: (walks,) residuals of all players, or one of all walks.
    """
    ends = np.broadcast_to(whole, len(orders))[:, None]
    steps = np.diff(residual.reshape(orders.shape), axis=1, append=ends)
    units = np.empty(orders.shape)
    np.put_along_axis(units, orders, steps, 1)
    return units


def pair_units(masks: np.ndarray, residual: np.ndarray, whole: np.ndarray | float) -> np.ndarray:
    """Estimate the values of all players from each pair, (pairs, m).

    Args:
        masks: (3 pairs, m) uint8 of `pair_masks`.
        residual: (3 pairs,) there.
        whole: (pairs,) residuals of all players, or one of all pairs.
    """
    m = masks.shape[1]
    coalition, (one, other, nobody) = masks[::3].astype(bool), residual.reshape(-1, 3).T
    size = coalition.sum(1)
    chance, share = _chances(m)[size - 1], size / m
    weights = np.where(coalition, (1 / (size * chance))[:, None], (-1 / ((m - size) * chance))[:, None])
    gap = one - other - (whole - nobody) * (share**TYPICAL_ORDER - (1 - share) ** TYPICAL_ORDER)
    return 0.5 * weights * gap[:, None] + (np.asarray(whole - nobody) / m)[:, None]


def combine(
    units: np.ndarray,
    nobody: np.ndarray,
    whole: float,
    doubts: np.ndarray | None = None,
    missed: float = np.inf,
    signal: float | None = None,
) -> Checked:
    """Weigh the corrections by how well they are known; see above.

    Args:
        units: (units, m) of `walk_units` or `pair_units`, two units at least.
        nobody: (units,) residuals of nobody, one of each unit.
        whole: the residual of all players.
        doubts: (m,) of the fit, where it knows some.
        missed: with doubts, the variance of the value function at masks of uniform size that it misses at most.
        signal: all that variance, where the doubts are not those of students.
    """
    count, mean = len(units), units.mean(0)
    square, wider = _squared_errors(units)
    told = None if doubts is None or not doubts.any() or not mean.any() else doubts / doubts.mean()
    if told is not None and signal is None:
        share, values, errors, spread = _weighed(mean, square, told, 6 * missed / len(mean))
        errors = wider * errors
    else:
        share, values, errors, spread = _shrunk(mean, square)
        errors = wider * errors
        if told is not None and signal is not None and signal > missed and len(mean) > FEW_PLAYERS:
            most = (6 * missed + _beyond_noise(mean, square, count)) / (1 - missed / signal) ** FOUND_POWER
            likely = most / len(mean) * _spread(told)
            errors = np.minimum(errors, np.sqrt(share**2 * square + likely))
    base_square, base_wider = (float(part[0]) for part in _squared_errors(nobody[:, None]))
    missed = max(whole**2, float(spread.sum()))  # squared, of what the fit has at the other end
    base_share = missed / (missed + base_square) if base_square > 0 and len(mean) > FEW_PLAYERS else 1.0
    drawn = (units * share).sum(1) + base_share * nobody
    return Checked(
        values,
        errors,
        base_share * float(nobody.mean()),
        float(base_wider * np.sqrt(base_share * base_square)),
        float(base_wider * np.sqrt(drawn.var(ddof=1) / count + np.sum((1 - share) ** 2 * spread))),
        float(np.sqrt(np.mean(mean**2))),
    )


def _squared_errors(units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The squared standard errors of the means of (units, k), and by how much intervals of Student's t are wider."""
    freedom, variance = len(units) - 1.0, units.var(0, ddof=1)
    if units.shape[1] > FEW_PLAYERS:
        variance = (PRIOR_UNITS * variance.mean() + freedom * variance) / (PRIOR_UNITS + freedom)
        freedom += PRIOR_UNITS
    return variance / len(units), np.full(units.shape[1], stdtrit(freedom, CONFIDENCE_LEVEL) / ndtri(CONFIDENCE_LEVEL))


def _shrunk(mean: np.ndarray, square: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The share of each correction that is made, the corrections made, their standard errors, and a + k s^2."""
    if len(mean) <= FEW_PLAYERS or not mean.any():
        return np.ones(len(mean)), mean, np.sqrt(square), np.zeros(len(mean))
    square = np.maximum(square, ROUNDING_SHARE * np.max(mean**2 + square))
    root = np.linspace(0, 1, GRID)
    a = np.repeat((3 * np.sqrt(np.mean(mean**2 + square)) * root) ** 2, GRID)
    spread = a[:, None] + np.tile((WIDEST * root) ** 2, GRID)[:, None] * square
    weight = _likelihoods(mean, square, spread)
    shares = spread / (spread + square)
    share = weight @ shares
    variance = share * square + (weight @ shares**2 - share**2) * mean**2
    return share, share * mean, np.sqrt(np.maximum(variance, square)), weight @ spread


def _spread(doubts: np.ndarray) -> np.ndarray:
    """How (m,) squares of errors of mean 1 go by (m,) doubts of mean 1."""
    return 1 - DOUBTS_SHARE + DOUBTS_SHARE * doubts


def _beyond_noise(mean: np.ndarray, square: np.ndarray, units: int) -> float:
    """By how much the squares of the corrections add up to more than their noise, which few units know badly."""
    return max(0.0, float(np.sum(mean**2) - (1 + BEYOND_NOISE * np.sqrt(2 / units)) * np.sum(square)))


def _weighed(
    mean: np.ndarray, square: np.ndarray, doubts: np.ndarray, most: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same, where the squares of the fit's errors are t times (m,) doubts of mean 1, and t is `most` or less."""
    t = most * np.linspace(0, 1, GRID)[1:]
    spread = t[:, None] * _spread(doubts)
    square = np.maximum(square, ROUNDING_SHARE * np.max(mean**2 + square))
    weight = _likelihoods(mean, square, spread)
    sure, likely = spread[np.searchsorted(np.cumsum(weight), [SURELY_MORE, SURELY_LESS])]
    share = sure / (sure + square)
    return share, share * mean, np.sqrt(share**2 * square + (1 - share) ** 2 * likely), likely


def _likelihoods(mean: np.ndarray, square: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """How likely each of (G, m) squares that the fit's errors may have is; (G,) that add up to 1."""
    log = -0.5 * (np.log(spread + square) + mean**2 / (spread + square)).sum(1)
    weight = np.exp(log - log.max())
    normalised: np.ndarray = weight / weight.sum()
    return normalised
