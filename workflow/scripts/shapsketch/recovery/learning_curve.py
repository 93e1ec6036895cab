"""The learning curve: what fewer evaluations would have recovered, and whether more are worth their price.

The rounds of a plan are the sketches of smaller budgets, each with hold-out and validation points of its own.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

import numpy as np
import pandas as pd

from ..fidelity.faithfulness import is_undefined
from ..fidelity.records import OutputRecord
from ..sampling.design import available_estimators
from ..sampling.plan import Role
from ..sampling.sketch import Sketch
from ..settings.estimators import CONSTANT
from ..spectrum.metrics import r2_interval, r_squared
from . import recover_outputs, standardised
from .base import Begin, predict, silent
from .ridge import Search

LEARNED, ALONE = ("student", "train"), "train_alone"
CURVE_EFFORT = 0.4  # of the passes of a finished student, or the steps of a finished train alone, at most
QUICK = Search(reweightings=1, patience=1)  # misses a hundredth of what is unexplained, in a third of the time
# More samples want a weaker ridge than fewer: the path begins so many times above that of the part before.
MAX_RIDGE_RATIO = 3.0
CURVE_SHARE = 0.06  # of the minutes that recovery may take, for each of three points
ALONE_CURVE_SHARE = 0.01  # the same of trains alone, which have no students to train


class CurvePoint(TypedDict):
    """A row of the learning curve: R2 on the hold-out, with its 95 % interval, after so many evaluations.

    It is None where it is undefined; such a point is left out of the table.
    """

    output: str
    evaluations: int
    estimator: str
    r2: float | None
    r2_low: float | None
    r2_high: float | None


class RoundOutput(CurvePoint):
    """The same, with the lower end of the interval of R2 on the validation points."""

    validation_r2_low: float


class RoundScore(TypedDict):
    """What the rounds so far allow: their `evaluations`, whether that is `enough`, and a record of each output."""

    evaluations: int
    enough: bool
    outputs: dict[str, RoundOutput]


def score_round(
    sketch: Sketch,
    *,
    estimator: str,
    max_order: int | None,
    minutes: float | None = None,
    threads: int,
    begin: Begin = silent,
) -> RoundScore:
    """Recover what the rounds so far allow, and decide whether that is enough.

    It is, when the 95 % interval of R2 on the validation points lies above `until_r2` for every output; with near
    queries, on those of the background and on those near sequences, where it is defined. The hold-out is scored too,
    for the learning curve, and decides nothing.

    Args:
        sketch: of the rounds so far.
        estimator, max_order, minutes, threads, begin: see `recover_outputs`.
    """
    plan = sketch.plan
    if not plan.count("validation"):
        return {"evaluations": plan.evaluations, "enough": True, "outputs": {}}
    until = plan.until_r2 or 1.0
    outputs: dict[str, RoundOutput] = {}
    recovered = recover_outputs(
        sketch, estimator=estimator, max_order=max_order, good=until, minutes=minutes, threads=threads, begin=begin
    )
    roles: tuple[Role, ...] = ("validation", "near_validation")
    kinds = [role for role in roles if plan.count(role)]
    for number, (output, recovery) in enumerate(zip(plan.outputs, recovered, strict=True)):
        lows = []
        for kind in kinds:
            codes, values = sketch.samples(kind)
            if is_undefined(values[:, number], sketch.values[:, number]):
                continue
            lows.append(r2_interval(values[:, number], recovery.spectrum.predict_codes(codes), plan.seed)[0])
        outputs[output] = {
            "validation_r2_low": min(lows, default=0.0),
            **_row(
                output,
                sketch,
                number,
                recovery.spectrum.predict_codes(sketch.samples("holdout")[0]),
                recovery.details["estimator"],
            ),
        }
    enough = all(scores["validation_r2_low"] > until for scores in outputs.values())
    return {"evaluations": plan.evaluations, "enough": enough, "outputs": outputs}


def learning_curve(
    sketch: Sketch,
    records: Mapping[str, OutputRecord],
    rounds: Sequence[RoundScore],
    *,
    max_order: int | None,
    minutes: float | None = None,
    threads: int,
    finished: Callable[[int], object] = lambda points: None,
) -> pd.DataFrame:
    """Return R2 on the hold-out against evaluations, the finished spectrum last.

    Args:
        sketch: the whole sketch.
        records: by output, what `faithfulness.json` says of its spectrum.
        rounds: what `score_round` said of each round; empty for a budget without a stop rule: then the estimator
            with the largest weight in the spectrum is fitted to the first rounds here.
        max_order, minutes, threads: see `recover_outputs`. No orders are tried here above those that the regression of
            the whole sketch has chosen.
        finished: called with 1 after each point that is fitted here.

    Returns:
        A table with the columns `output`, `evaluations`, `estimator`, `r2`, `r2_low` and `r2_high` (95 %), without the
        points at which R2 is undefined.
    """
    served = available_estimators(sketch.plan)
    names = {output: _largest(records[output]["weights"], served) for output in sketch.plan.outputs}
    scored: dict[str, list[CurvePoint]] = {
        output: [r["outputs"][output] for r in rounds if output in r["outputs"]] for output in names
    }
    searches = dict.fromkeys(range(len(names)), QUICK)
    asked = not rounds and sketch.plan.count("validation") and any(r["r2"] is not None for r in records.values())
    for k in range(1, len(sketch.plan.rounds) if asked else 1):
        part = sketch.first(k)
        for output, predicted, name in _predicted(part, names, records, max_order, minutes, threads, searches):
            scored[output].append(_row(output, part, sketch.plan.outputs.index(output), predicted, name))
            finished(1)
    rows: list[CurvePoint] = []
    for output, record in records.items():
        low, high = record["r2_interval"] or (None, None)
        rows += [row for row in scored[output] if row["evaluations"] < record["evaluations"]]
        rows.append(
            {
                "output": output,
                "evaluations": record["evaluations"],
                "estimator": record["estimator"],
                "r2": record["r2"],
                "r2_low": low,
                "r2_high": high,
            }
        )
    rows = [row for row in rows if row["r2"] is not None]
    return pd.DataFrame(rows, columns=list(CurvePoint.__annotations__))


def _largest(weights: Mapping[str, float], served: Sequence[str]) -> str:
    """The estimator with the largest weight, but for the Fourier transform, whose lattice comes last.

    Where there is no other, regression; or the constant, where the plan does not serve that.
    """
    instead = "regression" if "regression" in served else CONSTANT
    return max(weights.keys() - {"fourier"} or {instead}, key=lambda n: (weights.get(n, 0.0), n))


def _predicted(
    part: Sketch,
    names: Mapping[str, str],
    records: Mapping[str, OutputRecord],
    max_order: int | None,
    minutes: float | None,
    threads: int,
    searches: dict[int, Search],
) -> Iterator[tuple[str, np.ndarray, str]]:
    """Yield each output with what is predicted of a part's hold-out, and by which estimator; alike outputs at once.

    Students have all orders. Where the spectrum has not, trains alone, which can be truncated, take their place.

    Args:
        part, names, records, max_order, minutes, threads: see `learning_curve`.
        searches: by output, how long regression looks, from near the ridge of the part before; set for the next.
    """
    learned = [number for number, output in enumerate(names) if names[output] in LEARNED]
    alone = [number for number, output in enumerate(names) if names[output] == ALONE]
    truncated = max_order is not None and max_order < len(part.plan.template.free)
    for output, predicted in _asked_students(part, [] if truncated else learned, records, minutes, threads).items():
        yield output, predicted, "student"
    for numbers in (alone, learned if truncated else []):
        for output, predicted in _asked_trains(part, numbers, records, max_order, minutes, threads).items():
            yield output, predicted, ALONE
    fitted: dict[tuple[str, int | None], list[int]] = {}
    for number, (output, name) in enumerate(names.items()):
        if name == CONSTANT:
            yield output, _asked_mean(part, number, threads), CONSTANT
        elif name not in (*LEARNED, ALONE):
            top = records[output].get("tried", {}).get(name, {}).get("max_order", max_order)
            fitted.setdefault((name, top), []).append(number)
    for (name, top), alike in fitted.items():
        recovered = recover_outputs(part, alike, estimator=name, max_order=top, threads=threads, searches=searches)
        for number, recovery in zip(alike, recovered, strict=True):
            ridge = recovery.details["tried"].get("regression", {}).get("ridge", math.inf)
            searches[number] = replace(QUICK, strongest=MAX_RIDGE_RATIO * ridge)
            yield recovery.spectrum.output, recovery.spectrum.predict_codes(part.samples("holdout")[0]), name


def _asked_mean(sketch: Sketch, number: int, threads: int) -> np.ndarray:
    """What the mean of an output's samples predicts of the hold-out."""
    from .stack import constant

    samples, scale = standardised(sketch, number, threads)
    return predict(samples, constant(samples).in_units(scale), sketch.samples("holdout")[0])


def _asked_students(
    sketch: Sketch,
    numbers: list[int],
    records: Mapping[str, OutputRecord],
    minutes: float | None,
    threads: int,
) -> dict[str, np.ndarray]:
    """What one student, of the kind that the whole sketch chose, answers on the hold-out; trains come close to it."""
    if not numbers:
        return {}

    from .student import predict_all
    from .student_fit import Choice, kinds_of, rivals_of, shape_of, train_students
    from .work import affordable, student_seconds

    works = [standardised(sketch, number, threads) for number in numbers]
    outputs = [samples for samples, _ in works]
    first = records[sketch.plan.outputs[numbers[0]]]
    rivals, chosen = rivals_of(outputs), [fit["kind"] for fit in first["tried"].values() if "kind" in fit]
    kinds = [rivals[chosen[0]]] if chosen else kinds_of(outputs, [])
    effort = affordable(minutes and CURVE_SHARE * minutes, student_seconds(shape_of(outputs), kinds))
    students, _ = train_students(outputs, Choice(tuple(kinds), min(CURVE_EFFORT, effort)))
    asked = [student.in_units(scale) for student, (_, scale) in zip(students, works, strict=True)]
    answers = predict_all(asked, sketch.samples("holdout")[0], threads)
    return {sketch.plan.outputs[number]: answers[:, k] for k, number in enumerate(numbers)}


def _asked_trains(
    sketch: Sketch,
    numbers: list[int],
    records: Mapping[str, OutputRecord],
    max_order: int | None,
    minutes: float | None,
    threads: int,
) -> dict[str, np.ndarray]:
    """What trains alone, with the decays that the whole sketch chose where it had any, answer on the hold-out."""
    if not numbers:
        return {}

    from .train import DECAYS_ALONE, fit_alone

    outputs = [sketch.plan.outputs[number] for number in numbers]
    works = [standardised(sketch, number, threads) for number in numbers]
    chosen = {records[output]["tried"][ALONE]["decay"] for output in outputs if ALONE in records[output]["tried"]}
    fits = fit_alone(
        [samples for samples, _ in works],
        max_order,
        minutes=minutes and ALONE_CURVE_SHARE * minutes,
        decays=sorted(chosen) or DECAYS_ALONE,
        most_effort=CURVE_EFFORT,
    )
    codes = sketch.samples("holdout")[0]
    return {
        output: predict(samples, fit.in_units(scale), codes)
        for output, fit, (samples, scale) in zip(outputs, fits, works, strict=True)
    }


def _row(output: str, sketch: Sketch, number: int, predicted: np.ndarray, estimator: str) -> CurvePoint:
    values = sketch.samples("holdout")[1][:, number]
    scores: tuple[float | None, float | None, float | None] = (None, None, None)
    if not is_undefined(values, sketch.values[:, number]):
        scores = (r_squared(values, predicted), *r2_interval(values, predicted, sketch.plan.seed))
    r2, low, high = scores
    return {
        "output": output,
        "evaluations": sketch.plan.evaluations,
        "estimator": estimator,
        "r2": r2,
        "r2_low": low,
        "r2_high": high,
    }
