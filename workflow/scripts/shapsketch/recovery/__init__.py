"""Recovery: from the values of a sketch to a Spectrum.

An estimator is a module of this package with one function `fit(samples, max_order) -> Fit`. It sees
the samples it may fit and the samples it may choose by, and never the hold-out. Adding an
estimator is adding a module and its name to `available_estimators`.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..sampling.plan import Plan
from ..sampling.sketch import Sketch
from ..settings.errors import InputError
from ..settings.versions import VERSIONS
from ..spectrum.scale import Scale, check_scale, is_constant
from ..spectrum.spectrum import Spectrum
from ..storage.provenance import made_with
from .base import Fit, Samples, validation_r2

if TYPE_CHECKING:
    from .student import Student

GOOD_R2 = {"regression": 0.9999, "trees": 0.995, "student": 0.995}  # R2 above which they are not worth their time

# More samples would cost these hours and teach them little; the correction that follows reads all.
MAX_SAMPLES = {"regression": 200_000, "trees": 1_000_000, "student": 1_000_000, "instashap": 50_000}
CONSTANT = "constant"  # the name of what remains where nothing was found
ASKED_FOR = ("instashap",)  # what `auto` does not try: regression finds the same optimum sooner


class Recovery(NamedTuple):
    """What `recover` returns.

    Attributes:
        spectrum: of one output.
        details: what was tried, as plain values.
        student: the network that was distilled on the way, where one was.
    """

    spectrum: Spectrum
    details: dict[str, Any]
    student: "Student | None"


def _fit(name: str, samples: Samples, max_order: int | None) -> Fit:
    if name in MAX_SAMPLES:
        samples = samples.first(MAX_SAMPLES[name])
    return import_module(f".{name}", __name__).fit(samples, max_order)


def available_estimators(plan: Plan) -> list[str]:
    """Return the estimators that a plan serves, the cheapest first."""
    if not plan.count("validation"):
        return ["exact"]
    return [*(["fourier"] if plan.lattice else []), "regression", "trees", "student", *ASKED_FOR]


def recover(
    sketch: Sketch,
    output: int,
    *,
    estimator: str = "auto",
    max_order: int | None = None,
    good: float = 1.0,
    threads: int = 1,
    started: Callable[[str], object] = lambda name: None,
) -> Recovery:
    """Recover the spectrum of one output.

    Estimators see standardised values, so that nothing they decide depends on the model's unit or offset. What does not
    predict the validation points better than their mean gives way to it: the spectrum of a constant, without terms.

    Args:
        sketch: the merged sketch.
        output: which output, from 0.
        estimator: one of `available_estimators`, or `auto`: those that the design serves, from the cheapest on
            unless one before validates so well that the next is not worth its time (`GOOD_R2`); stacked and
            corrected where that validates better.
        max_order: the highest order of a term; None leaves it to the estimators.
        good: an R2 on the validation points that ends `auto` in any case.
        threads: how many may be used; does not change the result.
        started: called with the name of each estimator when its turn comes.

    Raises:
        InputError: the estimator cannot work with this design, or the values cannot be told apart (see `check_scale`).
    """
    plan = sketch.plan
    available = available_estimators(plan)
    if estimator != "auto" and estimator not in available:
        raise InputError(
            f"recovery.estimator is {estimator}, which the design {plan.design} does not serve; "
            f"it serves {', '.join(available)}."
        )
    check_scale(sketch.values[:, output], plan.outputs[output])
    names = [name for name in available if name not in ASKED_FOR] if estimator == "auto" else [estimator]
    samples, scale = _standardised(sketch, output, threads)
    fits: dict[str, Fit] = {}
    scores: dict[str, float | None] = {}
    for name in names if samples.values.any() else ():
        if any(score is not None and score > min(good, GOOD_R2.get(name, 1.0)) for score in scores.values()):
            continue
        started(name)
        fits[name] = fit = _fit(name, samples, max_order)
        scores[name] = validation_r2(samples, fit.intercept, fit.terms) if len(samples.validation_values) else None
    best, record = _best(fits, samples, estimator == "auto")
    best = best.in_units(scale)
    provenance = {
        "plan": plan.hash,
        "model": plan.model,
        "seed": plan.seed,
        "evaluations": plan.evaluations,
        "estimator": record["estimator"],
        "recovery_version": VERSIONS["recovery"],
        "versions": made_with(),
    }
    spectrum = Spectrum(plan.background, plan.outputs[output], best.intercept, best.terms, provenance)
    tried = {
        name: {"validation_r2": scores[name], "terms": len(f.terms), **f.in_units(scale).details}
        for name, f in fits.items()
    }
    return Recovery(spectrum, {**record, "tried": tried}, best.student)


def _best(fits: dict[str, Fit], samples: Samples, combined: bool) -> tuple[Fit, dict[str, Any]]:
    """The combination of all fits, or the only one; the constant where that predicts the validation points as well."""
    from .stack import beats, constant, correct, stack

    if not fits:
        return constant(samples), {"estimator": CONSTANT, "weights": {}}
    name, fit = next(iter(fits.items()))
    record: dict[str, Any] = {"estimator": name, "weights": {name: 1.0}}
    if not len(samples.validation_values):
        return fit, record
    if combined:
        stacked, weights = stack(fits, samples)
        fit, order = correct(stacked, samples)
        score = validation_r2(samples, fit.intercept, fit.terms)
        name = " + ".join(weights)
        record = {"estimator": name, "weights": weights, "corrected_order": order, "validation_r2": score}
    nothing = constant(samples)
    if beats(fit, nothing, samples):
        return fit, record
    score = validation_r2(samples, nothing.intercept, nothing.terms)
    return nothing, {"estimator": CONSTANT, "weights": {}, "corrected_order": 0, "validation_r2": score}


def _standardised(sketch: Sketch, output: int, threads: int) -> tuple[Samples, Scale]:
    """The samples with standardised values, all zero where those to fit are one value to rounding; and the scale."""
    samples = _samples(sketch, output, threads)
    scale = Scale.of(samples.values)
    fitted = [scale.standardise(v) for v in (samples.values, samples.lattice_values)]
    if is_constant(np.concatenate([samples.values, samples.validation_values])):
        fitted = [np.zeros_like(v) for v in fitted]
    validation = scale.standardise(samples.validation_values)
    return replace(samples, values=fitted[0], lattice_values=fitted[1], validation_values=validation), scale


def _samples(sketch: Sketch, output: int, threads: int) -> Samples:
    plan = sketch.plan
    codes, values = sketch.samples("train", "lattice")
    validation_codes, validation_values = sketch.samples("validation")
    return Samples(
        plan,
        np.asfortranarray(codes),
        values[:, output],
        np.asfortranarray(validation_codes),
        validation_values[:, output],
        sketch.samples("lattice")[1][:, output],
        threads,
    )
