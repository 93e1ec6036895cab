"""The learning curve: what fewer evaluations would have recovered, and whether more are worth their price.

The rounds of a plan are the sketches of smaller budgets, each with hold-out and validation points of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..sampling.plan import Role
from ..sampling.sketch import Sketch
from ..spectrum.metrics import r2_interval, r_squared
from ..spectrum.spectrum import Spectrum
from . import recover, recover_outputs
from .base import Begin, silent

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
    for number, (output, found) in enumerate(zip(plan.outputs, recovered, strict=True)):
        lows = []
        for kind in kinds:
            codes, values = sketch.samples(kind)
            lows.append(r2_interval(values[:, number], found.spectrum.predict_codes(codes), plan.seed)[0])
        outputs[output] = {
            "validation_r2_low": min(lows),
            **_row(output, sketch, number, found.spectrum, found.details["estimator"]),
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
    rows = []
    for number, output in enumerate(sketch.plan.outputs):
        scored = [r["outputs"][output] for r in rounds if output in r["outputs"]]
        if not rounds and sketch.plan.count("validation"):
            weights = records[output]["weights"]
            name = max(weights.keys() - {"fourier"} or {"regression"}, key=lambda n: weights.get(n, 0.0))
            for k in range(1, len(sketch.plan.rounds)):
                part = sketch.first(k)
                found = recover(part, number, estimator=name, max_order=max_order, threads=threads)
                scored.append(_row(output, part, number, found.spectrum, name))
                finished(1)
        record = records[output]
        low, high = record["r2_interval"]
        whole = [output, record["evaluations"], record["estimator"], record["r2"], low, high]
        rows += [row for row in scored if row["evaluations"] < record["evaluations"]]
        rows.append(dict(zip(COLUMNS, whole, strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(output: str, sketch: Sketch, number: int, spectrum: Spectrum, estimator: str) -> dict[str, Any]:
    codes, values = sketch.samples("holdout")
    predicted = spectrum.predict_codes(codes)
    low, high = r2_interval(values[:, number], predicted, sketch.plan.seed)
    row = [output, sketch.plan.evaluations, estimator, r_squared(values[:, number], predicted), low, high]
    return dict(zip(COLUMNS, row, strict=True))
