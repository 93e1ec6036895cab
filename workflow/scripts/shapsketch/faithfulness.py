"""Faithfulness: how much of the model a spectrum reproduces, and at which order."""

from typing import Any

import numpy as np

from .counter import generator
from .design import BOOTSTRAP_STREAM
from .spectrum import Spectrum

RESAMPLES = 1000
CONSTANT = 1e-24  # variance relative to the squared mean below which values count as constant


def r_squared(values: np.ndarray, predicted: np.ndarray) -> float:
    """Return 1 - sum (y - y_hat)^2 / sum (y - mean y)^2.

    Constant values have no variance to explain: 1 if they are met (to rounding), otherwise 0.
    """
    total = float(np.sum((values - values.mean()) ** 2))
    missed = float(np.sum((values - predicted) ** 2))
    negligible = CONSTANT * float(np.sum(values**2))
    if total <= negligible:
        return 1.0 if missed <= max(negligible, 1e-300) * 1e6 else 0.0
    return 1.0 - missed / total


def r2_interval(values: np.ndarray, predicted: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of R2 (percentiles over resampled points)."""
    count = len(values)
    draws = generator(seed, BOOTSTRAP_STREAM)
    scores = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        rows = draws.integers(0, count, count)
        scores[k] = r_squared(values[rows], predicted[rows])
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


def assess(spectrum: Spectrum, codes: np.ndarray, values: np.ndarray, seed: int) -> dict[str, Any]:
    """Score a spectrum on points that nothing else has used.

    Args:
        spectrum: the finished spectrum.
        codes: (N, n) uint8 local codes.
        values: (N,) float64, the model there.
        seed: of the bootstrap.

    Returns:
        `r2`, `r2_interval` (95 %), `r2_by_order` (R2 of the terms up to each order),
        `variance` (of the model on these points), `variance_by_order` (carried by the spectrum's
        terms under the background), all plain numbers.
    """
    orders = spectrum.terms.orders
    dividends = {int(k): spectrum.terms.select(orders == k).predict(codes) for k in np.unique(orders)}
    predicted = np.full(len(codes), spectrum.intercept)
    r2_by_order = {"0": r_squared(values, predicted)}
    for order, contribution in dividends.items():
        predicted = predicted + contribution
        r2_by_order[str(order)] = r_squared(values, predicted)
    return {
        "r2": r_squared(values, predicted),
        "r2_interval": list(r2_interval(values, predicted, seed)),
        "r2_by_order": r2_by_order,
        "variance": float(values.var()),
        "variance_by_order": {str(k): v for k, v in spectrum.variance_by_order().items()},
    }
