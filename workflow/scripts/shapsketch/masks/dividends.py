"""Regression on dividends: which sets of players act where all of them are present, and by how much.

A game is the sum of its dividends, v(S) = sum_{T <= S} a(T) (Harsanyi 1963). Where letters act as whole motifs, few
dividends say what many parities do: a set of five players that acts alone has 32 parities, each a 32nd of it, and none
of them stands out of noise. Its indicator does (a sparse Moebius transform, as in Kang et al. 2024, by search instead
of groups). So each round grows sets from single players up, keeps those whose indicators correlate best with what is
left, and lets in the best that share no player. Then what the fit together does not need is dropped, and each set is
exchanged for the best of its neighbours (one player more, one less, or another), as what was left when it was let in
held the traces of others, too.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from .equations import RIDGES, SEARCH_RIDGES, Data, Fitted, fit
from .parities import Parities, features, orders, singles, subsets, support_keys, union
from .regression import largest

BEAM = 128  # sets that are grown by one player each
MAX_PAIRED = 512  # players whose pairs are looked at in a round
MAX_ROUNDS = 30
MAX_ADDED_PER_ROUND = 32
MAX_EXCHANGES = 3  # in a round
PATIENCE = 3  # rounds that validate no better, and the search ends
MIN_SCORE = 5.0  # standard errors by which an indicator must stand out to be let in,
MIN_KEPT = 5.0  # and by which its dividend must differ from zero to stay
MIN_EXCHANGED = 1.0  # what an exchange must explain more, in variances of what is left
MIN_MASKS = 8  # with all of a set present, or with some of it absent: fewer do not tell its dividend


def pursue(data: Data) -> Fitted:
    """Search for dividends that explain the values of masks, whose signs `data` holds as for parities.

    Returns:
        A fit whose supports are sets, and whose coefficients are their dividends.
    """
    data = replace(data, table=indicators(data.table), check_table=indicators(data.check_table), chances=None)
    m = data.players
    best = current = fit(data, singles(m, data.max_order)[:1], SEARCH_RIDGES, reweightings=1)
    idle = 0
    for _ in range(MAX_ROUNDS):
        if idle == PATIENCE or current.is_exact:
            break
        added = _apart(*_grow(data, current.residual), m)
        grown = union(m, current.supports, added)[: data.max_parities]
        if len(grown) == len(current.supports):
            break
        current = _refit(data, grown, current)
        for _ in range(MAX_EXCHANGES):
            exchanged = _exchange(data, current)
            if np.array_equal(exchanged, current.supports):
                break
            current = _refit(data, exchanged, current)
        idle = 0 if current.score > best.score else idle + 1
        best = current if idle == 0 else best
    return fit(data, best.supports, RIDGES, known=best)


def indicators(signs: np.ndarray) -> np.ndarray:
    """Turn (m + 1, N) signs into (m + 1, N) float32, 1 where a player is present; the last row stays 1."""
    table = (1 - signs) / 2
    table[-1] = 1
    return table


def to_parities(players: int, supports: np.ndarray, dividends: np.ndarray) -> tuple[Parities, sparse.csr_matrix]:
    """Return the parities of a sum of dividends, and the (K, P) matrix that makes their coefficients of these.

    The dividend of T is that of its indicator, prod_{i in T} (1 - chi_i) / 2, so that
    F_R = (-1)^|R| sum_{T >= R} 2^-|T| a(T).

    Args:
        players: m.
        supports: (P, w) sets, filled up with m.
        dividends: (P,) float64.
    """
    halves = 0.5 ** orders(supports, players)
    rows, columns, shares = [], [], []
    for members, chosen in subsets(supports, players):
        padded = np.full((len(chosen), supports.shape[1]), players)
        padded[:, : chosen.shape[1]] = chosen
        rows.append(padded)
        columns.append(members)
        shares.append((-1.0) ** chosen.shape[1] * halves[members])
    parts = np.concatenate(rows)
    _, first, row = np.unique(support_keys(parts, players), return_index=True, return_inverse=True)
    cells = (np.concatenate(shares), (row, np.concatenate(columns)))
    matrix = sparse.csr_matrix(cells, (len(first), len(supports)))
    return Parities(players, parts[first], matrix @ dividends), matrix


def _grow(data: Data, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grow sets from single players up: (C, width) candidates of every size, and how far each stands out, (C,)."""
    m, width, count = data.players, data.max_order, len(residual)
    left = residual - residual.mean()
    left = (left / (float(left.std()) or 1.0) / np.sqrt(count)).astype(np.float32)
    parents = singles(m, width)[:1]
    found, scores = [], []
    for size in range(1, width + 1):
        covariances = np.abs((features(data.table, parents) * left) @ data.table.T)
        np.put_along_axis(covariances, parents, 0.0, 1)  # of those that are there, and of nobody
        place = largest(covariances.ravel(), m if size == 1 else size * BEAM)  # each set comes up `size` times
        row, player = np.divmod(place[covariances.ravel()[place] > 0], m + 1)
        grown = union(m, np.sort(np.column_stack([parents[row], player]), axis=1)[:, :width])
        values = features(data.table, grown)
        spread = _spread(values.sum(1, dtype=np.float64), count)
        score = np.abs(values @ left) / np.sqrt(spread / count)
        best = np.argsort(-score, kind="stable")[: MAX_PAIRED if size == 1 else BEAM]
        found.append(grown[best])
        scores.append(score[best])
        parents = grown[best[score[best] > 0]]
        if not len(parents):
            break
    return np.concatenate(found), np.concatenate(scores)


def _spread(present: np.ndarray, count: int) -> np.ndarray:
    """Of `count` masks, in so many of which sets are present, the sums of squares of the indicators less their means.

    Infinite where these are too few or too many to tell.
    """
    told = np.minimum(present, count - present) >= MIN_MASKS
    return np.where(told, present * (1 - present / count), np.inf)


def _apart(candidates: np.ndarray, scores: np.ndarray, players: int) -> np.ndarray:
    """The candidates that stand out, the best first, none with a player of a better one."""
    chosen: list[np.ndarray] = []
    scores = np.where(scores >= MIN_SCORE, scores, 0.0)
    while len(chosen) < MAX_ADDED_PER_ROUND and scores.max(initial=0.0) > 0:
        chosen.append(candidates[np.argmax(scores)])
        taken = np.zeros(players + 1, bool)
        taken[chosen[-1]] = True
        taken[players] = False
        scores[taken[candidates].any(1)] = 0.0
    return np.array(chosen, np.int64).reshape(-1, candidates.shape[1])


def _refit(data: Data, supports: np.ndarray, known: Fitted) -> Fitted:
    """Fit dividends, and drop those that differ from zero by too little, the weaker half of these at a time."""
    while True:
        fitted = fit(data, supports, SEARCH_RIDGES, reweightings=1, known=known)
        sizes = np.abs(fitted.coefficients)
        variances = fitted.equations.variances(np.eye(len(supports)), fitted.coefficients, fitted.prior, fitted.ridge)
        ratios = sizes / np.sqrt(np.maximum(variances, np.finfo(float).tiny))
        ratios[0] = np.inf
        weak = int(np.count_nonzero(ratios < MIN_KEPT))
        if not weak:
            return fitted
        dropped = np.argsort(ratios, kind="stable")[: (weak + 1) // 2]
        supports, known = np.delete(supports, dropped, axis=0), fitted


def _exchange(data: Data, fitted: Fitted) -> np.ndarray:
    """Exchange each set for its neighbour that explains most of what is left without it: the (K, width) supports.

    What is left without a set T of dividend a is r + a (1_T - mean). A neighbour S is T without one player or whole,
    with one player or none added, so that 1_T 1_S is 1_T, or 1_T with that player: all covariances are products of
    matrices.
    """
    m, width, count = data.players, data.max_order, len(data.values)
    sets, dividends = fitted.supports[1:], fitted.coefficients[1:]
    parents, owner = _without_one(sets, m)
    left = (fitted.residual - fitted.residual.mean()).astype(np.float32)
    own, values = features(data.table, sets), features(data.table, parents)
    both, present = (own @ data.table.T).astype(np.float64), (values @ data.table.T).astype(np.float64)
    covariances = ((values * left) @ data.table.T).astype(np.float64)  # in the last column, nobody is added
    covariances += dividends[owner, None] * (both[owner] - both[owner, -1:] * present / count)
    explained = covariances**2 / _spread(present, count) / np.mean(fitted.residual**2)
    explained[: len(sets), :-1][orders(sets, m) == width] = 0  # no player more than the highest order
    row, column = np.nonzero(parents < m)
    explained[row, parents[row, column]] = 0  # nor one twice
    strongest = explained.max(1)
    best = np.zeros(len(sets))
    np.maximum.at(best, owner, strongest)
    row = np.flatnonzero((strongest == best[owner]) & (best > explained[: len(sets), -1] + MIN_EXCHANGED)[owner])
    exchanged = np.sort(np.column_stack([parents[row], explained[row].argmax(1)]), axis=1)[:, :width]
    sets = sets.copy()
    sets[owner[row]] = exchanged
    return union(m, fitted.supports[:1], sets)


def _without_one(sets: np.ndarray, players: int) -> tuple[np.ndarray, np.ndarray]:
    """The (K, width) sets, and then each of them without one of its players; and the row of each one's set."""
    parents, owner = [sets], [np.arange(len(sets))]
    for column in range(sets.shape[1]):
        rows = np.flatnonzero(sets[:, column] < players)
        fewer = sets[rows]
        fewer[:, column] = players
        parents.append(np.sort(fewer, axis=1))
        owner.append(rows)
    return np.concatenate(parents), np.concatenate(owner)
