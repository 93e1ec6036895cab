"""Masked explanations: a long sequence by itself, from what the model says when parts of it are absent.

For a sequence x and m players (positions or segments), the game is v(S) = E f(x_S, z_rest): S stays, the rest is drawn
from the background; the same value function as everywhere, of one sequence. It is sparse in the parities of masks
(SPEX, Kang et al. 2025), and what is found of it gives dividends, Shapley values and interactions with "everything
absent" as the baseline: v(empty) = E f. Masks are uniform, so fits are best where half of the players are present;
`gap` tells what is missing where all of them are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..counter import BOOTSTRAP_STREAM, generator
from .parities import Parities, signs, singles, union
from .plan import Estimator, MaskPlan
from .regression import RIDGES, Data, Fitted, fit, polish, pursue
from .transform import exact, sparse

ENERGY = 0.95  # of the trees' parities, that are fitted again (Kang et al. 2025, ProxySPEX)
LEAST_VARIANCE = 1e-12  # of the values, of their squared mean: below it they are constant
RESAMPLES = 1000

Game = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class MaskFit:
    """One game, explained.

    Attributes:
        parities: what was found of it.
        record: plain values: `estimator`, `parities` (how many), `order` (the highest), `validation_r2`, `r2` (of the
            value function on the hold-out masks, free of the noise of the draws), `r2_interval` (95 %), `r2_of_draws`
            (of single answers), `noise_share` (of their variance). Where every mask was asked there is no hold-out,
            and the three are 1, (1, 1) and 1 for what was asked.
    """

    parities: Parities
    record: dict[str, Any]


def explain_game(game: Game, plan: MaskPlan, *, estimator: Estimator = "auto", max_order: int = 5) -> MaskFit:
    """Ask a game at the masks of a plan, and fit it.

    Args:
        game: from (N, m) uint8 masks, 1 for present, to (N,) values.
        plan: from `make_mask_plan`.
        estimator: as the plan was made for.
        max_order: of a parity; every mask asked, all orders are kept.
    """
    return fit_values(plan, np.asarray(game(plan.masks), np.float64), estimator=estimator, max_order=max_order)


def fit_values(plan: MaskPlan, values: np.ndarray, *, estimator: Estimator = "auto", max_order: int = 5) -> MaskFit:
    """Fit the values of one game.

    Args:
        plan: the plan.
        values: (N,) float64, at its masks, the hold-out's second answers last.
        estimator: `exact`, `fourier`, `trees`, `regression`, or `auto`, regression from what the transform finds.
        max_order: the highest order of a parity.
    """
    if plan.exhaustive:
        found = exact(values)
        return MaskFit(found, _record("exact", found, 1.0, {"r2": 1.0, "r2_interval": [1.0, 1.0], "r2_of_draws": 1.0}))
    masks = plan.masks
    used = slice(plan.rows("validation").start, plan.plan.size)
    count = plan.plan.count("validation")
    table, answers = signs(masks[used]), values[used]
    data = Data(table[:, count:], answers[count:], table[:, :count], answers[:count], max_order)
    name, fitted = _fit(plan, masks[used][count:], masks[used][:count], data, estimator)
    everything = Data(table, answers, table[:, :0], answers[:0], max_order)
    coefficients = fitted.equations.merge(everything).solve(fitted.prior, fitted.ridge)
    kept = coefficients != 0
    parities = Parities(plan.players, fitted.supports[kept], coefficients[kept])
    return MaskFit(parities, _record(name, parities, fitted.score, score(plan, values, parities)))


def _record(name: str, parities: Parities, validation_r2: float, scores: dict[str, Any]) -> dict[str, Any]:
    order = int(parities.orders.max(initial=0))
    found = {"estimator": name, "parities": len(parities.supports), "order": order, "validation_r2": validation_r2}
    return {"noise_share": 0.0, **found, **scores}


def _fit(
    plan: MaskPlan, masks: np.ndarray, check_masks: np.ndarray, data: Data, estimator: Estimator
) -> tuple[str, Fitted]:
    """Fit by one estimator; `auto` searches from what the sparse transform finds."""
    m, width = plan.players, data.max_order
    nothing, alone = singles(m, width)[:1], singles(m, width)[: data.most]
    if data.values.var() <= LEAST_VARIANCE * np.mean(data.values**2):
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
    """The parities that carry most of the energy of boosted trees, the empty one first."""
    from .boosting import boost

    trees = boost(masks, data.values, check_masks, data.check_values, data.max_order, seed)
    energies = np.where((trees.supports == trees.players).all(1), np.inf, trees.coefficients**2)
    order = np.argsort(-energies, kind="stable")[: data.most]
    shares = np.cumsum(energies[order[1:]]) / np.sum(trees.coefficients[energies < np.inf] ** 2)
    return trees.supports[order[: 2 + int(np.searchsorted(shares, ENERGY))]]


def score(plan: MaskPlan, values: np.ndarray, parities: Parities) -> dict[str, Any]:
    """Score a fit on the hold-out masks, which nothing else has used; see `MaskFit`.

    With two answers y, y' to each mask, whose noises are independent, E (y - g)(y' - g) is what the fit g misses of the
    value function, and Cov(y, y') the variance of the value function. Their ratio is an estimate, which noise may carry
    beyond 1; then it is 1.
    """
    rows = plan.rows("holdout")
    first = values[rows]
    second = values[plan.plan.size :] if plan.twice else first
    guess = parities.predict(plan.masks[rows])
    draws = generator(plan.plan.seed, BOOTSTRAP_STREAM).integers(0, len(guess), (RESAMPLES, len(guess)))
    chosen = np.vstack([np.arange(len(guess)), draws])
    mean = (first + second) / 2
    missed = ((first - guess) * (second - guess))[chosen].mean(1)
    signal = ((first * second)[chosen].mean(1)) - mean[chosen].mean(1) ** 2
    total = (((first**2 + second**2) / 2)[chosen]).mean(1) - mean[chosen].mean(1) ** 2
    single = (((first - guess) ** 2 + (second - guess) ** 2) / 2).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(signal > LEAST_VARIANCE * total, np.minimum(1 - missed / signal, 1.0), np.nan)
    low, high = np.nanpercentile(r2[1:], [2.5, 97.5]) if np.isfinite(r2[1:]).any() else (np.nan, np.nan)
    plain = 1 - float(single) / float(total[0]) if total[0] > 0 else 1.0
    return {
        "r2": float(r2[0]),
        "r2_interval": [float(low), float(high)],
        "r2_of_draws": plain,
        "noise_share": float(np.clip(1 - signal[0] / total[0], 0, 1)) if total[0] > 0 else 0.0,
    }
