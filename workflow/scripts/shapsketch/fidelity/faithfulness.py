"""Faithfulness: how much of the model a spectrum reproduces, and at which order."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..models.transforms import count_cut
from ..sampling.plan import Role
from ..sequences.background import Background
from ..spectrum.metrics import r2_interval, r_squared
from ..spectrum.scale import is_constant
from ..spectrum.spectrum import Spectrum
from ..storage.provenance import made_with
from .accuracy_gap import Seen, accuracy_gap, in_words, seen_rows
from .records import Audit, Gap, HoldoutScore, NearScore, ResidualRecord, Score
from .verdict import ROUNDED, UNDEFINED, order_audit, undefined_audit

if TYPE_CHECKING:
    from ..recovery.student import Student
    from ..sampling.sketch import Sketch

BOUND, MIN_SPREAD = 0.02, 0.5  # what lies at 0 or 1, where values spread so far between them
MIN_ORDER_SHARE = 1e-6  # of the variance: higher orders that carry less are not listed
MAX_TRUNCATION = 5  # order up to which trains are truncated for a score of their own
MAX_POINTS = 3000  # of the hold-out that are written down
LARGE_GAP_QUANTILE = 0.999  # quantile of the hold-out's gaps above which one is remarkable


def report(spectrum: Spectrum, sketch: "Sketch", output: int, student: "Student | None" = None) -> Score:
    """Score a spectrum on the hold-out of its sketch, which nothing else has used.

    A sketch that evaluated every sequence has no hold-out: then all of it is scored, each sequence as likely as the
    background makes it, so that all scores are expectations under the background, as those on a hold-out are estimates
    of such. Nothing is sampled then, so nothing has an error.

    Args:
        spectrum: the finished spectrum.
        sketch: the sketch it was recovered from.
        output: the number of its output.
        student: the network that was distilled on the way, where one was.
    """
    plan = sketch.plan
    role: Role = "holdout" if plan.count("holdout") else "train"
    codes, values = sketch.samples(role)
    missed = values[:, output] - spectrum.predict_codes(codes)
    weights = None if role == "holdout" else _weights(plan.background, codes)
    near = _near_score(spectrum, sketch, output)
    score = _score(spectrum, codes, values[:, output], weights, plan.seed)
    if is_undefined(values[:, output], sketch.values[:, output]):
        score = score | {"r2": None, "r2_interval": None, "r2_by_order": {}, "r2_undefined": UNDEFINED}
    audit = _audit(score, near)
    if audit["found"] == "constant" and np.ptp(values[:, output]) > 0:
        audit["audit"] = ROUNDED.format(middle=float(values[0, output]))
    gaps: dict[str, Gap] = {}
    if role == "holdout" and plan.design != "table" and audit["found"] == "found":
        gaps = _gaps(spectrum, sketch, output)
    for order, gap in list(gaps.items())[-1:]:
        audit["audit"] += in_words(gap, int(order))
    return {
        "evaluations": plan.evaluations,
        "scored_on": "hold-out" if role == "holdout" else "every sequence of the template",
        "holdout": plan.count("holdout"),
        **score,
        **near,
        **audit,
        "accuracy_gap": gaps,
        "range": [float(sketch.values[:, output].min()), float(sketch.values[:, output].max())],
        "at_bounds": at_bounds(sketch.values[:, output]),
        "cut_logits": count_cut(sketch.values[:, output]),
        "residual": _residual(spectrum, codes, missed, weights, student),
        "seed": plan.seed,
        "plan": plan.hash,
        "versions": made_with(),
    }


def is_undefined(values: np.ndarray, seen: np.ndarray) -> bool:
    """Whether R2 on (N,) values is undefined: they are one value, but not all (M,) that were seen of the output are.

    Of a model that is constant as far as was seen it is 1, if that value is met.
    """
    return is_constant(values) and not is_constant(seen)


def _audit(score: HoldoutScore, near: NearScore) -> Audit:
    """What the scores allow to be said."""
    if score["r2"] is None or score["r2_interval"] is None:
        return undefined_audit(score["variance_by_order"], near)
    return order_audit(score["variance_by_order"], score["variance"], score["r2"], score["r2_interval"][0])


def at_bounds(values: np.ndarray) -> float | None:
    """Return the share of (N,) values next to 0 or 1, of what may be a probability; None of what may not."""
    if values.min() < 0 or values.max() > 1 or np.ptp(values) < MIN_SPREAD:
        return None
    return float(np.mean((values < BOUND) | (values > 1 - BOUND)))


def _near_score(spectrum: Spectrum, sketch: "Sketch", output: int) -> NearScore:
    """R2 on the near queries that were held out; nothing where there are none."""
    if not sketch.plan.count("near_holdout"):
        return {}
    codes, values = sketch.samples("near_holdout")
    predicted, asked = spectrum.predict_codes(codes), sketch.plan.near
    assert asked is not None
    about: NearScore = {"near": list(asked.sets), "near_holdout": len(codes)}
    if is_undefined(values[:, output], sketch.values[:, output]):
        return about
    return {
        **about,
        "r2_near": r_squared(values[:, output], predicted),
        "r2_near_interval": list(r2_interval(values[:, output], predicted, sketch.plan.seed)),
    }


def scored_points(spectrum: Spectrum, sketch: "Sketch", output: int) -> pd.DataFrame:
    """List the model beside the spectrum on points that `report` scores, evenly spaced.

    Args:
        spectrum: the finished spectrum.
        sketch: the sketch it was recovered from.
        output: the number of its output.

    Returns:
        At most `MAX_POINTS` rows: `output`, `model`, `spectrum` (both in the model's units).
    """
    codes, values = sketch.samples("holdout" if sketch.plan.count("holdout") else "train")
    rows = np.arange(min(len(codes), MAX_POINTS)) * len(codes) // min(len(codes), MAX_POINTS)
    predicted = spectrum.predict_codes(codes[rows])
    return pd.DataFrame({"output": spectrum.output, "model": values[rows, output], "spectrum": predicted})


def _weights(background: Background, codes: np.ndarray) -> np.ndarray:
    """(N,) how likely the background makes each of all sequences, over the likeliest: how much each counts."""
    logs = background.log_probabilities(background.template.to_alphabet(codes))
    return np.exp(logs - logs.max())


def _score(
    spectrum: Spectrum, codes: np.ndarray, values: np.ndarray, weights: np.ndarray | None, seed: int
) -> HoldoutScore:
    """Score a spectrum on points.

    Args:
        spectrum: the spectrum.
        codes: (N, n) uint8 local codes of the points.
        values: (N,) the model there.
        weights: (N,) of every sequence of the template; None: these are a sample.
        seed: of the bootstrap over a sample.
    """
    predicted = spectrum.predict_codes(codes)
    centred = values - np.average(values, weights=weights)
    by_order = carried_orders(spectrum.variance_by_order())
    r2 = r_squared(values, predicted, weights)
    return {
        "r2": r2,
        "r2_interval": [r2] * 2 if weights is not None else list(r2_interval(values, predicted, seed)),
        "r2_by_order": _r2_by_order(spectrum, by_order, codes, values, weights),
        "variance": 0.0 if is_constant(values) else float(np.average(centred**2, weights=weights)),
        "variance_by_order": {str(k): v for k, v in by_order.items()},
    }


def carried_orders(variances: Mapping[int, float]) -> dict[int, float]:
    """Return the variances of the orders up to the last one that carries more than `MIN_ORDER_SHARE` of all."""
    total = sum(variances.values())
    last = max((k for k, v in variances.items() if v > MIN_ORDER_SHARE * total), default=0)
    return {k: v for k, v in variances.items() if k <= last}


def _r2_by_order(
    spectrum: Spectrum,
    by_order: Mapping[int, float],
    codes: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray | None,
) -> dict[str, float]:
    """R2 of the dividends up to each order; with trains, up to `MAX_TRUNCATION`, and of all."""
    scores = {"0": r_squared(values, np.full(len(codes), spectrum.intercept), weights)}
    listed = [k for k in by_order if k < max(by_order) and (not spectrum.trains or k <= MAX_TRUNCATION)]
    parts = spectrum.predict_by_order(codes, max(listed, default=0))
    scores |= {str(order): r_squared(values, parts[order], weights) for order in listed}
    if by_order:
        scores[str(max(by_order))] = r_squared(values, spectrum.predict_codes(codes), weights)
    return scores


def _gaps(spectrum: Spectrum, sketch: "Sketch", output: int) -> dict[str, Gap]:
    """Divide what the terms up to order 1, and up to 2, miss of the hold-out from a product background."""
    gaps: dict[str, Gap] = {}
    if not spectrum.background.is_product:
        return gaps
    codes, values = sketch.samples("holdout")
    highest = min(2, max(spectrum.variance_by_order(), default=0))
    parts = spectrum.predict_by_order(codes, highest)
    seen = _seen(spectrum, sketch, output, highest) if sketch.plan.distinct else {}
    for order in range(1, highest + 1):
        gaps[str(order)] = accuracy_gap(
            spectrum.background, codes, values[:, output], parts[order], order, seen.get(order)
        )
    return gaps


def _seen(spectrum: Spectrum, sketch: "Sketch", output: int, highest: int) -> dict[int, Seen]:
    """What the terms up to each order miss of the draws that were fitted and chosen by."""
    codes, values = sketch.samples("train", "validation")
    rows = seen_rows(len(codes))
    parts = spectrum.predict_by_order(codes[rows], highest)
    missed = values[rows, output] - parts
    return {order: Seen(codes[rows], missed[order], len(codes)) for order in range(1, highest + 1)}


MAX_RATIO = 1e6  # of a student's part to the rest
MIN_GAIN = 0.1  # of the residual's variance, below which a student is not worth its samples


def _residual(
    spectrum: Spectrum,
    codes: np.ndarray,
    missed: np.ndarray,
    weights: np.ndarray | None,
    student: "Student | None",
) -> ResidualRecord:
    """Describe what the spectrum misses on the scored points.

    Args:
        spectrum: the spectrum.
        codes: (N, n) uint8 local codes of the points.
        missed: (N,) float64, model minus reconstruction.
        weights: (N,) of every sequence of the template, which leaves nothing to distil; None: these are a sample.
        student: where one was distilled.
    """
    weight = ratio = 0.0
    if student is not None and missed.any():
        offered = student.predict(codes) - spectrum.predict_codes(codes)
        spread = float(offered.var(ddof=1))
        best = float(np.cov(offered, missed)[0, 1]) / spread if spread > 0 else 0.0
        rest = missed - best * offered
        if best > 0 and rest.var() < (1 - MIN_GAIN) * missed.var():
            left = float(rest.std())
            weight, ratio = best, best * float(offered.std()) / left if left > 0 else MAX_RATIO
    mean = float(np.average(missed, weights=weights))
    deviation = float(np.sqrt(np.average((missed - mean) ** 2, weights=weights)))
    return {
        "mean": mean,
        "mean_error": 0.0 if weights is not None else deviation / float(np.sqrt(len(missed))),
        "standard_deviation": deviation,
        "largest": float(np.abs(missed).max()),
        "large": _large(np.abs(missed), weights),
        "student_weight": weight,
        "student_ratio": min(ratio, MAX_RATIO),
    }


def _large(magnitudes: np.ndarray, weights: np.ndarray | None) -> float:
    """The magnitude that one point in a thousand exceeds, by weight where there are weights."""
    if weights is None:
        return float(np.quantile(magnitudes, LARGE_GAP_QUANTILE, method="higher"))
    order = np.argsort(magnitudes)
    share = np.cumsum(weights[order])
    return float(magnitudes[order][np.searchsorted(share, LARGE_GAP_QUANTILE * share[-1])])
