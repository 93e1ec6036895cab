"""What the methods of shapiq (Muschalik et al., NeurIPS 2024) have in common."""

import warnings
from importlib.metadata import version
from typing import Any

import numpy as np

from ..settings.errors import InputError
from . import Answer, Task, UnsuitedError
from .game import Game, Solution, play


def approximate(task: Task, name: str, *, distinct: bool, least: int = 0, order: int = 1, **options: Any) -> Answer:
    """Let an approximator of shapiq play the game of each sequence; with one player there is nothing to approximate.

    Args:
        task: what is asked.
        name: of the class in `shapiq.approximator`.
        distinct: whether it asks for a coalition once at most.
        least: evaluations that it needs of a sequence.
        order: the highest order of interactions that it returns.
        options: of the class.

    Raises:
        UnsuitedError: there are too few evaluations for it, or the shapiq that is installed does not have it.
    """
    from shapiq import approximator

    if not hasattr(approximator, name):
        raise UnsuitedError(
            f"{name} came with shapiq 1.8, which needs Python 3.12; shapiq {version('shapiq')} is installed."
        )

    if task.evaluations < least:
        raise UnsuitedError(
            f"{name} needs at least {least} evaluations of a sequence; it was given {task.evaluations}."
        )

    def solve(game: Game) -> Solution:
        if game.players == 1:
            return np.array([game.whole - game.mean]), {} if order > 1 else None
        method = getattr(approximator, name)(n=game.players, random_state=game.seed, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                interactions = method.approximate(budget=game.budget, game=game)
            except InputError:
                raise
            except (ValueError, IndexError, ZeroDivisionError) as error:  # on few players or evaluations
                reason = " ".join(str(error).split()).rstrip(".")
                raise UnsuitedError(
                    f"{name} of shapiq failed with {task.evaluations} evaluations of a sequence: {reason}."
                ) from error
        values = np.array([interactions[(i,)] for i in range(game.players)])
        if order < 2:
            return values, None
        terms = {tuple(map(int, s)): interactions.values[k] for s, k in interactions.interaction_lookup.items()}
        return values, {s: v for s, v in terms.items() if 2 <= len(s) <= order}

    return play(task, solve, distinct=distinct)


def boosted_trees(task: Task) -> Any:
    """Return LightGBM as shapiq would make it, silent, with the task's threads, and the same bytes each time."""
    from lightgbm import LGBMRegressor

    return LGBMRegressor(
        random_state=task.seed, n_jobs=task.threads, verbose=-1, deterministic=True, force_col_wise=True
    )


def newer_shapiq() -> bool:
    """Whether the shapiq that is installed has what came with version 1.8."""
    from shapiq import approximator

    return hasattr(approximator, "PolySHAP")


def sample_interactions(task: Task, name: str) -> Answer:
    """Let an approximator of shapiq that samples pairs of coalitions find interactions up to the task's order."""
    index = "SII" if task.order > 1 else "SV"
    options = {"max_order": task.order, "index": index, "pairing_trick": True}
    return approximate(task, name, distinct=True, least=4, order=task.order, **options)
