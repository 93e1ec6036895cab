"""What estimators take and give: samples to fit and to choose by, and fits."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..sampling.plan import Plan
from ..spectrum.metrics import r_squared
from ..spectrum.scale import Scale
from ..spectrum.terms import Terms

if TYPE_CHECKING:
    from .student import Student


@dataclass(frozen=True)
class Samples:
    """What an estimator may use, for one output.

    Attributes:
        plan: the plan, with background and lattice.
        codes, values: (N, n) uint8 local codes, in column-major order for speed, and (N,) float64 to fit, standardised
            (see `Scale`); the lattice comes last.
        validation_codes, validation_values: to choose settings by, likewise.
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

    def in_units(self, scale: Scale) -> "Fit":
        """The fit of values before they were standardised."""
        return replace(
            self,
            intercept=scale.centre + scale.unit * self.intercept,
            terms=self.terms.scaled(scale.unit),
            details={k: v * scale.unit**2 if k == "noise" else v for k, v in self.details.items()},
            student=self.student.in_units(scale) if self.student else None,
        )


def validation_r2(samples: Samples, intercept: float, terms: Terms) -> float:
    """R2 of a fit on the validation points."""
    predicted = intercept + terms.predict(samples.validation_codes)
    return r_squared(samples.validation_values, predicted)
