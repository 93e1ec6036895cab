"""Monte Carlo permutations: unbiased Shapley values and pairwise interactions, with standard errors.

Each estimate takes one random order of the free positions forwards and backwards, from one background draw (Castro
et al. 2009; the antithetic pair of Mitchell et al. 2022). The coalitions of size s along an order are uniform among
those of that size, so the same evaluations give unbiased pairwise Shapley interactions, as a sum over coalitions
(Fumagalli et al. 2023): I(i, j) = sum over s of C(n, s) gamma_s v(S_s), where gamma_s depends on how many of i and j
are in S_s.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..sequences.background import Background
from ..sequences.rng import PERMUTATION_STREAM, content_keys, keyed_words
from . import Answer, Interactions, Task, UnsuitedError
from .game import letters

INDEX = "SII"
PERMUTATIONS_PER_ROUND = 16  # paired permutations of each sequence at once

Function = Callable[[np.ndarray], np.ndarray]


class Estimates(NamedTuple):
    """Independent unbiased estimates of S sequences.

    Attributes:
        values: (P, S, free, outputs) Shapley values.
        pairs: (P, S, free, free, outputs) pairwise Shapley interactions (SII); the diagonal means nothing.
    """

    values: np.ndarray
    pairs: np.ndarray


class Moments(NamedTuple):
    """Means of estimates, and the squared standard errors of the means."""

    values: np.ndarray
    value_squares: np.ndarray
    pairs: np.ndarray
    pair_squares: np.ndarray


def explain(task: Task) -> Answer:
    """Explain by paired permutations; see `Task`.

    Raises:
        UnsuitedError: the evaluations do not make two pairs of permutations.
    """
    free = task.background.template.free
    cost = 2 * len(free) - 1  # both ways between the background and the sequence, which is asked once
    count = (task.evaluations - 1) // cost
    if count < 2:
        raise UnsuitedError(
            f"Monte Carlo permutations need at least {2 * cost + 1} evaluations of a sequence, for a standard error; "
            f"it was given {task.evaluations}."
        )
    sums = Sums()
    ask = _one_output(task)
    whole = ask(task.codes)
    for start in range(0, count, PERMUTATIONS_PER_ROUND):
        stop = min(start + PERMUTATIONS_PER_ROUND, count)
        sums.add(permutation_estimates(ask, task.background, task.codes, whole, start, stop, task.seed))
    moments = sums.moments()
    values, errors = np.zeros((2, *task.codes.shape))
    values[:, free], errors[:, free] = moments.values[..., 0], np.sqrt(moments.value_squares[..., 0])
    interactions: list[Interactions] | None = None
    if task.order > 1:
        i, j = np.triu_indices(len(free), 1)
        keys = list(zip(free[i].tolist(), free[j].tolist(), strict=True))
        interactions = [dict(zip(keys, row[i, j, 0].tolist(), strict=True)) for row in moments.pairs]
    return Answer(values, errors, interactions, 0, np.full(len(values), count * cost + 1))


def _one_output(task: Task) -> Function:
    return lambda codes: task.predict(codes)[:, None]


class Sums:
    """Sums of estimates and of their squares."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: list[np.ndarray] = []

    def add(self, estimates: Estimates) -> None:
        """Add estimates."""
        parts = [part for array in estimates for part in (array.sum(0), (array**2).sum(0))]
        self._sums = [old + new for old, new in zip(self._sums, parts, strict=True)] if self.count else parts
        self.count += len(estimates.values)

    def moments(self) -> Moments:
        """Return means, and their squared standard errors."""
        parts = []
        for total, squares in zip(self._sums[::2], self._sums[1::2], strict=True):
            mean = total / self.count
            parts += [mean, np.maximum(squares / self.count - mean**2, 0) / max(self.count - 1, 1)]
        return Moments(*parts)


def permutation_estimates(
    function: Function,
    background: Background,
    codes: np.ndarray,
    whole: np.ndarray,
    start: int,
    stop: int,
    seed: int,
    stream: int = PERMUTATION_STREAM,
) -> Estimates:
    """Estimate Shapley values and pairwise interactions by paired permutations.

    Args:
        function: (N, n) uint8 local codes to (N, outputs) values.
        background: of absent letters.
        codes: (S, n) uint8 local codes of the sequences.
        whole: (S, outputs), the function at them.
        start, stop: the range of pairs of each sequence's own stream.
        seed: of the streams; a sequence's draws follow from it and from its letters.
        stream: tells apart several uses with one seed; below 2**32.
    """
    free, n = background.template.free, background.template.n
    count, sequences, players = stop - start, len(codes), len(background.template.free)
    keys = content_keys(seed, stream, codes)
    words = np.stack([keyed_words(key, start, stop, players + n) for key in keys], 1).reshape(-1, players + n)
    ranks = np.argsort(words[:, :players], axis=1, kind="stable").astype(np.int16)
    z, x = letters(background, words[:, players:]), np.tile(codes, (count, 1))
    whole = np.tile(whole, (count, 1))
    paths = _path_values(function, free, x, z, ranks)
    values, pairs = np.zeros(()), np.zeros(())
    for rank, inner in zip((ranks, players - 1 - ranks), paths[1:], strict=True):
        along = np.concatenate([paths[0][:, None], inner, whole[:, None]], 1)  # (paths, players + 1, outputs)
        values = values + np.take_along_axis(np.diff(along, axis=1), rank[:, :, None].astype(np.int64), 1)
        pairs = pairs + _pair_estimates(along, rank.astype(np.int64))
    return Estimates(
        values.reshape(count, sequences, players, -1) / 2, pairs.reshape(count, sequences, players, players, -1) / 2
    )


def _path_values(
    function: Function, free: np.ndarray, x: np.ndarray, z: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (R, outputs) at the backgrounds, and (R, players - 1, outputs) at the inner coalitions of both orders."""
    rows, players = ranks.shape
    present = np.arange(1, players)[:, None]
    queries = [z]
    for rank in (ranks, players - 1 - ranks):
        path = np.repeat(z[:, None], players - 1, 1)
        path[..., free] = np.where(rank[:, None] < present, x[:, None, free], path[..., free])
        queries.append(path.reshape(-1, z.shape[1]))
    answers = function(np.concatenate(queries))
    inner = answers[rows:].reshape(2, rows, players - 1, answers.shape[1])
    return answers[:rows], inner[0], inner[1]


def _pair_estimates(along: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return (R, players, players, outputs) estimates from the values of coalitions of sizes 0 to n along orders.

    With r < R the ranks of i and j, S_s holds neither for s <= r, one for r < s <= R, and both for s > R.
    """
    n = along.shape[1] - 1
    if n < 2:
        return np.zeros((len(along), n, n, along.shape[2]))
    s = np.arange(n + 1.0)
    with np.errstate(divide="ignore"):
        both = np.where(s >= 2, n / (s * (s - 1)), 0)
        one = np.where((s >= 1) & (s < n), -n / (s * (n - s)), 0)
        none = np.where(s <= n - 2, n / ((n - s) * (n - s - 1)), 0)
    centred = along - along[:, -1:] * (s / n)[:, None]  # of a linear function of the size, no interaction is left
    sums = [np.cumsum(centred * weight[:, None], 1) for weight in (none, one, both)]
    before, after = sums[0] - sums[1], sums[1] + sums[2][:, -1:] - sums[2]
    low, high = np.minimum(rank[:, :, None], rank[:, None]), np.maximum(rank[:, :, None], rank[:, None])
    rows = np.arange(len(rank))[:, None, None]
    return before[rows, low] + after[rows, high]
