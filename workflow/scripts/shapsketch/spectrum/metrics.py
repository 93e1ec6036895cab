"""Metrics: how well values are predicted, and what standard errors from few samples are multiplied by."""

import numpy as np
from scipy.special import ndtri, stdtrit

from ..sequences.rng import BOOTSTRAP_STREAM, generator
from .scale import is_constant, power_of_two, precision

RESAMPLES = 1000
ROUNDING_SHARE = 1e-9  # of the variance: values that are missed by less, squared, are met
MET_STEPS = 64  # steps of the precision of constant values within which they are met
CONFIDENCE_LEVEL = 0.975  # value +- 1.96 standard errors is the 95 % interval of Student's t, however few the samples


def small_sample_factor(samples: np.ndarray | float) -> np.ndarray:
    """Return what standard errors of means are multiplied by, so that +- 1.96 of them is Student's 95 % interval.

    Args:
        samples: (N,) or of any shape, of each mean; of one its spread counts as that of two, and without any the factor
            is 1.

    Returns:
        (N,) float64, in the shape of `samples`; towards 1 as samples are many.
    """
    freedom = np.maximum(np.asarray(samples, np.float64) - 1, 1)
    return np.where(np.greater(samples, 0), stdtrit(freedom, CONFIDENCE_LEVEL) / ndtri(CONFIDENCE_LEVEL), 1.0)


def r_squared(values: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Return 1 - sum w (y - y_hat)^2 / sum w (y - mean y)^2, with mean y = sum w y / sum w.

    Values that are constant wherever they have weight have no variance to explain: 1 if they are met (to rounding),
    otherwise 0.

    Args:
        values, predicted: (N,) float64.
        weights: (N,) float64, how much each counts, none of them negative; None: all count alike.
    """
    if weights is None:
        weights = np.ones(len(values))
    elif not (held := weights > 0).all():
        values, predicted, weights = values[held], predicted[held], weights[held]
    if is_constant(values):
        return _met(values, predicted)
    apart, missed = _in_units(values, predicted, float(values[np.argmax(weights)]))
    centred = apart - np.average(apart, weights=weights)
    total = float(np.sum(weights * centred**2))
    return 1.0 - float(np.sum(weights * missed**2)) / total if total > 0 else _met(values, predicted)


def _met(values: np.ndarray, predicted: np.ndarray) -> float:
    """1 where constant values are predicted to rounding, otherwise 0."""
    return float(np.max(np.abs(values - predicted), initial=0.0) <= MET_STEPS * precision(values))


def _in_units(values: np.ndarray, predicted: np.ndarray, centre: float) -> tuple[np.ndarray, np.ndarray]:
    """Values about one of them, and what was missed, in a unit in which squares are neither lost nor infinite."""
    apart, missed = values - centre, values - predicted
    unit = max(power_of_two(apart), power_of_two(missed))
    return apart / unit, missed / unit


def r2_interval(values: np.ndarray, predicted: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of R2 (percentiles over resampled points).

    Resamples in which the values do not vary have no R2 and count as 0, unless their values are met.
    """
    if is_constant(values):
        return (_met(values, predicted),) * 2
    apart, missed = _in_units(values, predicted, float(values[0]))
    count, squares = len(values), missed**2
    negligible = ROUNDING_SHARE * count * float(apart.var())
    draws = generator(seed, BOOTSTRAP_STREAM)
    scores = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        rows = draws.integers(0, count, count)
        resample = apart[rows]
        total, errors = float(np.sum((resample - resample.mean()) ** 2)), float(np.sum(squares[rows]))
        if total > 0 and np.ptp(resample) > 0:
            scores[k] = 1.0 - errors / total
        else:
            scores[k] = float(errors <= negligible)
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)
