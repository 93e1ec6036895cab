"""True Shapley values of masked sequences, from long random walks of the model itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from shapsketch.masks.game import SequenceGame

KEY, SEED = np.uint64(4242), 99  # letters and orders that nothing else has drawn
ASKED_AT_ONCE = 20_000


@dataclass(frozen=True)
class Walks:
    """How many walks there are.

    Attributes:
        full: walks that step through all players.
        more, players: walks that stop before and after so many players alone, those whose steps vary most.
    """

    full: int
    more: int = 0
    players: int = 0


def long_walks(
    predict: Callable[[np.ndarray], np.ndarray], game: SequenceGame, walks: Walks
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Shapley values of a game, (m, k), and their standard errors, (m, k).

    Args:
        predict: from (N, n) uint8 local codes to (N, k) values.
        game: of the sequence.
        walks: how many.
    """
    rng, m = np.random.default_rng(SEED), game.plan.players
    ranks = np.array([rng.permutation(m) for _ in range(walks.full + walks.more)])
    steps = np.concatenate(list(_steps(predict, game, np.arange(m), ranks[: walks.full], 0)))
    values, squares = steps.mean(0), steps.var(0, ddof=1) / len(steps)
    if walks.more:
        variances = steps.var(0) / np.maximum(steps.var(0).sum(0), np.finfo(float).tiny)
        players = np.sort(np.argsort(-variances.sum(1), kind="stable")[: walks.players])
        others = np.concatenate(list(_steps(predict, game, players, ranks[walks.full :], walks.full)))
        together = np.concatenate([steps[:, players], others])
        values[players], squares[players] = together.mean(0), together.var(0, ddof=1) / len(together)
    return values, np.sqrt(squares)


def _steps(
    predict: Callable[[np.ndarray], np.ndarray], game: SequenceGame, players: np.ndarray, ranks: np.ndarray, start: int
) -> Iterator[np.ndarray]:
    """Yield what players add as they enter, (walks, players, k), some walks at a time; `start` numbers the first."""
    m, whole = ranks.shape[1], predict(game.codes[None])
    together = max(1, ASKED_AT_ONCE // min(m, 2 * len(players) + 1))
    for first in range(0, len(ranks), together):
        some = ranks[first : first + together]
        stops = [np.unique(np.concatenate([[0], rank[players], rank[players] + 1])) for rank in some]
        asked = [stop[stop < m] for stop in stops]
        masks = np.concatenate([rank < stop[:, None] for rank, stop in zip(some, asked, strict=True)])
        numbers = np.repeat(start + first + np.arange(len(some)), [len(stop) for stop in asked])
        values = predict(game.compose(masks.astype(np.uint8), KEY, numbers))
        steps, ends = [], np.cumsum([len(stop) for stop in asked])[:-1]
        for rank, stop, walk in zip(some, stops, np.split(values, ends), strict=True):
            walk = np.concatenate([walk, whole])  # where the last stop is everybody
            steps.append(walk[np.searchsorted(stop, rank[players] + 1)] - walk[np.searchsorted(stop, rank[players])])
        yield np.array(steps)


def corrected_r2(truth: np.ndarray, guess: np.ndarray, noise: float) -> float:
    """R2 of a guess at a truth with independent noise of so much variance."""
    return float(1 - (np.mean((truth - guess) ** 2) - noise) / (truth.var() - noise))
