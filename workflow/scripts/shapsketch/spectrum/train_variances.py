"""Variances of trains under a product background, exactly: by order, by support, by position.

With X the matrix of second moments of the left products, a position outside a support maps it to E^T X E, and one in it
to sum_a p(a) D(a)^T X D(a), since E[D] = 0 makes different supports uncorrelated. The same with two trains, left and
right.
"""

from collections.abc import Sequence

import numpy as np

from .trains import Array, Train


def covariance_by_order(
    first: Train, second: Train, probabilities: Sequence[Array], max_order: int | None = None
) -> Array:
    """Return E[a(T) b(T)] of two trains, summed over the supports T of each order.

    Args:
        first, second: over the same letters; the same one twice for variances.
        probabilities: of each position's letters.
        max_order: the highest order; None is n.

    Returns:
        (max_order + 1,) float64; order 0 is the product of the means.
    """
    top = first.n if max_order is None else max_order
    moments = np.zeros((top + 1, first.means.shape[1], second.means.shape[1]))
    moments[0, 0, 0] = 1.0
    for i, p in enumerate(probabilities):
        changed = _apply_changes(moments[:-1], first, second, i, p)
        moments = first.means[i].T @ moments @ second.means[i]
        moments[1:] += changed
    return moments[:, 0, 0]


def _apply_changes(moments: Array, first: Train, second: Train, i: int, p: Array) -> Array:
    total = np.zeros((len(moments), first.means.shape[2], second.means.shape[2]))
    for a, share in enumerate(p):
        total += share * (first.changes[i, a].T @ moments @ second.changes[i, a])
    return total


def total_shares(first: Train, second: Train, probabilities: Sequence[Array]) -> Array:
    """Return (n,) float64: the covariance of all supports that hold each position (Sobol index, not normalised)."""
    n = first.n
    lefts = [np.zeros((first.means.shape[1], second.means.shape[1]))]
    lefts[0][0, 0] = 1.0
    rights = [lefts[0].copy()]
    for i in range(n):
        lefts.append(_whole(lefts[-1], first, second, i, probabilities[i]))
    for i in range(n - 1, -1, -1):
        rights.append(_whole_back(rights[-1], first, second, i, probabilities[i]))
    rights.reverse()
    shares = [
        np.sum(_apply_changes(lefts[i][None], first, second, i, p)[0] * rights[i + 1])
        for i, p in enumerate(probabilities)
    ]
    return np.array(shares)


def _whole(moments: Array, first: Train, second: Train, i: int, p: Array) -> Array:
    return sum(
        (share * (first.cores[i, a].T @ moments @ second.cores[i, a]) for a, share in enumerate(p)),
        np.zeros_like(moments),
    )


def _whole_back(moments: Array, first: Train, second: Train, i: int, p: Array) -> Array:
    return sum(
        (share * (first.cores[i, a] @ moments @ second.cores[i, a].T) for a, share in enumerate(p)),
        np.zeros_like(moments),
    )


def support_variances(train: Train, probabilities: Sequence[Array], max_order: int) -> Array:
    """Return E[a(T)^2] of every support up to an order of at most 3, in the order of `listed_supports`.

    Args:
        train: of rank k.
        probabilities: of each position's letters.
        max_order: 1, 2 or 3.

    Returns:
        (S,) float64. Time n^2 k^3 for pairs and n^3 k^2 for triples.
    """
    n, width = train.n, train.means.shape[1]
    rights = np.zeros((n + 1, width, width))
    rights[n, 0, 0] = 1.0
    for i in range(n - 1, -1, -1):
        rights[i] = train.means[i] @ rights[i + 1] @ train.means[i].T
    tails = _tails(train, probabilities, rights) if max_order > 2 else None
    left = np.zeros((1, width, width))
    left[0, 0, 0] = 1.0
    carried = np.zeros((0, width, width))
    singles, pairs, triples = np.zeros(n), np.zeros((n, n)), []
    for j, p in enumerate(probabilities):
        changed = _apply_changes(left, train, train, j, p)
        singles[j] = np.sum(changed[0] * rights[j + 1])
        if max_order > 1:
            ends = _apply_changes(carried, train, train, j, p)
            pairs[:j, j] = (ends * rights[j + 1]).sum((1, 2))
            if tails is not None:
                triples.append(np.tensordot(ends, tails[j], ([1, 2], [1, 2])))
            carried = np.concatenate([train.means[j].T @ carried @ train.means[j], changed])
        left = train.means[j].T @ left @ train.means[j]
    parts = [singles]
    if max_order > 1:
        parts.append(pairs[np.triu_indices(n, 1)])
    if max_order > 2:
        parts += [triples[j][i] for i in range(n) for j in range(i + 1, n)]
    return np.concatenate(parts)


def _tails(train: Train, probabilities: Sequence[Array], rights: Array) -> list[Array]:
    """For each position j the (n - j - 1, k, k) matrices E .. E W_l R after it, for l > j; W_l is the changes' map."""
    n, width = train.n, train.means.shape[1]
    tails: list[Array] = [np.zeros((0, width, width))] * n
    carried = np.zeros((0, width, width))
    for j in range(n - 1, 0, -1):
        changes, p = train.changes[j, : len(probabilities[j])], probabilities[j]
        nearest = sum(
            (share * (d @ rights[j + 1] @ d.T) for share, d in zip(p, changes, strict=True)), np.zeros((width, width))
        )
        carried = np.concatenate([nearest[None], train.means[j] @ carried @ train.means[j].T])
        tails[j - 1] = carried
    return tails
