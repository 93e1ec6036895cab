"""Regression on parities: which matter, and how much.

Candidates are scored by their correlation with what is left: all pairs at once by one product of matrices, and all
neighbours of the strongest parities found (one player more, one less, or one exchanged for none) by another. What
stands out of the noise is fitted together, and the search goes on with what that leaves. Interactions of real
models are hierarchical, so their parts are found first and lead to them (Butler et al. 2025, ProxySPEX, section 3), and
what belongs to those found is tried in the end even where it does not stand out.
"""

import numpy as np
from scipy.special import log_ndtr

from .equations import MIN_GAIN, RIDGES, SEARCH_RIDGES, Data, Fitted, fit
from .parities import features, normalise, orders, singles, subsets, union

FALSE_DISCOVERY_RATE = 0.2  # of the candidates that are let in (Benjamini & Hochberg 1995)
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
ROUNDING_SHARE = 1e-9  # of the largest coefficient


def pursue(data: Data, start: np.ndarray) -> Fitted:
    """Search for parities that explain the values, from those of `start` on, (K, width), the empty one first.

    Each round adds what stands out of the residual, and drops what the fit has made negligible.
    """
    m = data.players
    best = current = fit(data, start[: data.max_parities], SEARCH_RIDGES, reweightings=1)
    idle = 0
    for number in range(MAX_ROUNDS):
        if idle == PATIENCE or current.is_exact:
            break
        kept = current.supports[_matters(data, current)]
        players = promising(data, current, MAX_PLAYERS if number else FIRST_PLAYERS)
        added = union(m, kept, _stand_out(data, current, players))[len(kept) :]
        if not len(added):
            break
        grown = union(m, kept, added[:MAX_ADDED_PER_ROUND])[: data.max_parities]
        ridges = SEARCH_RIDGES[max(SEARCH_RIDGES.index(current.ridge) - 1, 0) :]  # one step up at most
        current = fit(data, grown, ridges, reweightings=1, known=current)
        idle = 0 if 1 - current.score < (1 - MIN_GAIN) * (1 - best.score) else idle + 1
        best = current if current.score > best.score else best
    return best


def polish(data: Data, rough: Fitted) -> Fitted:
    """Fit the parities that matter with care: alone, with promising single players, and with their closure."""
    m = data.players
    kept = rough.supports[_matters(data, rough)]
    best = fit(data, kept, RIDGES, known=rough)
    if best.score >= GOOD_R2:
        return best
    weak = singles(m, data.max_order)[1 + promising(data, rough)]
    wide = union(m, kept, weak, closure(data, best))[: data.max_parities]
    other = fit(data, wide, RIDGES, known=best)
    return max(best, other, key=lambda fitted: fitted.score)


def closure(data: Data, fitted: Fitted) -> np.ndarray:
    """Return the parities that would be there too if those found are traces of products: (K, w), the likeliest first.

    A product of players is the sum of the parities of all their subsets. So these are the subsets of the strongest
    parities, and of what two of them make up together that have a player in common; most of them are too weak to stand
    out alone.
    """
    m, width = data.players, data.max_order
    sizes = orders(fitted.supports, m)
    leaders = np.flatnonzero((sizes > 1) & (sizes <= width))
    leaders = leaders[np.argsort(-np.abs(fitted.coefficients[leaders]), kind="stable")[:MAX_CLOSED]]
    one, two = (leaders[i] for i in np.triu_indices(len(leaders), 1))
    both = np.sort(np.hstack([fitted.supports[one], fitted.supports[two]]), axis=1)
    both[:, 1:][both[:, 1:] == both[:, :-1]] = m
    both = np.sort(both, axis=1)
    size = orders(both, m)
    meet = (size < sizes[one] + sizes[two]) & (size <= width)
    strength = np.abs(fitted.coefficients)
    whole = np.vstack([fitted.supports[leaders], both[meet][:, :width]])
    rank = np.argsort(-np.append(strength[leaders], np.sqrt(strength[one] * strength[two])[meet]), kind="stable")
    pieces = list(subsets(whole[rank], m))
    rows = np.concatenate([member for member, _ in pieces])
    parts = np.full((len(rows), width), m)
    for (_, chosen), end in zip(pieces, np.cumsum([len(member) for member, _ in pieces]), strict=True):
        parts[end - len(chosen) : end, : chosen.shape[1]] = chosen
    parts = union(m, parts[np.argsort(rows, kind="stable")])
    return union(m, fitted.supports, parts)[len(fitted.supports) :][:MAX_CLOSURE]


def _matters(data: Data, fitted: Fitted) -> np.ndarray:
    """The (K,) parities whose coefficients are no smaller than their standard error, or than rounding."""
    error = float(fitted.residual.std()) / np.sqrt(len(data.values))
    large = np.abs(fitted.coefficients) > max(error, ROUNDING_SHARE * np.abs(fitted.coefficients).max())
    large[0] = True
    return large


def promising(data: Data, known: Fitted, most: int = MAX_PLAYERS) -> np.ndarray:
    """Return up to `most` players, (M,) ascending: the strongest in what is left, or in parities that are known."""
    strength = np.square(
        data.standardised[:-1] @ known.residual.astype(np.float32) / len(data.values), dtype=np.float64
    )
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
    groups = [(singles(m, width)[1:], (data.standardised[:-1] @ left).astype(np.float64), m)]
    signs = data.standardised[players]
    weighted = signs * left
    if width > 1:
        groups.append((*_pairs(data, signs, weighted, players), len(players) * (len(players) - 1) // 2))
    if width > 2:
        groups.append((*_neighbours(data, fitted, weighted, players), MAX_LEADERS * len(players)))
    chosen = []
    for rows, score, tests in groups:
        good = _significant(np.abs(score), tests)
        chosen.append((rows[good], np.abs(score[good])))
    rows, strength = (np.concatenate(part) for part in zip(*chosen, strict=True))
    return rows[np.argsort(-strength, kind="stable")]


def _pairs(data: Data, signs: np.ndarray, weighted: np.ndarray, players: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strongest pairs of these players, with their (standardised) signs, and their scores."""
    scores = np.zeros((len(players), len(players)), np.float32)
    for start in range(0, len(players), PAIR_BLOCK):  # the half above the diagonal
        rows = slice(start, start + PAIR_BLOCK)
        scores[rows, start:] = np.triu(weighted[rows] @ signs[start:].T, 1)
    first, second = np.divmod(largest(np.abs(scores).ravel(), data.max_parities), len(players))
    pairs = np.full((len(first), data.max_order), data.players)
    pairs[:, :2] = np.column_stack([players[first], players[second]])
    return pairs, scores[first, second].astype(np.float64)


def _neighbours(data: Data, fitted: Fitted, weighted: np.ndarray, players: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parities that differ in one of these players from the strongest ones known, and their scores."""
    m, width = data.players, data.max_order
    sizes = orders(fitted.supports, m)
    known = np.flatnonzero((sizes > 1) & (sizes <= width))
    leaders = fitted.supports[known[np.argsort(-np.abs(fitted.coefficients[known]), kind="stable")[:MAX_LEADERS]]]
    if not len(leaders):
        return np.zeros((0, width), np.int64), np.zeros(0)
    scores = (features(data.standardised, leaders) @ weighted.T).astype(np.float64)
    place = largest(np.abs(scores).ravel(), 4 * data.max_parities)
    row, player = np.divmod(place, len(players))
    changed = normalise(np.column_stack([leaders[row], players[player]]), m)
    good = changed[:, -1] == m  # no more players than the highest order
    return changed[good][:, :width], scores.ravel()[place[good]]


def largest(scores: np.ndarray, most: int) -> np.ndarray:
    """Return the places of the largest of (K,) scores, up to `most` of them, ascending; ties by place."""
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
