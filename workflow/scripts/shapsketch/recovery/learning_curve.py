"""The learning curve: what fewer evaluations would have recovered, and whether more are worth their price.

The rounds of a plan are the sketches of smaller budgets, each with hold-out and validation points of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..sampling.plan import Role
from ..sampling.sketch import Sketch
from ..spectrum.metrics import r2_interval, r_squared
from . import recover, recover_outputs, standardised
from .base import Begin, silent

LEARNED = ("student", "train")
CURVE_EFFORT = 0.4  # of the epochs that a finished student has
COLUMNS = ["output", "evaluations", "estimator", "r2", "r2_low", "r2_high"]


def score_round(
    sketch: Sketch,
    *,
    estimator: str,
    max_order: int | None,
    threads: int,
    begin: Begin = silent,
) -> dict[str, Any]:
    """Recover what the rounds so far allow, and decide whether that is enough.

    It is, when the 95 % interval of R2 on the validation points lies above `until_r2` for every output; with near
    queries, on those of the background and on those near sequences. The hold-out is scored too, for the learning curve,
    and decides nothing.

    Args:
        sketch: of the rounds so far.
        estimator, max_order, threads, begin: see `recover_outputs`.

    Returns:
        Plain values: `evaluations`, `enough`, and `outputs` with a row of the learning curve and
        `validation_r2_low` for each.
    """
    plan = sketch.plan
    if not plan.count("validation"):
        return {"evaluations": plan.evaluations, "enough": True, "outputs": {}}
    until = plan.until_r2 or 1.0
    outputs = {}
    recovered = recover_outputs(
        sketch, estimator=estimator, max_order=max_order, good=until, threads=threads, begin=begin
    )
    roles: tuple[Role, ...] = ("validation", "near_validation")
    kinds = [role for role in roles if plan.count(role)]
    for number, (output, recovery) in enumerate(zip(plan.outputs, recovered, strict=True)):
        lows = []
        for kind in kinds:
            codes, values = sketch.samples(kind)
            lows.append(r2_interval(values[:, number], recovery.spectrum.predict_codes(codes), plan.seed)[0])
        outputs[output] = {
            "validation_r2_low": min(lows),
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
    records: Mapping[str, Mapping[str, Any]],
    rounds: Sequence[Mapping[str, Any]],
    *,
    max_order: int | None,
    threads: int,
    finished: Callable[[int], object] = lambda points: None,
) -> pd.DataFrame:
    """Return R2 on the hold-out against evaluations, the finished spectrum last.

    Args:
        sketch: the whole sketch.
        records: by output, what `faithfulness.json` says of its spectrum.
        rounds: what `score_round` said of each round; empty for a budget without a stop rule: then the estimator
            with the largest weight in the spectrum is fitted to the first rounds here.
        max_order, threads: see `recover`.
        finished: called with 1 after each point that is fitted here.

    Returns:
        A table with the columns `output`, `evaluations`, `estimator`, `r2`, `r2_low` and `r2_high` (95 %).
    """
    names = {output: _largest(records[output]["weights"]) for output in sketch.plan.outputs}
    scored: dict[str, list[dict[str, Any]]] = {
        output: [r["outputs"][output] for r in rounds if output in r["outputs"]] for output in names
    }
    for k in range(1, len(sketch.plan.rounds) if not rounds and sketch.plan.count("validation") else 1):
        part = sketch.first(k)
        numbers = {o: n for n, o in enumerate(names) if names[o] in LEARNED}
        for output, predicted in _asked_students(part, list(numbers.values()), threads).items():
            scored[output].append(_row(output, part, numbers[output], predicted, "student"))
            finished(1)
        for number, (output, name) in enumerate(names.items()):
            if name not in LEARNED:
                spectrum = recover(part, number, estimator=name, max_order=max_order, threads=threads).spectrum
                predicted = spectrum.predict_codes(part.samples("holdout")[0])
                scored[output].append(_row(output, part, number, predicted, name))
                finished(1)
    rows = []
    for output, record in records.items():
        low, high = record["r2_interval"]
        whole = [output, record["evaluations"], record["estimator"], record["r2"], low, high]
        rows += [row for row in scored[output] if row["evaluations"] < record["evaluations"]]
        rows.append(dict(zip(COLUMNS, whole, strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _largest(weights: Mapping[str, float]) -> str:
    """The estimator with the largest weight, but for the Fourier transform, whose lattice comes last."""
    return max(weights.keys() - {"fourier"} or {"regression"}, key=lambda n: (weights.get(n, 0.0), n))


def _asked_students(sketch: Sketch, numbers: list[int], threads: int) -> dict[str, np.ndarray]:
    """What students of a part of the usual effort answer on the hold-out, by output; trains come close to them."""
    from .networks import PLACED, POOLED
    from .student import MIN_CONVOLUTION_LENGTH, predict_all, train_students

    if not numbers:
        return {}
    works = [standardised(sketch, number, threads) for number in numbers]
    short = len(sketch.plan.template.free) < MIN_CONVOLUTION_LENGTH
    students, _ = train_students([samples for samples, _ in works], None if short else [PLACED, POOLED], CURVE_EFFORT)
    asked = [student.in_units(scale) for student, (_, scale) in zip(students, works, strict=True)]
    answers = predict_all(asked, sketch.samples("holdout")[0], threads)
    return {sketch.plan.outputs[number]: answers[:, k] for k, number in enumerate(numbers)}


def _row(output: str, sketch: Sketch, number: int, predicted: np.ndarray, estimator: str) -> dict[str, Any]:
    values = sketch.samples("holdout")[1][:, number]
    low, high = r2_interval(values, predicted, sketch.plan.seed)
    row = [output, sketch.plan.evaluations, estimator, r_squared(values, predicted), low, high]
    return dict(zip(COLUMNS, row, strict=True))
