"""Masked explanations: a long sequence by itself, from what the model says when parts of it are absent.

For a sequence x and m players (positions or segments), the game is v(S) = E f(x_S, z_rest): S stays, the rest is drawn
from the background; the same value function as everywhere, of one sequence. It is sparse in the parities of masks
(SPEX, Kang et al. 2025), and what is found of it gives dividends, Shapley values and interactions with "everything
absent" as the baseline: v(empty) = E f. Masks are uniform, so fits are best where half of the players are present;
what they miss of the Shapley values is added from answers of their own (`checks`), and gives each a standard error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..sequences.rng import BOOTSTRAP_STREAM, generator
from .checks import Checked, combine, pair_units, walk_orders, walk_units
from .parities import Parities, signs, singles, union
from .plan import Estimator, MaskPlan
from .regression import RIDGES, Data, Fitted, fit, polish, pursue
from .sparse_transform import denoised, exact, sparse

REFITTED_VARIANCE_SHARE = 0.95  # of the trees' parities, that are fitted again (Butler et al. 2025, ProxySPEX)
MIN_VARIANCE = 1e-12  # of the values, of their squared mean: below it they are constant
RESAMPLES = 1000
# The scores of what is known exactly.
KNOWN = {
    "r2": 1.0,
    "r2_interval": [1.0, 1.0],
    "r2_of_draws": 1.0,
    "noise_share": 0.0,
    "missed": 0.0,
    "missed_error": 0.0,
}

Game = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class MaskFit:
    """One game, explained.

    Attributes:
        parities: what was found of it.
        values, errors: (m,) float64 Shapley values and their standard errors.
        base, base_error: the value of nobody, and its standard error.
        gap_error: the standard error of the prediction less `base` and all `values`.
        record: plain values: `estimator`, `parities` (how many), `order` (the highest), `validation_r2` (NaN where
            nothing was chosen), `correction` (see `Checked`), and those of `score`. Where every mask was asked without
            noise all is known: `r2` is 1.
    """

    parities: Parities
    values: np.ndarray
    errors: np.ndarray
    base: float
    base_error: float
    gap_error: float
    record: dict[str, Any]

    @property
    def reconstruction(self) -> float:
        """What the base and the values add up to."""
        return self.base + float(self.values.sum())


def explain_game(game: Game, plan: MaskPlan, *, estimator: Estimator = "auto", max_order: int = 5) -> MaskFit:
    """Ask a game at the masks of a plan and at the whole, and fit it.

    Args:
        game: from (N, m) uint8 masks, 1 for present, to (N,) values.
        plan: from `make_mask_plan`.
        estimator: as the plan was made for.
        max_order: of a parity; every mask asked, all orders are kept.
    """
    whole = float(np.asarray(game(np.ones((1, plan.players), np.uint8)))[0])
    return fit_values(plan, np.asarray(game(plan.masks), np.float64), whole, estimator=estimator, max_order=max_order)


def fit_values(
    plan: MaskPlan, values: np.ndarray, whole: float, *, estimator: Estimator = "auto", max_order: int = 5
) -> MaskFit:
    """Fit the values of one game.

    Args:
        plan: the plan.
        values: (N,) float64, at its masks.
        whole: the value of all players, which has no noise.
        estimator: `exact`, `fourier`, `trees`, `regression`, or `auto`, regression from what the transform finds.
        max_order: the highest order of a parity.
    """
    if plan.exhaustive:
        return _finish(
            plan, values, whole, "exact", exact(values), float("nan"), {**KNOWN, "signal": float(values.var())}
        )
    if plan.every:
        name, parities, validated = *_fit_every(plan, values, whole, estimator), float("nan")
    else:
        name, parities, validated = _fit_some(plan, values, estimator, max_order)
    scores = score(plan, values, parities)
    if not scores["r2"] > 0:  # no better than a constant, which is then what is known
        name, parities = "constant", _constant(plan, values)
        scores = score(plan, values, parities)
    return _finish(plan, values, whole, name, parities, validated, scores)


def _fit_every(plan: MaskPlan, values: np.ndarray, whole: float, estimator: Estimator) -> tuple[str, Parities]:
    """Transform the means of all masks' draws; all but `exact` shrink what may be noise."""
    answers, cells = values[plan.parts["every"]], 2**plan.players
    counts = np.bincount(plan.numbers, minlength=cells)
    means = np.bincount(plan.numbers, answers, cells) / np.maximum(counts, 1)
    means[-1] = whole
    if estimator == "exact":
        return "exact", exact(means)
    rows = plan.rows("holdout")
    within = np.sum((answers - means[plan.numbers]) ** 2)
    freedom = len(answers) - np.count_nonzero(counts)
    between = np.sum((values[rows] - values[plan.parts["again"]]) ** 2) / 2
    noise = (within + between) / (freedom + rows.stop - rows.start)
    return "exact, shrunk", denoised(means, float(noise * np.sum(1 / counts[:-1])) / cells**2)


def _fit_some(plan: MaskPlan, values: np.ndarray, estimator: Estimator, max_order: int) -> tuple[str, Parities, float]:
    """Fit the values of some masks by the estimator, chosen by validation; its R2 there comes last."""
    used = slice(plan.rows("validation").start, plan.plan.size)
    masks, count = plan.masks[used], plan.plan.count("validation")
    table, answers = signs(masks), values[used]
    data = Data(table[:, count:], answers[count:], table[:, :count], answers[:count], max_order)
    name, fitted = _fit(plan, masks[count:], masks[:count], data, estimator)
    everything = Data(table, answers, table[:, :0], answers[:0], max_order)
    coefficients = fitted.equations.merge(everything).solve(fitted.prior, fitted.ridge)
    kept = coefficients != 0
    return name, Parities(plan.players, fitted.supports[kept], coefficients[kept]), fitted.score


def _constant(plan: MaskPlan, values: np.ndarray) -> Parities:
    fitted = np.append(values[plan.rows("holdout").stop : plan.plan.size], values[plan.parts["every"]])
    return Parities(plan.players, singles(plan.players, 1)[:1], np.array([fitted.mean()]))


def _finish(
    plan: MaskPlan,
    values: np.ndarray,
    whole: float,
    name: str,
    parities: Parities,
    validated: float,
    scores: dict[str, Any],
) -> MaskFit:
    """Add what the fit misses of the Shapley values."""
    own = parities.terms.shapley_values(np.ones((1, plan.players), np.uint8))[0]
    checked = _check(plan, values, whole, parities)
    order = int(parities.orders.max(initial=0))
    found = {"estimator": name, "parities": len(parities.supports), "order": order, "validation_r2": validated}
    return MaskFit(
        parities,
        own + checked.values,
        checked.errors,
        parities.empty + checked.base,
        checked.base_error,
        checked.gap_error,
        {**found, "correction": checked.correction, **scores},
    )


def _check(plan: MaskPlan, values: np.ndarray, whole: float, parities: Parities) -> Checked:
    """Estimate what the parities miss, from the walks or pairs."""
    if plan.exhaustive:
        return Checked(np.zeros(plan.players), np.zeros(plan.players), 0.0, 0.0, 0.0, 0.0)
    rows = plan.parts["checks"]
    masks = plan.masks[rows]
    residual = values[rows] - parities.predict(masks)
    left = whole - float(parities.predict(np.ones((1, plan.players), np.uint8))[0])
    if plan.walks:
        units = walk_units(walk_orders(plan.plan.seed, plan.players, plan.walks), residual, left)
        return combine(units, residual[:: plan.players], left)
    return combine(pair_units(masks, residual, left), residual[2::3], left)


def _fit(
    plan: MaskPlan, masks: np.ndarray, check_masks: np.ndarray, data: Data, estimator: Estimator
) -> tuple[str, Fitted]:
    """Fit by one estimator; `auto` searches from what the sparse transform finds."""
    m, width = plan.players, data.max_order
    nothing, alone = singles(m, width)[:1], singles(m, width)[: data.most]
    if data.values.var() <= MIN_VARIANCE * np.mean(data.values**2):
        return "constant", fit(data, nothing, RIDGES[:1])
    name, start = "regression", nothing
    if plan.plan.lattice and estimator in ("auto", "fourier"):
        values = data.values[len(data.values) - plan.plan.lattice.size :]
        found, _ = sparse(plan.plan.lattice, plan.plan.seed, values, width)
        strongest = np.argsort(-np.abs(found.coefficients), kind="stable")[: data.most]
        start = union(m, nothing, found.supports[strongest])
        if estimator == "fourier":
            return "fourier", fit(data, union(m, start, alone)[: data.most], RIDGES)
        name = "fourier + regression" if len(found.supports) else name
    if estimator == "trees":
        return "trees", fit(data, _tree_candidates(masks, check_masks, data, plan.plan.seed), RIDGES)
    return name, polish(data, pursue(data, start))


def _tree_candidates(masks: np.ndarray, check_masks: np.ndarray, data: Data, seed: int) -> np.ndarray:
    """The parities that carry most of the variance of boosted trees, the empty one first."""
    from .boosting import boost

    trees = boost(masks, data.values, check_masks, data.check_values, data.max_order, seed)
    variances = np.where((trees.supports == trees.players).all(1), np.inf, trees.coefficients**2)
    order = np.argsort(-variances, kind="stable")[: data.most]
    shares = np.cumsum(variances[order[1:]]) / np.sum(trees.coefficients[variances < np.inf] ** 2)
    return trees.supports[order[: 2 + int(np.searchsorted(shares, REFITTED_VARIANCE_SHARE))]]


def score(plan: MaskPlan, values: np.ndarray, parities: Parities) -> dict[str, Any]:
    """Score a fit on the hold-out masks, which nothing else has used; see `MaskFit`.

    With two answers y, y' to each mask, whose noises are independent, E (y - g)(y' - g) is what the fit g misses of the
    value function, and Cov(y, y') the variance of the value function. Their ratio is an estimate, which noise may carry
    beyond 1; then it is 1. Where no variance stands out of the noise, R2 is NaN; among the resamples that counts as 0.

    Returns:
        `r2`, `r2_interval` (95 %), `r2_of_draws` (R2 of single answers), `noise_share` (of their variance), and what
        scores of several sequences are pooled from: `signal` and `missed`, the variances above, and `missed_error`, the
        standard error of `missed` less its share of `signal`.
    """
    rows = plan.rows("holdout")
    centre = values[rows].mean()  # large offsets must not cost digits
    first = values[rows] - centre
    second = values[plan.parts["again"]] - centre if plan.noisy else first
    guess = parities.predict(plan.masks[rows]) - centre
    draws = generator(plan.plan.seed, BOOTSTRAP_STREAM).integers(0, len(guess), (RESAMPLES, len(guess)))
    chosen = np.vstack([np.arange(len(guess)), draws])
    mean = ((first + second) / 2)[chosen].mean(1)
    products, squares = first * second, (first**2 + second**2) / 2
    residuals = (first - guess) * (second - guess)
    missed = residuals[chosen].mean(1)
    signal, total = (products[chosen].mean(1) - mean**2, squares[chosen].mean(1) - mean**2)
    known = signal > MIN_VARIANCE * (total + MIN_VARIANCE * centre**2)
    r2 = np.where(known, np.minimum(1 - missed / np.where(known, signal, 1.0), 1.0), np.nan)
    low, high = np.percentile(np.nan_to_num(r2[1:], nan=0.0), [2.5, 97.5])
    single = (((first - guess) ** 2 + (second - guess) ** 2) / 2).mean()
    share = 0.0 if np.isnan(r2[0]) else r2[0]
    error = np.std(residuals - (1 - share) * (products - mean[0] ** 2)) / np.sqrt(len(guess))
    return {
        "r2": float(r2[0]),
        "r2_interval": [float(low), float(high)] if known[0] else [np.nan, np.nan],
        "r2_of_draws": 1 - float(single) / float(total[0]) if total[0] > 0 else 1.0,
        "noise_share": float(np.clip(1 - signal[0] / total[0], 0, 1)) if total[0] > 0 else 0.0,
        "signal": float(signal[0]),
        "missed": float(missed[0]),
        "missed_error": float(error),
    }
