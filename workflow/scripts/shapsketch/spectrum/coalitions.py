"""Coalitions drawn from the Shapley kernel."""

import numpy as np


def shapley_coalitions(draws: np.random.Generator, count: int, players: int) -> np.ndarray:
    """Draw coalitions: sizes s with probability proportional to 1 / (s (n - s)), 1 <= s < n, then any of that size.

    Args:
        draws: the generator.
        count: how many.
        players: n, at least 2.

    Returns:
        (count, n) bool, true where present.
    """
    sizes = np.arange(1, players)
    chance = 1 / (sizes * (players - sizes))
    chosen = draws.choice(sizes, count, p=chance / chance.sum())
    ranks = draws.random((count, players), dtype=np.float32).argsort(1).argsort(1)
    return ranks < chosen[:, None]
