"""Metrics: how well values are predicted."""

import numpy as np

from ..sequences.rng import BOOTSTRAP_STREAM, generator
from .scale import is_constant, power_of_two, precision

RESAMPLES = 1000
ROUNDING_SHARE = 1e-9  # of the variance: values that are missed by less, squared, are met
MET_STEPS = 64  # steps of the precision of constant values within which they are met


def r_squared(values: np.ndarray, predicted: np.ndarray) -> float:
    """Return 1 - sum (y - y_hat)^2 / sum (y - mean y)^2.

    Constant values have no variance to explain: 1 if they are met (to rounding), otherwise 0.
    """
    if is_constant(values):
        return _met(values, predicted)
    apart, missed = _in_units(values, predicted)
    return 1.0 - float(np.sum(missed**2)) / float(np.sum((apart - apart.mean()) ** 2))


def _met(values: np.ndarray, predicted: np.ndarray) -> float:
    """1 where constant values are predicted to rounding, otherwise 0."""
    return float(np.max(np.abs(values - predicted), initial=0.0) <= MET_STEPS * precision(values))


def _in_units(values: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values about one of them, and what was missed, in a unit in which squares are neither lost nor infinite."""
    apart, missed = values - values[0], values - predicted
    unit = max(power_of_two(apart), power_of_two(missed))
    return apart / unit, missed / unit


def r2_interval(values: np.ndarray, predicted: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of R2 (percentiles over resampled points).

    Resamples in which the values do not vary have no R2 and count as 0, unless their values are met.
    """
    if is_constant(values):
        return (_met(values, predicted),) * 2
    apart, missed = _in_units(values, predicted)
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
