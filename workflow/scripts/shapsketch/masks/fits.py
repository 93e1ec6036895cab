"""Fits of a game: by which estimator, chosen how, and what they say of every mask that was asked."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import dividends
from .equations import RIDGES, Data, Equations, Fitted, fit
from .parities import Parities, signs, singles, union
from .plan import Estimator, MaskPlan
from .regression import polish, pursue
from .scoring import MIN_VARIANCE
from .sparse_transform import denoised, exact, sparse

# From (K, J) weights of a fit's coefficients in some sums to the (J,) sampling variances of the sums.
Variances = Callable[[np.ndarray], np.ndarray]

REFITTED_VARIANCE_SHARE = 0.95  # of the trees' parities, that are fitted again (Butler et al. 2025, ProxySPEX)
KNOWN_R2 = 0.999  # on the checking masks, above which `auto` looks for nothing better than parities
WHOLE_SHARE = 0.02  # of the samples: how much the value of the whole weighs among them, where it has no noise


def known(weights: np.ndarray) -> np.ndarray:
    """The (J,) variances of sums, with (K, J) weights, of what is known exactly."""
    return np.zeros(weights.shape[1])


@dataclass(frozen=True)
class GameFit:
    """A function that stands for a game.

    Attributes:
        estimator: what it was fitted by.
        parities: the function as parities.
        guesses: (N,) float64, what it says of the masks of the plan, each value a mean over the background.
        answers: (N,) float64, what it says of the answers themselves; `guesses` where it does not know the draws.
        whole: its value of the whole sequence, or (units,) values, one for each unit that checks it.
        values, base: its (m,) Shapley values and its value of nobody.
        validation_r2: NaN where nothing was chosen.
        variances: of sums of the parities' coefficients, as far as the sample of masks makes them vary.
        errors: (m,) standard errors of `values`, where they are from draws.
        base_error, gap_error: those of `base`, and of what `base` and `values` add up to, where they are from draws.
        doubts: (m,) in which proportions the `values` are likely to be wrong, squared; None where the fit cannot tell.
        reads_letters: whether it knows the letters of the draws, as students do.
    """

    estimator: str
    parities: Parities
    guesses: np.ndarray
    answers: np.ndarray
    whole: np.ndarray | float
    values: np.ndarray
    base: float
    validation_r2: float
    variances: Variances = known
    errors: np.ndarray | float = 0.0
    doubts: np.ndarray | None = None
    base_error: float = 0.0
    gap_error: float = 0.0
    reads_letters: bool = False

    @classmethod
    def of_parities(
        cls,
        plan: MaskPlan,
        estimator: str,
        parities: Parities,
        validation_r2: float,
        variances: Variances = known,
    ) -> "GameFit":
        """A fit that is a sum of parities."""
        everybody = np.ones((1, plan.players), np.uint8)
        guesses = parities.predict(plan.masks)
        whole = float(parities.predict(everybody)[0])
        values = parities.terms.shapley_values(everybody)[0]
        doubts = _doubts(parities, values, variances)
        base = parities.empty
        return cls(estimator, parities, guesses, guesses, whole, values, base, validation_r2, variances, doubts=doubts)


def _doubts(parities: Parities, values: np.ndarray, variances: Variances) -> np.ndarray:
    """How the errors of the (m,) values of parities are likely to be spread among the players, squared.

    Half of it goes by what the sample makes vary, and half by the squares of the values: what is missed of
    interactions is with those that act. The value of a player is the sum of -2 F_R / |R| over the odd R that hold it.
    """
    orders, m = parities.orders, parities.players
    shares = np.where(orders % 2, -2 / np.maximum(orders, 1), 0.0)
    weights = np.zeros((len(orders), m + 1))  # the last is of nobody
    np.put_along_axis(weights, parities.supports, shares[:, None], 1)
    acts = np.flatnonzero(weights[:, :m].any(0))
    sampled = np.zeros(m)
    sampled[acts] = variances(weights[:, acts])
    parts = [part / part.sum() for part in (sampled, np.square(values)) if part.sum() > 0]
    return np.sum(parts, axis=0) if parts else np.zeros(m)


def fit_game(
    plan: MaskPlan, values: np.ndarray, whole: float, estimator: Estimator, max_order: int, whole_draws: int = 0
) -> GameFit:
    """Fit the (N,) values of a game at the masks of a plan; `whole` is that of all players.

    Args:
        plan, values, whole, whole_draws, estimator, max_order: as `fit_values` takes them.
    """
    if plan.exhaustive:
        return GameFit.of_parities(plan, "exact", exact(values), float("nan"))
    if plan.every:
        return _fit_every(plan, values, whole, estimator)
    repeats = whole_draws or max(1, int(WHOLE_SHARE * len(plan.fitted)))
    return _fit_some(plan, values, np.full(repeats, whole), estimator, max_order)


def fit_constant(plan: MaskPlan, values: np.ndarray) -> GameFit:
    """The mean of what is fitted of the (masks,) values, where nothing else is known."""
    fitted = np.append(values[plan.fitted], values[plan.parts["every"]])
    parities = Parities(plan.players, singles(plan.players, 1)[:1], np.array([fitted.mean()]))
    return GameFit.of_parities(plan, "constant", parities, float("nan"))


def _fit_every(plan: MaskPlan, values: np.ndarray, whole: float, estimator: Estimator) -> GameFit:
    """Transform the means of all masks' draws; all but `exact` shrink what may be noise."""
    answers, cells = values[plan.parts["every"]], 2**plan.players
    counts = np.bincount(plan.numbers, minlength=cells)
    means = np.bincount(plan.numbers, answers, cells) / np.maximum(counts, 1)
    means[-1] = whole
    first, second = plan.holdout("half")
    within = np.sum((answers - means[plan.numbers]) ** 2)
    freedom = len(answers) - np.count_nonzero(counts)
    between = np.sum((values[first] - values[second]) ** 2) / 2
    noise = (within + between) / (freedom + first.stop - first.start)
    variance = float(noise * np.sum(1 / counts[:-1])) / cells**2  # of each coefficient, of which none depends on others

    def variances(weights: np.ndarray) -> np.ndarray:
        return variance * np.square(weights).sum(0)

    name, parities = ("exact", exact(means)) if estimator == "exact" else ("exact, shrunk", denoised(means, variance))
    return GameFit.of_parities(plan, name, parities, float("nan"), variances)


def _fit_some(plan: MaskPlan, values: np.ndarray, wholes: np.ndarray, estimator: Estimator, max_order: int) -> GameFit:
    """Fit the values of some masks, and (repeats,) of the whole, by an estimator whose settings validation chooses."""
    masks = np.concatenate([np.ones((len(wholes), plan.players), np.uint8), plan.masks[plan.fitted]])
    answers = np.concatenate([wholes, values[plan.fitted]])
    check_masks, check_answers = plan.masks[plan.validation], values[plan.validation]
    table, check_table = signs(masks), signs(check_masks)
    data = Data(table, answers, check_table, check_answers, max_order, _chances(plan, len(wholes)))
    name, fitted = _fit(plan, masks, check_masks, data, estimator)
    parities, variances = solved(plan.players, name, fitted, fitted.equations.of_everything)
    return GameFit.of_parities(plan, name, parities, fitted.score, variances)


def solved(players: int, name: str, fitted: Fitted, equations: Equations) -> tuple[Parities, Variances]:
    """Solve equations with the prior and the ridge of a fit: the parities, and the variances of their coefficients.

    Args:
        players: m.
        name: of the estimator; what `dividends` finds is made parities.
        fitted: the fit; the empty parity is the first, and stays even where its coefficient is 0.
        equations: its own, or those of more masks.
    """
    coefficients = equations.solve(fitted.prior, fitted.ridge)
    kept = np.union1d(0, np.flatnonzero(coefficients))

    def variances(weights: np.ndarray) -> np.ndarray:
        every = np.zeros((len(coefficients), weights.shape[1]))
        every[kept] = weights
        return equations.variances(every, coefficients, fitted.prior, fitted.ridge)

    if name != "dividends":
        return Parities(players, fitted.supports[kept], coefficients[kept]), variances
    parities, matrix = dividends.to_parities(players, fitted.supports[kept], coefficients[kept])
    return parities, lambda weights: variances(matrix.T @ weights)


def _chances(plan: MaskPlan, repeats: int) -> np.ndarray:
    """The chance of every player to be there, in each mask that is fitted; of sized masks, the share that is there."""
    chances = np.full(len(plan.masks), 0.5)
    for name in ("sized_train", "nobody"):
        chances[plan.parts[name]] = plan.masks[plan.parts[name]].mean(1)
    return np.append(np.ones(repeats), chances[plan.fitted])


def _fit(
    plan: MaskPlan, masks: np.ndarray, check_masks: np.ndarray, data: Data, estimator: Estimator
) -> tuple[str, Fitted]:
    """Fit by one estimator; `auto` searches from what the sparse transform finds, and for dividends."""
    m, width = plan.players, data.max_order
    if data.values.var() <= MIN_VARIANCE * np.mean(data.values**2):
        return "constant", fit(data, singles(m, width)[:1], RIDGES[:1])
    if estimator == "trees":
        return "trees", fit(data, _tree_candidates(masks, check_masks, data, plan.plan.seed), RIDGES)
    if estimator == "dividends":
        return "dividends", dividends.pursue(data)
    name, fitted = _fit_parities(plan, data, estimator)
    if estimator == "auto" and fitted.score < KNOWN_R2:
        other = dividends.pursue(data)
        if other.score > fitted.score:
            return "dividends", other
    return name, fitted


def _fit_parities(plan: MaskPlan, data: Data, estimator: Estimator) -> tuple[str, Fitted]:
    """Fit parities by `fourier`, by `regression`, or from one to the other."""
    m, width = plan.players, data.max_order
    nothing, alone = singles(m, width)[:1], singles(m, width)[: data.max_parities]
    if not plan.plan.lattice or estimator == "regression":
        return "regression", polish(data, pursue(data, nothing))
    answers = data.values[len(data.values) - plan.plan.lattice.size :]
    transformed, _ = sparse(plan.plan.lattice, plan.plan.seed, answers, width)
    strongest = np.argsort(-np.abs(transformed.coefficients), kind="stable")[: data.max_parities]
    start = union(m, nothing, transformed.supports[strongest])
    if estimator == "fourier":
        return "fourier", fit(data, union(m, start, alone)[: data.max_parities], RIDGES)
    name = "fourier + regression" if len(strongest) else "regression"
    return name, polish(data, pursue(data, start))


def _tree_candidates(masks: np.ndarray, check_masks: np.ndarray, data: Data, seed: int) -> np.ndarray:
    """The parities that carry most of the variance of boosted trees, the empty one first."""
    from .boosting import boost

    trees = boost(masks, data.values, check_masks, data.check_values, data.max_order, seed)
    variances = np.where((trees.supports == trees.players).all(1), np.inf, trees.coefficients**2)
    order = np.argsort(-variances, kind="stable")[: data.max_parities]
    shares = np.cumsum(variances[order[1:]]) / np.sum(trees.coefficients[variances < np.inf] ** 2)
    return trees.supports[order[: 2 + int(np.searchsorted(shares, REFITTED_VARIANCE_SHARE))]]
