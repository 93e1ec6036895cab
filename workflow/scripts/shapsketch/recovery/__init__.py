"""Recovery: from the values of a sketch to a Spectrum.

An estimator is a module of this package with one function `fit(samples, max_order) -> Fit`. It sees
the samples it may fit and the samples it may choose by, and never the hold-out. Adding an
estimator is adding a module and a line to `ESTIMATORS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..design import Plan
from ..errors import InputError
from ..faithfulness import r_squared
from ..sketch import Sketch
from ..spectrum import Spectrum
from ..terms import Terms
from ..versions import VERSIONS


@dataclass(frozen=True)
class Samples:
    """What an estimator may use, for one output.

    Attributes:
        plan: the plan, with background and lattice.
        codes, values: (N, n) uint8 local codes and (N,) float64 to fit; the lattice comes last.
        validation_codes, validation_values: to choose settings by.
        lattice_values: the values of the lattice, in its order; empty without one.
    """

    plan: Plan
    codes: np.ndarray
    values: np.ndarray
    validation_codes: np.ndarray
    validation_values: np.ndarray
    lattice_values: np.ndarray

    @property
    def complete(self) -> bool:
        """Whether every sequence of the template was evaluated."""
        return len(self.codes) == self.plan.template.space and not len(self.validation_codes)


@dataclass(frozen=True)
class Fit:
    """What an estimator found.

    Attributes:
        intercept: the mean under the background.
        terms: the dividends, from all samples.
        validation_r2: R2 on the validation points of a fit that did not use them; None without.
        details: plain values for the record: settings chosen, counts.
    """

    intercept: float
    terms: Terms
    validation_r2: float | None
    details: dict[str, Any] = field(default_factory=dict)


def _estimators() -> dict[str, Callable[[Samples, int | None], Fit]]:
    from . import exact, fourier, regression

    return {"exact": exact.fit, "fourier": fourier.fit, "regression": regression.fit}


ESTIMATORS = ("exact", "fourier", "regression")


def recover(
    sketch: Sketch, output: int, *, estimator: str = "auto", max_order: int | None = None
) -> tuple[Spectrum, dict[str, Any]]:
    """Recover the spectrum of one output.

    Args:
        sketch: the merged sketch.
        output: which output, from 0.
        estimator: a name in `ESTIMATORS`, or `auto`: exact when everything was evaluated, otherwise
            the estimator with the best R2 on the validation points.
        max_order: the highest order of a term; None leaves it to the estimator.

    Returns:
        The spectrum and what was tried: `{estimator: {validation_r2, terms, ...}}`.

    Raises:
        InputError: the estimator cannot work with this design.
    """
    plan = sketch.plan
    codes, values = sketch.samples("train", "lattice")
    validation_codes, validation_values = sketch.samples("validation")
    samples = Samples(
        plan,
        codes,
        values[:, output],
        validation_codes,
        validation_values[:, output],
        sketch.values[plan.block("lattice"), output],
    )
    available = _available(samples)
    if estimator != "auto" and estimator not in available:
        raise InputError(
            f"recovery.estimator is {estimator}, which the design {plan.design} does not serve; "
            f"it serves {', '.join(available)}."
        )
    names = available if estimator == "auto" else [estimator]
    table = _estimators()
    fits = {name: table[name](samples, max_order) for name in names}
    best = max(names, key=lambda name: (fits[name].validation_r2 or 0.0, -names.index(name)))
    fit = fits[best]
    provenance = {
        "plan": plan.hash,
        "model": plan.model,
        "seed": plan.seed,
        "evaluations": plan.size,
        "estimator": best,
        "recovery_version": VERSIONS["recovery"],
    }
    spectrum = Spectrum(plan.background, plan.outputs[output], fit.intercept, fit.terms, provenance)
    tried = {name: {"validation_r2": f.validation_r2, "terms": len(f.terms), **f.details} for name, f in fits.items()}
    return spectrum, {"estimator": best, "tried": tried}


def _available(samples: Samples) -> list[str]:
    if samples.complete:
        return ["exact"]
    return ["regression", "fourier"] if samples.plan.lattice else ["regression"]


def validation_r2(samples: Samples, intercept: float, terms: Terms) -> float:
    """R2 of a fit on the validation points."""
    predicted = intercept + terms.predict(samples.validation_codes)
    return r_squared(samples.validation_values, predicted)
