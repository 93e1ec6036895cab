"""Stacking: one spectrum out of what several estimators found, then corrected on the model's own values."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from ..spectrum.terms import Terms
from .base import Fit, Samples, predict, validation_r2
from .projection import Layer, sweep

MIN_WEIGHT = 0.05
CORRECTED_ORDERS = (2, 3, 4)
MIN_MIXED_GAIN = 0.05  # the same for trains and tables together, which cost twice the time to explain
MIN_GAIN = 0.001  # of the unexplained variance: what a combination must add over its best part


def non_negative_weights(predicted: np.ndarray, target: np.ndarray, least: float) -> np.ndarray:
    """Non-negative least-squares weights, refitted without those below `least`.

    Args:
        predicted: (N, K), one column per predictor; centred like the target.
        target: (N,).
        least: the smallest weight that is kept.

    Returns:
        (K,) weights; at least one is positive unless all fit nothing.
    """
    weights = np.zeros(predicted.shape[1])
    kept = np.arange(predicted.shape[1])
    while kept.size:
        fitted, _ = nnls(predicted[:, kept], target)
        if (fitted >= least).all() or kept.size == 1:
            weights[kept] = fitted
            break
        kept = kept[fitted >= least] if (fitted >= least).any() else kept[[np.argmax(fitted)]]
    return weights


def stack(fits: Mapping[str, Fit], samples: Samples) -> tuple[Fit, dict[str, float]]:
    """Combine fits by non-negative weights if that validates better than the best of them.

    Args:
        fits: by estimator.
        samples: their validation points choose the weights.

    Returns:
        The combination, or the best fit alone, and the weight of each estimator in it.
    """
    scores = {name: validation_r2(samples, fit) for name, fit in fits.items()}
    best = max(scores, key=lambda name: scores[name])
    students = [fit.student for fit in fits.values() if fit.student]
    student = students[0] if students else None
    alone = replace(fits[best], student=student)
    if len(fits) == 1:
        return alone, {best: 1.0}
    free = samples.plan.template.free
    parts = {name: fit.components(free).predict(samples.all_validation_codes) for name, fit in fits.items()}
    target = samples.all_validation_values - samples.values.mean()
    weights = non_negative_weights(np.stack(list(parts.values()), 1), target, MIN_WEIGHT)
    if not weights.any():  # none of them points the way the validation points go
        return alone, {best: 1.0}
    kept = [(w, fit) for w, fit in zip(weights.tolist(), fits.values(), strict=True) if w > 0]
    terms = Terms.weighted_sum([(w, fit.terms) for w, fit in kept])
    trains = tuple(train.scaled(w) for w, fit in kept for train in fit.trains)
    combined = with_mean(Fit(0.0, terms, {}, student, trains), samples)
    gain = MIN_MIXED_GAIN if trains and len(terms) else MIN_GAIN
    if 1 - validation_r2(samples, combined) > (1 - gain) * (1 - scores[best]):
        return alone, {best: 1.0}
    return combined, {name: float(w) for name, w in zip(fits, weights, strict=True) if w > 0}


def correct(fit: Fit, samples: Samples) -> tuple[Fit, int]:
    """Add what the supports of a fit still explain of the true values, if that validates better.

    One shrunk sweep over the residuals of the samples drawn from the background, on the terms up to
    order 2, 3 or 4: a student has bent its tables to its own errors, the model's values bend
    them back. A second sweep would fit noise. A train was fitted to the model's values itself.

    Returns:
        The corrected fit and the order up to which it was corrected; 0 for none.
    """
    if not len(fit.terms):
        return fit, 0
    drawn = len(samples.values) - len(samples.lattice_values)
    codes, values = np.asfortranarray(samples.codes[:drawn]), samples.values[:drawn]
    best, chosen = fit, 0
    lowest = 1 - validation_r2(samples, fit)
    residual = values - predict(samples, fit, codes)
    for top in CORRECTED_ORDERS:
        left = (residual - residual.mean()).astype(np.float32)
        added = {}
        for order in range(1, top + 1):
            supports = [s for s in fit.terms.supports if len(s) == order]
            layer = Layer.empty(samples.plan.background, supports, drawn)
            sweep(layer, codes, left, threshold=1.0)
            added.update(layer.tables())
        terms = Terms.weighted_sum([(1.0, fit.terms), (1.0, Terms.build(fit.terms.sizes, added))])
        candidate = with_mean(replace(fit, terms=terms), samples)
        error = 1 - validation_r2(samples, candidate)
        if error < (1 - MIN_GAIN) * lowest:
            best, chosen, lowest = candidate, top, error
    return best, chosen


def constant(samples: Samples) -> Fit:
    """The mean of the samples drawn from the background, and no terms: what is known where nothing was found."""
    return with_mean(Fit(0.0, Terms.build(samples.plan.template.sizes, {})), samples)


def beats(fit: Fit, other: Fit, samples: Samples) -> bool:
    """Whether a fit predicts the validation points better than another one by more than one standard error."""
    values, codes = samples.all_validation_values, samples.all_validation_codes
    gains = np.square(values - predict(samples, other, codes)) - np.square(values - predict(samples, fit, codes))
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))


def with_mean(fit: Fit, samples: Samples) -> Fit:
    """Return a fit with the intercept that its dividends leave: the mean of the rest of the drawn samples."""
    drawn = len(samples.values) - len(samples.lattice_values)
    parts = fit.components(samples.plan.template.free).predict(samples.codes[:drawn])
    return replace(fit, intercept=float(np.mean(samples.values[:drawn] - parts)))
