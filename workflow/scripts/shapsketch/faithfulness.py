"""Faithfulness: how much of the model a spectrum reproduces, and at which order."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from . import __version__
from .counter import BOOTSTRAP_STREAM, generator
from .design import Role
from .spectrum import Spectrum

if TYPE_CHECKING:
    from .sketch import Sketch

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


def report(spectrum: Spectrum, sketch: "Sketch", output: int) -> dict[str, Any]:
    """Score a spectrum on the hold-out of its sketch, which nothing else has used.

    A sketch that evaluated every sequence has no hold-out: then all of it is scored.

    Args:
        spectrum: the finished spectrum.
        sketch: the sketch it was recovered from.
        output: the number of its output.

    Returns:
        Plain values: `evaluations`, `scored_on`, `holdout` (points), `r2`, `r2_interval` (95 %),
        `r2_by_order` (R2 of the terms up to each order), `variance` (of the model on these points),
        `variance_by_order` (that the terms of each order carry under the background), `seed`,
        `plan`, `versions`.
    """
    plan = sketch.plan
    role: Role = "holdout" if plan.count("holdout") else "train"
    codes, values = sketch.samples(role)
    return {
        "evaluations": plan.size,
        "scored_on": "hold-out" if role == "holdout" else "every sequence of the template",
        "holdout": plan.count("holdout"),
        **_score(spectrum, codes, values[:, output], plan.seed),
        "seed": plan.seed,
        "plan": plan.hash,
        "versions": {name: version(name) for name in ("numpy", "scipy", "numba")} | {"shapsketch": __version__},
    }


def _score(spectrum: Spectrum, codes: np.ndarray, values: np.ndarray, seed: int) -> dict[str, Any]:
    orders = spectrum.terms.orders
    predicted = np.full(len(codes), spectrum.intercept)
    r2_by_order = {"0": r_squared(values, predicted)}
    for order in np.unique(orders):
        predicted = predicted + spectrum.terms.select(orders == order).predict(codes)
        r2_by_order[str(order)] = r_squared(values, predicted)
    return {
        "r2": r_squared(values, predicted),
        "r2_interval": list(r2_interval(values, predicted, seed)),
        "r2_by_order": r2_by_order,
        "variance": float(values.var()),
        "variance_by_order": {str(k): v for k, v in spectrum.variance_by_order().items()},
    }


def report_on_queries(values: pd.DataFrame) -> dict[str, Any]:
    """Score the reconstruction on the explained sequences that the model itself was asked about.

    Args:
        values: the table of Shapley values; `output`, `prediction` and `reconstruction` are read.

    Returns:
        For each output `sequences`, `predicted` (how many have a prediction) and `r2_on_queries`
        (None without two predictions).
    """
    scores = {}
    for output, rows in values.groupby("output", sort=False):
        asked = rows.dropna(subset="prediction")
        enough = len(asked) > 1
        scores[str(output)] = {
            "sequences": len(rows),
            "predicted": len(asked),
            "r2_on_queries": r_squared(asked["prediction"].to_numpy(), asked["reconstruction"].to_numpy())
            if enough
            else None,
        }
    return scores
