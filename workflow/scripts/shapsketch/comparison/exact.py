"""Exact enumeration: every coalition of up to 14 free positions, and every sequence where there are few enough.

Where the template's sequences can all be evaluated, they are, once, and expectations are exact sums. Otherwise each
coalition is averaged over background draws, as many as the evaluations allow, and the values get standard errors.
"""

from itertools import combinations

import numpy as np

from ..sequences.rng import COALITION_STREAM, content_keys
from ..sequences.template import Template
from ..settings.methods import MAX_PLAYERS, is_enumerable
from ..spectrum.indices import WEIGHTS
from . import Answer, Interactions, Task, UnsuitedError
from .game import background_mean, draw_background

INDEX = "SII"


def explain(task: Task) -> Answer:
    """Enumerate.

    Raises:
        UnsuitedError: there are too many free positions, or too few evaluations for each coalition.
    """
    players = len(task.background.template.free)
    if players > MAX_PLAYERS:
        raise UnsuitedError(
            f"Exact enumeration of {players} free positions would need 2^{players} coalitions of each sequence; "
            f"{MAX_PLAYERS} positions are its limit."
        )
    if is_enumerable(task.background.template):
        return _explain_all(task)
    return _explain_drawn(task)


def all_codes(template: Template) -> np.ndarray:
    """Return the (space, n) uint8 local codes of every sequence of a template, the last free position fastest."""
    codes = np.zeros((template.space, template.n), np.uint8)
    codes[:, template.free] = np.stack(np.unravel_index(np.arange(template.space), template.sizes[template.free]), 1)
    return codes


def _explain_all(task: Task) -> Answer:
    template = task.background.template
    cube = task.predict(all_codes(template)).reshape(template.sizes[template.free])
    games = np.stack([_coalition_values(cube, task, x) for x in task.codes])
    return _answer(task, games, None, template.space, 0)


def _coalition_values(cube: np.ndarray, task: Task, x: np.ndarray) -> np.ndarray:
    """Return the (2^f,) values v_x(S); bit i of S counts the i-th free position from the left."""
    for i in task.background.template.free:
        absent = np.tensordot(task.background.local[i], cube, (0, 0))
        cube = np.stack([absent, cube[x[i]]], -1)  # the new axis goes to the end
    return cube.reshape(-1)


def _explain_drawn(task: Task) -> Answer:
    """Average each coalition over draws; the whole one is f(x), and the empty one E f of all."""
    template, players = task.background.template, len(task.background.template.free)
    draws = (task.evaluations - 1) // (2**players - 2)
    if draws < 2:
        raise UnsuitedError(
            f"Exact enumeration of {players} free positions needs at least {2 * (2**players - 2) + 1} evaluations of "
            f"each sequence, two of each coalition, where not all {template.space} sequences can be evaluated."
        )
    mean, fixed = background_mean(task)
    present = _masks(players)[1:-1]
    games, squares = np.empty((2, len(task.codes), 2**players))
    for row, key in enumerate(content_keys(task.seed, COALITION_STREAM, task.codes)):
        x = task.codes[row]
        z = draw_background(task.background, key, 0, len(present) * draws)
        z[:, template.free] = np.where(np.repeat(present, draws, 0), x[template.free], z[:, template.free])
        values = task.predict(z).reshape(-1, draws)
        games[row] = np.concatenate([[mean], values.mean(1), task.predict(x[None])])
        squares[row] = np.concatenate([[0], values.var(1, ddof=1) / draws, [0]])
    return _answer(task, games, squares, fixed, len(present) * draws + 1)


def _answer(task: Task, games: np.ndarray, squares: np.ndarray | None, fixed: int, per_sequence: int) -> Answer:
    """Turn (N, 2^f) values of games, and their squared errors, into an answer."""
    free = task.background.template.free
    dividends = games.copy()
    for i in range(len(free)):  # the Moebius transform, position by position
        halves = dividends.reshape(len(games), 2**i, 2, -1)
        halves[:, :, 1] -= halves[:, :, 0]
    present = _masks(len(free))
    values, errors = np.zeros((2, *task.codes.shape))
    sizes = np.maximum(present.sum(1), 1)
    values[:, free] = (dividends / sizes) @ present
    if squares is not None:
        errors[:, free] = np.sqrt(squares @ _shapley_weights(present) ** 2)
    interactions = [_interactions(task, row, present) for row in dividends] if task.order > 1 else None
    return Answer(
        values,
        None if squares is None else errors,
        interactions,
        fixed,
        np.full(len(games), per_sequence),
        "" if squares is None else f"{(per_sequence - 1) // (2 ** len(free) - 2)} background draws of each coalition",
    )


def _masks(players: int) -> np.ndarray:
    """Return the (2^f, f) coalitions in the order of `_coalition_values`."""
    return (np.arange(2**players)[:, None] >> np.arange(players)[::-1] & 1).astype(bool)


def _shapley_weights(present: np.ndarray) -> np.ndarray:
    """Return the (2^f, f) weights of v(S) in each Shapley value."""
    from scipy.special import binom

    players, sizes = present.shape[1], present.sum(1, keepdims=True)
    inside = 1 / (players * binom(players - 1, np.maximum(sizes - 1, 0)))
    outside = 1 / (players * binom(players - 1, np.minimum(sizes, players - 1)))
    return np.where(present, inside, -outside)


def _interactions(task: Task, dividends: np.ndarray, present: np.ndarray) -> Interactions:
    free, sizes = task.background.template.free, present.sum(1)
    interactions = {}
    for order in range(2, min(task.order, len(free)) + 1):
        weights = [float(WEIGHTS[INDEX](order, max(size, order), task.order)) for size in range(len(free) + 1)]
        share = np.array(weights)[sizes] * dividends
        for members in combinations(range(len(free)), order):
            interactions[tuple(free[list(members)].tolist())] = float(share[present[:, members].all(1)].sum())
    return interactions
