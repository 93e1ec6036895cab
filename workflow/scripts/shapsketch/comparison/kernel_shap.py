"""KernelSHAP (Lundberg & Lee, NeurIPS 2017), of shap.

shap averages each coalition over a fixed sample of background rows. Here its "rows" are the masks themselves, with the
empty mask as the only background row: so it pays one evaluation for each coalition, and its background is ours.
"""

import logging
import warnings

import numpy as np

from . import Answer, Task, UnsuitedError
from .game import Game, Solution, play

INDEX = None


def explain(task: Task) -> Answer:
    """Explain by the weighted least squares of sampled coalitions; see `Task`.

    Raises:
        UnsuitedError: there are fewer evaluations than unknowns.
    """
    from shap import KernelExplainer

    least = 2 * len(task.background.template.free)
    if task.evaluations < least:
        raise UnsuitedError(
            f"KernelSHAP needs at least {least} evaluations of a sequence, two for each free position; "
            f"it was given {task.evaluations}."
        )
    logging.getLogger("shap").setLevel(logging.ERROR)

    def solve(game: Game) -> Solution:
        explainer = KernelExplainer(game, np.zeros((1, game.players)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x, count = np.ones((1, game.players)), game.budget - 2
            shapley_values = explainer.shap_values(x, nsamples=count, l1_reg=False, silent=True)
        return np.asarray(shapley_values, np.float64).reshape(game.players), None

    return play(task, solve, distinct=True)
