"""Transforms of an output before it is sketched: what adds up on one scale does not on another.

A model that answers a probability adds its evidence before the last sigmoid, so its logit has fewer and lower
interactions; a rate adds on the logarithm. Shapley values are then in the unit of the transformed output.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

NEAREST = 2.0**-24  # to 0 or 1 that a probability may come: half the precision of float32 below 1
LARGEST_LOGIT = float(np.log1p(-NEAREST) - np.log(NEAREST))  # so the largest, and less this the smallest


def count_cut(values: np.ndarray) -> int:
    """Return how many of (...) values are logits of probabilities that were nearer to 0 or 1 than `NEAREST`."""
    return int(np.isclose(np.abs(values), LARGEST_LOGIT, rtol=1e-12, atol=0).sum())


def transform_of(spec: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return a transform, elementwise; NaN where it is not defined.

    Args:
        spec: `"logit"` (of values from 0 to 1; what is nearer to either than `NEAREST` counts as so near), `"log"` (of
            positive values), or `{"power": p}` (of values that are not negative).
    """
    if spec == "logit":
        return _logit
    if spec == "log":
        return lambda values: np.log(np.where(values > 0, values, np.nan))
    power = float(spec["power"])
    return lambda values: np.where(values >= 0, values, np.nan) ** power


def transformed(values: Any, spec: Any) -> Any:
    """Return a (N,) tensor on the scale of a transform, differentiable; see `transform_of`. None leaves it as it is.

    Values that a transform does not take are refused elsewhere.
    """
    if spec is None:
        return values
    if spec == "logit":
        return values.clamp(NEAREST, 1 - NEAREST).logit()
    return values.log() if spec == "log" else values ** float(spec["power"])


def domain_of(spec: Any) -> str:
    """Return in words what values a transform takes."""
    return {"logit": "values from 0 to 1", "log": "positive values"}.get(str(spec), "values that are not negative")


def _logit(values: np.ndarray) -> np.ndarray:
    inside = np.clip(np.where((values >= 0) & (values <= 1), values, np.nan), NEAREST, 1 - NEAREST)
    return np.log(inside) - np.log1p(-inside)
