"""Recovery: from the values of a sketch to a Spectrum.

An estimator is a module of this package with one function `fit(samples, max_order) -> Fit`. It sees
the samples it may fit and the samples it may choose by, and never the hold-out. Adding an
estimator is adding a module and its name to `available_estimators`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..design import Plan
from ..errors import InputError
from ..faithfulness import r_squared
from ..provenance import made_with
from ..sketch import Sketch
from ..spectrum import Spectrum
from ..terms import Terms
from ..versions import VERSIONS

if TYPE_CHECKING:
    from .student import Student

GOOD = {"regression": 0.9999, "trees": 0.995, "student": 0.995}  # R2 above which they are not worth their time

# More samples would cost these hours and teach them little; the correction that follows reads all.
MOST_SAMPLES = {"regression": 200_000, "trees": 1_000_000, "student": 1_000_000, "instashap": 50_000}
ASKED_FOR = ("instashap",)  # what `auto` does not try: regression finds the same optimum sooner


@dataclass(frozen=True)
class Samples:
    """What an estimator may use, for one output.

    Attributes:
        plan: the plan, with background and lattice.
        codes, values: (N, n) uint8 local codes, in column-major order for speed, and (N,) float64 to fit; the
            lattice comes last.
        validation_codes, validation_values: to choose settings by.
        lattice_values: the values of the lattice, in its order; empty without one.
        threads: how many may be used; they must not change the result.
    """

    plan: Plan
    codes: np.ndarray
    values: np.ndarray
    validation_codes: np.ndarray
    validation_values: np.ndarray
    lattice_values: np.ndarray
    threads: int = 1

    def first(self, most: int) -> "Samples":
        """At most so many of the samples to fit; the lattice goes first."""
        if len(self.values) <= most:
            return self
        kept = self.lattice_values[: max(most - len(self.values) + len(self.lattice_values), 0)]
        return replace(self, codes=self.codes[:most], values=self.values[:most], lattice_values=kept)


@dataclass(frozen=True)
class Fit:
    """What an estimator found.

    Attributes:
        intercept: the mean under the background.
        terms: the dividends.
        details: plain values for the record: settings chosen, counts.
        student: the network that was distilled, where one was.
    """

    intercept: float
    terms: Terms
    details: dict[str, Any] = field(default_factory=dict)
    student: "Student | None" = None


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
    if name in MOST_SAMPLES:
        samples = samples.first(MOST_SAMPLES[name])
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

    Args:
        sketch: the merged sketch.
        output: which output, from 0.
        estimator: one of `available_estimators`, or `auto`: those that the design serves, from the cheapest on
            unless one before validates so well that the next is not worth its time (`GOOD`); stacked and
            corrected where that validates better.
        max_order: the highest order of a term; None leaves it to the estimators.
        good: an R2 on the validation points that ends `auto` in any case.
        threads: how many may be used; does not change the result.
        started: called with the name of each estimator when its turn comes.

    Raises:
        InputError: the estimator cannot work with this design.
    """
    plan = sketch.plan
    samples = _samples(sketch, output, threads)
    available = available_estimators(plan)
    if estimator != "auto" and estimator not in available:
        raise InputError(
            f"recovery.estimator is {estimator}, which the design {plan.design} does not serve; "
            f"it serves {', '.join(available)}."
        )
    names = [name for name in available if name not in ASKED_FOR] if estimator == "auto" else [estimator]
    fits: dict[str, Fit] = {}
    scores: dict[str, float | None] = {}
    for name in names:
        if any(score is not None and score > min(good, GOOD.get(name, 1.0)) for score in scores.values()):
            continue
        started(name)
        fits[name] = fit = _fit(name, samples, max_order)
        scores[name] = validation_r2(samples, fit.intercept, fit.terms) if len(samples.validation_values) else None
    best, record = next(iter(fits.values())), {"estimator": names[0], "weights": {names[0]: 1.0}}
    if estimator == "auto" and names != ["exact"]:
        best, record = _combine(fits, samples)
    provenance = {
        "plan": plan.hash,
        "model": plan.model,
        "seed": plan.seed,
        "evaluations": plan.size,
        "estimator": record["estimator"],
        "recovery_version": VERSIONS["recovery"],
        "versions": made_with(),
    }
    spectrum = Spectrum(plan.background, plan.outputs[output], best.intercept, best.terms, provenance)
    tried = {name: {"validation_r2": scores[name], "terms": len(f.terms), **f.details} for name, f in fits.items()}
    return Recovery(spectrum, {**record, "tried": tried}, best.student)


def _combine(fits: dict[str, Fit], samples: Samples) -> tuple[Fit, dict[str, Any]]:
    from .stack import correct, stack

    stacked, weights = stack(fits, samples)
    corrected, order = correct(stacked, samples)
    score = validation_r2(samples, corrected.intercept, corrected.terms)
    name = " + ".join(weights)
    return corrected, {"estimator": name, "weights": weights, "corrected_order": order, "validation_r2": score}


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


def validation_r2(samples: Samples, intercept: float, terms: Terms) -> float:
    """R2 of a fit on the validation points."""
    predicted = intercept + terms.predict(samples.validation_codes)
    return r_squared(samples.validation_values, predicted)
