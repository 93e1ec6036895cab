"""Faithfulness: how much of the model a spectrum reproduces, and at which order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from .accuracy_gap import Gap, accuracy_gap, in_words
from .counter import BOOTSTRAP_STREAM, generator
from .design import Role
from .provenance import made_with
from .spectrum import Spectrum

if TYPE_CHECKING:
    from .recovery.student import Student
    from .sketch import Sketch

RESAMPLES = 1000
MOST_POINTS = 3000  # of the hold-out that are written down
CONSTANT = 1e-24  # variance relative to the squared mean below which values count as constant


def r_squared(values: np.ndarray, predicted: np.ndarray) -> float:
    """Return 1 - sum (y - y_hat)^2 / sum (y - mean y)^2.

    Constant values have no variance to explain: 1 if they are met (to rounding), otherwise 0.
    """
    total = float(np.sum((values - values.mean()) ** 2))
    return _ratio(total, float(np.sum((values - predicted) ** 2)), float(np.sum(values**2)))


def _ratio(total: float, missed: float, squares: float) -> float:
    """R2 from sums of squares: of the values about their mean, of what was missed, of the values."""
    negligible = CONSTANT * squares
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


def report(spectrum: Spectrum, sketch: "Sketch", output: int, student: "Student | None" = None) -> dict[str, Any]:
    """Score a spectrum on the hold-out of its sketch, which nothing else has used.

    A sketch that evaluated every sequence has no hold-out: then all of it is scored.

    Args:
        spectrum: the finished spectrum.
        sketch: the sketch it was recovered from.
        output: the number of its output.
        student: the network that was distilled on the way, where one was.

    Returns:
        Plain values: `evaluations`, `scored_on`, `holdout` (points), `r2`, `r2_interval` (95 %),
        `r2_by_order` (R2 of the terms up to each order), `variance` (of the model on these points),
        `variance_by_order` (that the terms of each order carry under the background), `share_by_order` and
        `audit` (see `order_audit`), `accuracy_gap` (by order 1 and 2, see `Gap`; empty without a hold-out drawn from
        the background), `range` (the least and the largest value of the sketch), `residual` (see
        `_residual`), `seed`, `plan`, `versions`.
    """
    plan = sketch.plan
    role: Role = "holdout" if plan.count("holdout") else "train"
    codes, values = sketch.samples(role)
    missed = values[:, output] - spectrum.intercept - spectrum.terms.predict(codes)
    score = _score(spectrum, codes, values[:, output], plan.seed)
    audit = order_audit(score["variance_by_order"], score["variance"], score["r2"])
    gaps = _gaps(spectrum, codes, values[:, output]) if role == "holdout" and plan.design != "table" else {}
    for order, gap in list(gaps.items())[-1:]:
        audit["audit"] += in_words(gap, int(order))
    return {
        "evaluations": plan.size,
        "scored_on": "hold-out" if role == "holdout" else "every sequence of the template",
        "holdout": plan.count("holdout"),
        **score,
        **audit,
        "accuracy_gap": gaps,
        "range": [float(sketch.values[:, output].min()), float(sketch.values[:, output].max())],
        "residual": _residual(spectrum, codes, missed, student),
        "seed": plan.seed,
        "plan": plan.hash,
        "versions": made_with(),
    }


def scored_points(spectrum: Spectrum, sketch: "Sketch", output: int) -> pd.DataFrame:
    """List the model beside the spectrum on points that `report` scores, evenly spaced.

    Args:
        spectrum: the finished spectrum.
        sketch: the sketch it was recovered from.
        output: the number of its output.

    Returns:
        At most `MOST_POINTS` rows: `output`, `model`, `spectrum` (both in the model's units).
    """
    codes, values = sketch.samples("holdout" if sketch.plan.count("holdout") else "train")
    rows = np.arange(min(len(codes), MOST_POINTS)) * len(codes) // min(len(codes), MOST_POINTS)
    predicted = spectrum.intercept + spectrum.terms.predict(codes[rows])
    return pd.DataFrame({"output": spectrum.output, "model": values[rows, output], "spectrum": predicted})


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


def _gaps(spectrum: Spectrum, codes: np.ndarray, values: np.ndarray) -> dict[str, Gap]:
    """Divide what the terms up to order 1, and up to 2, miss of the values at points from the background."""
    found = {}
    for order in range(1, min(2, int(spectrum.terms.orders.max(initial=0))) + 1):
        terms = spectrum.terms.select(spectrum.terms.orders <= order)
        predicted = spectrum.intercept + terms.predict(codes)
        found[str(order)] = accuracy_gap(spectrum.background, codes, values, predicted, order)
    return found


LEAST_GAIN = 0.1  # of the residual's variance, below which a student is not worth its samples


def _residual(spectrum: Spectrum, codes: np.ndarray, missed: np.ndarray, student: "Student | None") -> dict[str, Any]:
    """Describe what the spectrum misses on the scored points, for the warnings and for refinement.

    Args:
        spectrum: the spectrum.
        codes: (N, n) uint8 local codes of the points.
        missed: (N,) float64, model minus reconstruction.
        student: where one was distilled.

    Returns:
        `mean`, `mean_error` (its standard error), `standard_deviation`, `largest` (magnitude),
        `student_weight` (the multiple of student minus reconstruction that is best subtracted from
        model minus reconstruction; 0 if that gains less than a tenth) and `student_ratio` (standard
        deviation of what is subtracted over that of the rest).
    """
    weight = ratio = 0.0
    if student is not None and missed.any():
        offered = student.predict(codes) - spectrum.intercept - spectrum.terms.predict(codes)
        best = float(np.cov(offered, missed)[0, 1] / max(offered.var(ddof=1), 1e-300))
        rest = missed - best * offered
        if best > 0 and rest.var() < (1 - LEAST_GAIN) * missed.var():
            weight, ratio = best, float(best * offered.std() / max(rest.std(), 1e-300))
    return {
        "mean": float(missed.mean()),
        "mean_error": float(missed.std() / np.sqrt(len(missed))),
        "standard_deviation": float(missed.std()),
        "largest": float(np.abs(missed).max()),
        "student_weight": weight,
        "student_ratio": min(ratio, 1e6),
    }


ENOUGH, MOST = 0.9, 0.7  # shares of the variance


def order_audit(variance_by_order: Mapping[str, float], variance: float, r2: float) -> dict[str, Any]:
    """Judge how much of the model explanations up to an order tell (the question of Enouen & Liu 2025, InstaSHAP).

    Args:
        variance_by_order: that the spectrum's terms of each order carry.
        variance: of the model, on the points that are scored.
        r2: of the spectrum on them.

    Returns:
        `share_by_order` (for each order k the share of the variance found that orders 1 to k carry)
        and `audit`, a sentence.
    """
    found, carried, shares = sum(variance_by_order.values()), 0.0, {}
    for order, part in variance_by_order.items():
        carried += part
        shares[order] = carried / found if found > 0 else 1.0
    if variance <= 0 or found <= 0:
        return {"share_by_order": shares, "audit": "The model is constant here: there is nothing to explain."}
    additive = shares.get("1", 0.0)
    missing = f"; {100 * (1 - r2):.0f} % of the model's variance was not found" if r2 < 0.995 else ""
    carries = f"single letters carry {100 * additive:.0f} % of the variance found{missing}."
    if additive * r2 >= ENOUGH:
        return {"share_by_order": shares, "audit": f"An additive explanation can be trusted: {carries}"}
    enough = next((k for k, share in shares.items() if share * r2 >= ENOUGH), None)
    reach = f" Orders up to {enough} carry {100 * shares[enough]:.0f} %." if enough else ""
    if additive * r2 >= MOST:
        start = "An additive explanation tells most, read interactions beside it"
    elif r2 < MOST and additive >= MOST:
        start = "An additive explanation cannot be trusted, because too much of the model was not found"
    else:
        start = "An additive explanation cannot be trusted, because letters act together"
    return {"share_by_order": shares, "audit": f"{start}: {carries}{reach}"}


def report_on_queries(values: str | Path, errors: str | Path | None = None) -> dict[str, Any]:
    """Score the reconstruction on the explained sequences that the model itself was asked about.

    Args:
        values: the Parquet file of Shapley values.
        errors: that of their standard errors, where they were refined.

    Returns:
        For each output `sequences`, `predicted` (how many have a prediction), `r2_on_queries` (None without
        two predictions), `largest_gap` (magnitude; None without one), `warnings` (how many sequences
        have each) and, where values were refined, `refined` (sequences), `evaluations_per_sequence` (mean),
        `standard_error` (root mean square over all refined values) and `sketch_error` (that of the
        values that the sketch alone gives, as far as refinement tells: the root of the mean squared
        correction less its noise, or 0).
    """
    scores: dict[str, dict[str, Any]] = {}
    sums: dict[str, _QuerySums] = {}
    for output, rows in _read_by_output(values, ["output", "prediction", "reconstruction", "warning"]):
        sums.setdefault(output, _QuerySums()).add(rows)
    for output, own in sums.items():
        scores[output] = {
            "sequences": own.sequences,
            "predicted": own.predicted,
            "r2_on_queries": _ratio(own.total, own.missed, own.squares) if own.predicted > 1 else None,
            "largest_gap": own.largest if own.predicted else None,
            "warnings": own.warnings,
        }
    for output, summary in (_report_errors(errors) if errors else {}).items():
        scores[output] |= summary
    return scores


def _read_by_output(path: str | Path, columns: list[str] | None = None) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of a Parquet file by output, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for k in range(file.num_row_groups):
            table = file.read_row_group(k, columns).to_pandas()
            yield from ((str(output), rows) for output, rows in table.groupby("output", sort=False))


@dataclass
class _QuerySums:
    """What `report_on_queries` keeps of the rows it has seen of an output."""

    sequences: int = 0
    predicted: int = 0
    mean: float = 0.0
    total: float = 0.0
    missed: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    warnings: dict[str, int] = field(default_factory=lambda: {"rare": 0, "range": 0, "gap": 0})

    def add(self, rows: pd.DataFrame) -> None:
        """Add rows; squares about the mean are merged as by Chan, Golub & LeVeque (1979)."""
        self.sequences += len(rows)
        words = rows["warning"][rows["warning"] != ""].str.split(",").explode()
        self.warnings = {name: count + int((words == name).sum()) for name, count in self.warnings.items()}
        asked = rows.dropna(subset="prediction")
        if asked.empty:
            return
        predicted, missed = asked["prediction"].to_numpy(), (asked["prediction"] - asked["reconstruction"]).to_numpy()
        before, self.predicted = self.predicted, self.predicted + len(asked)
        shift = float(predicted.mean()) - self.mean
        self.total += (
            float(np.sum((predicted - predicted.mean()) ** 2)) + shift**2 * before * len(asked) / self.predicted
        )
        self.mean += shift * len(asked) / self.predicted
        self.missed += float(np.sum(missed**2))
        self.squares += float(np.sum(predicted**2))
        self.largest = max(self.largest, float(np.abs(missed).max()))


def _report_errors(errors: str | Path) -> dict[str, dict[str, Any]]:
    sums: dict[str, np.ndarray] = {}  # sequences, evaluations, squared corrections, and squared errors by position
    for output, rows in _read_by_output(errors):
        refined = rows.dropna(subset="correction")
        squares = np.square(refined[[c for c in refined if c.startswith("pos_")]].to_numpy(np.float64)).sum(0)
        corrections = np.square(refined["correction"].to_numpy()).sum()
        parts = np.array([len(refined), refined["evaluations"].sum(), corrections, *squares])
        sums[output] = sums.get(output, 0.0) + parts
    summaries = {}
    for output, (count, evaluations, corrections, *squares) in sums.items():
        free = np.count_nonzero(squares)
        noise = sum(squares) / (count * free) if free else 0.0
        summaries[output] = {
            "refined": int(count),
            "evaluations_per_sequence": float(evaluations / max(count, 1)),
            "standard_error": float(np.sqrt(noise)),
            "sketch_error": float(np.sqrt(max(corrections / max(count, 1) - noise, 0.0))),
        }
    return summaries
