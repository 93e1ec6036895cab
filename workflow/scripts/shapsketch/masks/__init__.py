"""Masked explanations: a long sequence by itself, from what the model says when parts of it are absent.

For a sequence x and m players (positions or segments), the game is v(S) = E f(x_S, z_rest): S stays, the rest is drawn
from the background; the same value function as everywhere, of one sequence. It is sparse in the parities of masks
(SPEX, Kang et al. 2025), and what is found of it gives dividends, Shapley values and interactions with "everything
absent" as the baseline: v(empty) = E f. Masks of every size are asked (`plan`), up to the whole sequence and nothing at
all; what the fit misses of the Shapley values is added from answers of their own (`checks`), and gives each a standard
error. The values add up to the prediction less the base value: what is known to be true is made so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .checks import Checked, combine, pair_units, walk_orders, walk_units
from .fits import GameFit, Variances, fit_constant, fit_game
from .parities import Parities, features, signs
from .plan import KINDS, Estimator, MaskPlan
from .scoring import KNOWN, score

Game = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class MaskFit:
    """One game, explained.

    Attributes:
        parities: what was found of it.
        values, errors: (m,) float64 Shapley values and their standard errors.
        base, base_error: the value of nobody, and its standard error.
        gap, gap_error: what base and values missed of the prediction before they were made to add up, and its standard
            error.
        variances: from (K, J) weights on the coefficients of `parities` to (J,) squared standard errors of the sums.
        record: plain values: `estimator`, `parities` (how many), `order` (the highest), `validation_r2` (NaN where
            nothing was chosen), `correction` (see `Checked`), those of `score` on sized masks, and in `half` those on
            half masks. Where every mask was asked without noise all is known: `r2` is 1.
    """

    parities: Parities
    values: np.ndarray
    errors: np.ndarray
    base: float
    base_error: float
    gap: float
    gap_error: float
    variances: Variances
    record: dict[str, Any]

    @property
    def reconstruction(self) -> float:
        """What the base and the values add up to."""
        return self.base + float(self.values.sum())


def explain_game(game: Game, plan: MaskPlan, *, estimator: Estimator = "auto", max_order: int = 5) -> MaskFit:
    """Ask a game at the masks of a plan and at the whole, and fit it.

    A noisy game is asked for the whole twice: where both answers are the same, that has no noise, as where only the
    background is drawn.

    Args:
        game: from (N, m) uint8 masks, 1 for present, to (N,) values.
        plan: from `make_mask_plan`.
        estimator: as the plan was made for.
        max_order: of a parity; every mask asked, all orders are kept.
    """
    wholes = np.asarray(game(np.ones((1 + plan.noisy, plan.players), np.uint8)), np.float64)
    values = np.asarray(game(plan.masks), np.float64)
    draws = len(wholes) if np.ptp(wholes) > 0 else 0
    whole = float(wholes.mean())
    return fit_values(plan, values, whole, whole_draws=draws, estimator=estimator, max_order=max_order)


def fit_values(
    plan: MaskPlan,
    values: np.ndarray,
    whole: float,
    *,
    whole_draws: int = 0,
    estimator: Estimator = "auto",
    max_order: int = 5,
    student: GameFit | None = None,
) -> MaskFit:
    """Fit the values of one game.

    Args:
        plan: the plan.
        values: (N,) float64, at its masks.
        whole: the value of all players.
        whole_draws: how many answers that is the mean of, if they have noise; 0: it has none.
        estimator: `dividends`, `exact`, `fourier`, `trees`, `regression`, `student`, or `auto`: the student, dividends
            or regression from what the transform finds, whichever validates better.
        max_order: the highest order of a parity.
        student: what a student says of the game, where there is one.
    """
    if student is None or estimator != "student":
        fitted = fit_game(plan, values, whole, estimator, max_order, whole_draws)
        fitted = student if student and student.validation_r2 > fitted.validation_r2 else fitted
    else:
        fitted = student
    scores = score_guesses(plan, values, fitted.guesses, fitted.answers)
    if not scores["r2"] > 0:  # no better than a constant, which is then what is known
        fitted = fit_constant(plan, values)
        scores = score_guesses(plan, values, fitted.guesses, fitted.answers)
    if whole_draws:
        whole = _less_noise(plan, values, whole, whole_draws, fitted, scores)
    checked = _check(plan, values, whole, fitted, scores)
    order = int(fitted.parities.orders.max(initial=0))
    about = {
        "estimator": fitted.estimator,
        "parities": len(fitted.parities.supports),
        "order": order,
        "validation_r2": fitted.validation_r2,
        "correction": checked.correction,
    }
    return _add_up(fitted, checked, whole, _calibrated(plan, values, fitted), about | scores)


def _less_noise(
    plan: MaskPlan, values: np.ndarray, whole: float, draws: int, fitted: GameFit, scores: Mapping[str, Any]
) -> float:
    """The value of all players, given its noisy answers and what the fit says: their mean by what each misses of it."""
    apart = np.concatenate([values[first] - values[second] for first, second in map(plan.holdout, KINDS)])
    noise, missed = float(np.mean(apart**2)) / 2 / draws, max(scores["missed"], 0.0)
    guess = float(np.mean(fitted.whole))
    return guess + (whole - guess) * (missed / (missed + noise) if missed + noise else 1.0)


def _calibrated(plan: MaskPlan, values: np.ndarray, fitted: GameFit) -> Variances:
    """Variances of sums of coefficients that hold all that the parities miss, not only what the sample makes vary.

    What parities miss of a game at half masks is the sum of their coefficients' squared errors (Parseval), those that
    were not found included. Hold-out masks tell it; where it is more than the fit's own variances come to there, all
    are raised by the same factor.
    """
    if plan.exhaustive:
        return fitted.variances
    first, second = plan.holdout("half")
    masks = plan.masks[first]
    guess = fitted.parities.predict(masks)
    products = (values[first] - guess) * (values[second] - guess)
    missed = float(products.mean() + products.std() / np.sqrt(len(products)))  # one standard error on the safe side
    fit_variance = float(fitted.variances(features(signs(masks), fitted.parities.supports).astype(np.float64)).mean())
    factor = max(1.0, missed / fit_variance) if fit_variance > 0 else 1.0
    return lambda weights: factor * fitted.variances(weights)


def _add_up(fitted: GameFit, checked: Checked, whole: float, variances: Variances, record: dict[str, Any]) -> MaskFit:
    """Add what the fit misses, and make base and values add up to the prediction.

    That they do is known, so what is left is divided among them by their squared standard errors: their means given
    their sum, if their errors are independent and normal.
    """
    values, base = fitted.values + checked.values, fitted.base + checked.base
    gap = whole - base - float(values.sum())
    errors = np.sqrt(checked.errors**2 + fitted.errors**2)
    base_error = float(np.hypot(checked.base_error, fitted.base_error))
    squares = np.append(errors**2, base_error**2)
    shares = gap * squares / squares.sum() if squares.any() else np.zeros(len(squares))
    return MaskFit(
        fitted.parities,
        values + shares[:-1],
        errors,
        base + float(shares[-1]),
        base_error,
        gap,
        float(np.hypot(checked.gap_error, fitted.gap_error)),
        variances,
        record,
    )


def score_guesses(plan: MaskPlan, values: np.ndarray, guesses: np.ndarray, answers: np.ndarray) -> dict[str, Any]:
    """The scores of a fit at the (N,) values of a plan's masks: on sized masks, and in `half` on half masks.

    Args:
        plan: the plan.
        values: (N,) of its masks.
        guesses, answers: (N,), as those of a `GameFit`.
    """
    if plan.exhaustive:
        known = {**KNOWN, "signal": float(values.var())}
        return {**known, "half": known}
    kinds = {}
    for kind in ("sized", "half"):
        parts = plan.holdout(kind)
        twice = [np.array([one[rows] for rows in parts]) for one in (values, guesses, answers)]
        kinds[kind] = score(twice[0], twice[1], twice[2], plan.plan.seed)
    return {**kinds["sized"], "half": kinds["half"]}


def _check(plan: MaskPlan, values: np.ndarray, whole: float, fitted: GameFit, scores: Mapping[str, Any]) -> Checked:
    """Estimate what the fit misses, from the walks or pairs; `scores` are its own."""
    if plan.exhaustive:
        return Checked(np.zeros(plan.players), np.zeros(plan.players), 0.0, 0.0, 0.0, 0.0)
    rows = plan.parts["checks"]
    residual, left = values[rows] - fitted.answers[rows], whole - fitted.whole
    if plan.walks:
        units = walk_units(walk_orders(plan.plan.seed, plan.players, plan.walks), residual, left)
        nobody = residual[:: plan.players]
    else:
        units, nobody = pair_units(plan.masks[rows], residual, left), residual[2::3]
    missed = max(scores["missed"], 0.0) + scores["missed_error"]
    signal = None if fitted.reads_letters else max(scores["signal"], 0.0)
    return combine(units, nobody, float(np.mean(left)), fitted.doubts, missed, signal)
