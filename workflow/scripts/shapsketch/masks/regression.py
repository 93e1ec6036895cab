"""Regression on parities: which matter, and how much.

Candidates are scored by their correlation with what is left: all pairs at once by one product of matrices, and all
neighbours of the strongest parities found (one player more, one less, or one exchanged for none) by another. What
stands out of the noise is fitted together, and the search goes on with what that leaves. Interactions of real
models are hierarchical, so their parts are found first and lead to them (Butler et al. 2025, ProxySPEX, section 3), and
what belongs to those found is tried in the end even where it does not stand out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import log_ndtr

from ..spectrum.metrics import r_squared
from .parities import correlate, features, normalise, orders, singles, subsets, support_keys, union

FALSE_DISCOVERY_RATE = 0.2  # of the candidates that are let in (Benjamini & Hochberg 1995)
MAX_SHARE = 0.3  # parities per sample
MAX_PARITIES = 3000
MAX_LEADERS = 256  # parities whose neighbours are looked at
MAX_PLAYERS = 192  # that search goes on with; the others' effects are too weak to stand out
FIRST_PLAYERS = 2048  # that it begins with: pairs may be there whose players have no effect alone
PAIR_BLOCK = 128  # players whose pairs are scored at once
MAX_CLOSED = 64  # parities whose closure is tried
MAX_CLOSURE = 128  # parities of it
MAX_ROUNDS = 16
MAX_ADDED_PER_ROUND = 128  # parities that may be added in a round
PATIENCE = 2  # rounds that validate no better, and the search ends
GOOD_R2 = 0.99  # R2 above which nothing is tried beside what stood out
MIN_GAIN = 0.002  # of the unexplained variance: less is no gain
RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-6, 1e-9, 1e-13)
SEARCH_RIDGES = (0.03, 3e-3, 1e-4, 1e-9)  # while the search goes on
REWEIGHTINGS = 2
RIDGE_FACTOR = 12.0  # times the ridge that was best: what is tried next is hardly ever more
ROUNDING_SHARE = 1e-9  # of the largest coefficient
EXACT_SHARE = 1e-16  # of the values' variance: what is left is rounding
MIN_PRIOR_SHARE = 1e-3  # of the noise of a coefficient's square: weaker ones are dropped when the prior is reweighted


@dataclass(frozen=True)
class Data:
    """Masks with their values, to fit and to choose by.

    Attributes:
        table, values: (m + 1, N) float32 signs and (N,) float64.
        check_table, check_values: of other masks.
        max_order: the highest order of a parity.
    """

    table: np.ndarray
    values: np.ndarray
    check_table: np.ndarray
    check_values: np.ndarray
    max_order: int

    @property
    def players(self) -> int:
        """The number m of players."""
        return len(self.table) - 1

    @property
    def most(self) -> int:
        """How many parities can be fitted."""
        return min(MAX_PARITIES, int(MAX_SHARE * len(self.values)))


@dataclass(frozen=True)
class Fitted:
    """Parities with their coefficients, and how well they do on the masks that choose.

    Attributes:
        supports, coefficients: as those of `parities.Parities`.
        score: R2 on the checking masks.
        ridge: of the solution, relative to the prior's largest variance.
        prior: (K,) variances relative to their largest.
        residual: (N,) float64, what the fit leaves.
        equations: whose solution it is.
    """

    supports: np.ndarray
    coefficients: np.ndarray
    score: float
    ridge: float
    prior: np.ndarray
    residual: np.ndarray
    equations: "Equations"


def pursue(data: Data, start: np.ndarray) -> Fitted:
    """Search for parities that explain the values, from those of `start` on; the empty one comes first there.

    Each round adds what stands out of the residual, and drops what the fit has made negligible.
    """
    m = data.players
    best = current = fit(data, start[: data.most], SEARCH_RIDGES, sharpenings=1)
    idle = 0
    for number in range(MAX_ROUNDS):
        if idle == PATIENCE or _is_exact(data, current):
            break
        kept = current.supports[_matters(data, current)]
        players = promising(data, current, MAX_PLAYERS if number else FIRST_PLAYERS)
        added = union(m, kept, _stand_out(data, current, players))[len(kept) :]
        if not len(added):
            break
        grown = union(m, kept, added[:MAX_ADDED_PER_ROUND])[: data.most]
        ridges = SEARCH_RIDGES[max(SEARCH_RIDGES.index(current.ridge) - 1, 0) :]  # one step up at most
        current = fit(data, grown, ridges, sharpenings=1, known=current)
        idle = 0 if 1 - current.score < (1 - MIN_GAIN) * (1 - best.score) else idle + 1
        best = current if current.score > best.score else best
    return best


def polish(data: Data, rough: Fitted) -> Fitted:
    """Fit the parities that matter with care: alone, with promising single players, and with their closure."""
    m = data.players
    found = rough.supports[_matters(data, rough)]
    best = fit(data, found, RIDGES, known=rough)
    if best.score >= GOOD_R2:
        return best
    weak = singles(m, data.max_order)[1 + promising(data, rough)]
    wide = union(m, found, weak, closure(data, best))[: data.most]
    other = fit(data, wide, RIDGES, known=best)
    return max(best, other, key=lambda fitted: fitted.score)


def closure(data: Data, fitted: Fitted) -> np.ndarray:
    """Return the parities that would be there too if those found are traces of products: (K, w), the likeliest first.

    A product of players is the sum of the parities of all their subsets. So these are the subsets of the strongest
    parities, and of what two of them make up together that have a player in common; most of them are too weak to stand
    out alone.
    """
    m, width = data.players, data.max_order
    own = orders(fitted.supports, m)
    leaders = np.flatnonzero((own > 1) & (own <= width))
    leaders = leaders[np.argsort(-np.abs(fitted.coefficients[leaders]), kind="stable")[:MAX_CLOSED]]
    one, two = (leaders[i] for i in np.triu_indices(len(leaders), 1))
    both = np.sort(np.hstack([fitted.supports[one], fitted.supports[two]]), axis=1)
    both[:, 1:][both[:, 1:] == both[:, :-1]] = m
    both = np.sort(both, axis=1)
    size = orders(both, m)
    meet = (size < own[one] + own[two]) & (size <= width)
    strength = np.abs(fitted.coefficients)
    whole = np.vstack([fitted.supports[leaders], both[meet][:, :width]])
    rank = np.argsort(-np.append(strength[leaders], np.sqrt(strength[one] * strength[two])[meet]), kind="stable")
    pieces = list(subsets(whole[rank], m))
    rows = np.concatenate([member for member, _ in pieces])
    found = np.full((len(rows), width), m)
    for (_, chosen), end in zip(pieces, np.cumsum([len(member) for member, _ in pieces]), strict=True):
        found[end - len(chosen) : end, : chosen.shape[1]] = chosen
    found = union(m, found[np.argsort(rows, kind="stable")])
    return union(m, fitted.supports, found)[len(fitted.supports) :][:MAX_CLOSURE]


def _matters(data: Data, fitted: Fitted) -> np.ndarray:
    """The (K,) parities whose coefficients are no smaller than their standard error, or than rounding."""
    error = float(fitted.residual.std()) / np.sqrt(len(data.values))
    large = np.abs(fitted.coefficients) > max(error, ROUNDING_SHARE * np.abs(fitted.coefficients).max())
    large[0] = True
    return large


def _is_exact(data: Data, fitted: Fitted) -> bool:
    return float(fitted.residual @ fitted.residual) <= EXACT_SHARE * float(
        np.sum((data.values - data.values.mean()) ** 2)
    )


def promising(data: Data, known: Fitted, most: int = MAX_PLAYERS) -> np.ndarray:
    """Return up to so many players, ascending: the strongest in what is left, or in parities that are known."""
    strength = np.square(data.table[:-1] @ known.residual.astype(np.float32) / len(data.values), dtype=np.float64)
    variances = np.repeat(known.coefficients**2, known.supports.shape[1])
    strength = np.maximum(strength, np.bincount(known.supports.ravel(), variances, data.players + 1)[:-1])
    return np.sort(np.argsort(-strength, kind="stable")[:most])


def _stand_out(data: Data, fitted: Fitted, players: np.ndarray) -> np.ndarray:
    """The candidates whose correlation with the residual stands out of the noise, the strongest first.

    Of pairs, those of `players`; of neighbours, those that differ in one of them.
    """
    m, width, count = data.players, data.max_order, len(data.values)
    left = fitted.residual - fitted.residual.mean()
    left = (left / (float(left.std()) or 1.0) / np.sqrt(count)).astype(np.float32)
    groups = [(singles(m, width)[1:], (data.table[:-1] @ left).astype(np.float64), m)]
    own = data.table[players]
    weighted = own * left
    if width > 1:
        groups.append((*_pairs(data, own, weighted, players), len(players) * (len(players) - 1) // 2))
    if width > 2:
        groups.append((*_neighbours(data, fitted, weighted, players), MAX_LEADERS * len(players)))
    chosen = []
    for rows, score, tests in groups:
        good = _significant(np.abs(score), tests)
        chosen.append((rows[good], np.abs(score[good])))
    rows, strength = (np.concatenate(part) for part in zip(*chosen, strict=True))
    return rows[np.argsort(-strength, kind="stable")]


def _pairs(data: Data, own: np.ndarray, weighted: np.ndarray, players: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest pairs of these players, whose signs are `own`, and their scores."""
    scores = np.zeros((len(players), len(players)), np.float32)
    for start in range(0, len(players), PAIR_BLOCK):  # the half above the diagonal
        rows = slice(start, start + PAIR_BLOCK)
        scores[rows, start:] = np.triu(weighted[rows] @ own[start:].T, 1)
    first, second = np.divmod(_largest(np.abs(scores).ravel(), data.most), len(players))
    found = np.full((len(first), data.max_order), data.players)
    found[:, :2] = np.column_stack([players[first], players[second]])
    return found, scores[first, second].astype(np.float64)


def _neighbours(data: Data, fitted: Fitted, weighted: np.ndarray, players: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parities that differ in one of these players from the strongest ones known, and their scores."""
    m, width = data.players, data.max_order
    own = orders(fitted.supports, m)
    known = np.flatnonzero((own > 1) & (own <= width))
    leaders = fitted.supports[known[np.argsort(-np.abs(fitted.coefficients[known]), kind="stable")[:MAX_LEADERS]]]
    if not len(leaders):
        return np.zeros((0, width), np.int64), np.zeros(0)
    scores = (features(data.table, leaders) @ weighted.T).astype(np.float64)
    place = _largest(np.abs(scores).ravel(), 4 * data.most)
    row, player = np.divmod(place, len(players))
    found = normalise(np.column_stack([leaders[row], players[player]]), m)
    good = found[:, -1] == m  # no more players than the highest order
    return found[good][:, :width], scores.ravel()[place[good]]


def _largest(scores: np.ndarray, most: int) -> np.ndarray:
    """The places of the largest scores, as many as `most`; ties by place."""
    if len(scores) <= most:
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - most)[len(scores) - most]
    above, ties = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
    return np.sort(np.concatenate([above, ties[: most - len(above)]]))


def _significant(scores: np.ndarray, tests: int) -> np.ndarray:
    """The places of standard normal scores that are no noise, by their rank among so many tests."""
    order = np.argsort(-scores, kind="stable")
    log_p = np.log(2) + log_ndtr(-scores[order])
    passes = np.flatnonzero(log_p <= np.log(FALSE_DISCOVERY_RATE * np.arange(1, len(order) + 1) / tests))
    return order[: passes[-1] + 1] if len(passes) else order[:0]


def fit(
    data: Data,
    supports: np.ndarray,
    ridges: Sequence[float],
    sharpenings: int = REWEIGHTINGS,
    known: Fitted | None = None,
) -> Fitted:
    """Fit coefficients by ridge regression; the ridge, and how often the prior is reweighted, are chosen by checking.

    Args:
        data: the data.
        supports: (K, w), the empty one first.
        ridges: from the strongest on.
        sharpenings: how often at most the prior is set to what was found (an iterated ridge; Chartrand & Yin 2008).
        known: a fit to the same data, whose equations are used again.
    """
    equations = Equations.collect(data, supports, known.equations if known else None)
    best = equations.solve_path(np.ones(len(supports)), ridges)
    for _ in range(sharpenings):
        prior = best[1] ** 2 / max(float(np.max(best[1][1:] ** 2, initial=0)), 1e-300)
        noise = float(np.mean(equations.residual(best[1]) ** 2)) / len(data.values)
        prior = np.maximum(prior, MIN_PRIOR_SHARE * noise / max(float(np.max(best[1][1:] ** 2, initial=0)), 1e-300))
        weaker = [ridge for ridge in ridges if ridge <= RIDGE_FACTOR * best[2]]
        found = equations.solve_path(np.minimum(prior, 1.0), weaker)
        gained = 1 - found[0] < (1 - MIN_GAIN) * (1 - best[0])
        best = found if found[0] > best[0] else best
        if not gained:
            break
    score, coefficients, ridge, own = best
    return Fitted(supports, coefficients, score, ridge, own, equations.residual(coefficients), equations)


@dataclass(frozen=True)
class Equations:
    """The normal equations of some parities.

    The Gram matrix holds sums of +1 and -1, exact in single precision up to 2^24 samples, whatever their order.
    """

    data: Data
    supports: np.ndarray
    values: np.ndarray
    check: np.ndarray
    gram: np.ndarray
    moments: np.ndarray

    @classmethod
    def collect(cls, data: Data, supports: np.ndarray, known: "Equations | None" = None) -> "Equations":
        """Evaluate the parities, but for those that are known."""
        check = features(data.check_table, supports)
        if known is None:
            values = features(data.table, supports)
            gram = (values @ values.T).astype(np.float64)
            return cls(data, supports, values, check, gram, correlate(values, data.values))
        keys, known_keys = (support_keys(rows, data.players) for rows in (supports, known.supports))
        _, here, there = np.intersect1d(keys, known_keys, assume_unique=True, return_indices=True)
        new = np.setdiff1d(np.arange(len(supports)), here, assume_unique=True)
        values = np.empty((len(supports), len(data.values)), np.float32)
        gram, moments = np.empty((len(supports), len(supports))), np.empty(len(supports))
        values[here], values[new] = known.values[there], features(data.table, supports[new])
        gram[np.ix_(here, here)] = known.gram[np.ix_(there, there)]
        gram[new] = values[new] @ values.T
        gram[:, new] = gram[new].T
        moments[here], moments[new] = known.moments[there], correlate(values[new], data.values)
        return cls(data, supports, values, check, gram, moments)

    def merge(self, data: Data) -> "Equations":
        """Return the equations of `data`, whose masks are those that choose and then the others."""
        values, gram = np.hstack([self.check, self.values]), self.gram + self.check @ self.check.T
        moments = self.moments + correlate(self.check, self.data.check_values)
        return Equations(data, self.supports, values, self.check[:, :0], gram, moments)

    def solve_path(self, prior: np.ndarray, ridges: Sequence[float]) -> tuple[float, np.ndarray, float, np.ndarray]:
        """Solve for one ridge after another; return the best R2 on the checking masks, with its solution."""
        best, worse = None, 0
        for ridge in ridges:
            w = self.solve(prior, ridge)
            score = r_squared(self.data.check_values, _transposed(self.check, w))
            worse = 0 if best is None or score > best[0] else worse + 1
            if worse == 0:
                best = (score, w, ridge, prior)
            if worse == PATIENCE:
                break
        assert best is not None
        return best

    def solve(self, prior: np.ndarray, ridge: float) -> np.ndarray:
        """Minimise |A w - y|^2 + N ridge sum w^2 / prior over the (K,) w; the empty parity is free."""
        scale = np.sqrt(prior)
        scale[0] = 1.0
        matrix = self.gram * scale * scale[:, None]
        penalty = np.full(len(scale), len(self.data.values) * ridge)
        penalty[0] = 0.0
        matrix[np.diag_indices_from(matrix)] += penalty
        try:
            return scale * cho_solve(cho_factor(matrix, check_finite=False), scale * self.moments)
        except LinAlgError:  # parities that the masks cannot tell apart
            return scale * np.linalg.lstsq(matrix, scale * self.moments)[0]

    def residual(self, w: np.ndarray) -> np.ndarray:
        """What is left of the values."""
        return self.data.values - _transposed(self.values, w)


def _transposed(values: np.ndarray, w: np.ndarray) -> np.ndarray:
    """(N,) float64 products of the transpose of (K, N) float32 with (K,)."""
    total = np.zeros(values.shape[1])
    for start in range(0, len(values), 256):
        total += w[start : start + 256] @ values[start : start + 256].astype(np.float64)
    return total
