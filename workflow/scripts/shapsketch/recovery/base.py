"""What estimators take and give: samples to fit and to choose by, and fits."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..fidelity.records import FitDetails
from ..sampling.plan import Plan
from ..settings.versions import VERSIONS
from ..spectrum.components import Components
from ..spectrum.metrics import r_squared
from ..spectrum.scale import Scale
from ..spectrum.spectrum import SpectrumProvenance
from ..spectrum.terms import Terms
from ..spectrum.trains import Train
from ..storage.provenance import made_with

if TYPE_CHECKING:
    from .student import Student

# Begins a step of the work, given its name and its size (0: not known); returns what is called with progress.
Begin = Callable[[str, int], Callable[[int], object]]


def silent(name: str, size: int) -> Callable[[int], object]:
    """Begin a step that reports its progress nowhere."""
    return lambda done: None


@dataclass(frozen=True)
class Samples:
    """What an estimator may use, for one output.

    Attributes:
        plan: the plan, with background and lattice.
        codes, values: (N, n) uint8 local codes, in column-major order for speed, and (N,) float64 to fit, standardised
            (see `Scale`); the lattice comes last.
        validation_codes, validation_values: to choose settings by, likewise.
        lattice_values: the values of the lattice, in its order; empty without one.
        near_codes, near_values: further samples to fit, drawn near sequences; in row-major order. What needs draws of
            the background leaves them alone: the Fourier transform, `instashap`, and the screening of supports.
        near_validation_codes, near_validation_values: to choose by, likewise.
        threads: how many may be used; they must not change the result.
        bounds: 0 and 1, standardised, where values are probabilities that pile up there.
    """

    plan: Plan
    codes: np.ndarray
    values: np.ndarray
    validation_codes: np.ndarray
    validation_values: np.ndarray
    lattice_values: np.ndarray
    near_codes: np.ndarray
    near_values: np.ndarray
    near_validation_codes: np.ndarray
    near_validation_values: np.ndarray
    threads: int = 1
    bounds: tuple[float, float] | None = None

    @cached_property
    def all_codes(self) -> np.ndarray:
        """(N, n) uint8: all samples to fit, those near sequences last."""
        return np.concatenate([self.codes, self.near_codes])

    @cached_property
    def all_values(self) -> np.ndarray:
        """(N,) float64: the values at `all_codes`."""
        return np.concatenate([self.values, self.near_values])

    @cached_property
    def all_validation_codes(self) -> np.ndarray:
        """(V, n) uint8: all validation points, those near sequences last."""
        return np.concatenate([self.validation_codes, self.near_validation_codes])

    @cached_property
    def all_validation_values(self) -> np.ndarray:
        """(V,) float64: the values at `all_validation_codes`."""
        return np.concatenate([self.validation_values, self.near_validation_values])

    @cached_property
    def columns(self) -> np.ndarray:
        """`all_codes`, (N, n) uint8, in column-major order, for speed."""
        return np.asfortranarray(self.all_codes)

    def first(self, most: int) -> "Samples":
        """At most so many of the samples to fit, with the share near sequences as it is; the lattice goes first."""
        if len(self.all_values) <= most:
            return self
        count = most * len(self.near_values) // len(self.all_values)
        near = np.arange(count) * len(self.near_values) // max(count, 1)  # at equal steps: sets stand one after another
        drawn = most - count
        return replace(
            self,
            codes=self.codes[:drawn],
            values=self.values[:drawn],
            lattice_values=self.lattice_values[: max(drawn - len(self.values) + len(self.lattice_values), 0)],
            near_codes=self.near_codes[near],
            near_values=self.near_values[near],
        )


@dataclass(frozen=True)
class Fit:
    """What an estimator found.

    Attributes:
        intercept: the mean under the background.
        terms: the dividends.
        details: for the record: settings chosen, counts.
        student: the networks that were asked for free, where there are any.
        trains: over the free positions.
    """

    intercept: float
    terms: Terms
    details: FitDetails = field(default_factory=lambda: FitDetails())
    student: "Student | None" = None
    trains: tuple[Train, ...] = ()

    def components(self, free: np.ndarray) -> Components:
        """Return terms and trains as functions of codes, given the (F,) free positions."""
        return Components(self.terms, self.trains, free)

    def in_units(self, scale: Scale) -> "Fit":
        """The fit of values before they were standardised."""
        details = self.details
        if "noise" in details:
            details = {**details, "noise": details["noise"] * scale.unit**2}
        return replace(
            self,
            intercept=scale.centre + scale.unit * self.intercept,
            terms=self.terms.scaled(scale.unit),
            details=details,
            student=self.student.in_units(scale) if self.student else None,
            trains=tuple(train.scaled(scale.unit) for train in self.trains),
        )


def predict(samples: Samples, fit: Fit, codes: np.ndarray) -> np.ndarray:
    """Return the (N,) float64 values of a fit at (N, n) uint8 codes."""
    return fit.intercept + fit.components(samples.plan.template.free).predict(codes)


def background_r2(samples: Samples, intercept: float, terms: Terms) -> float:
    """R2 of terms on the validation points that were drawn from the background, which `instashap` chooses by."""
    return r_squared(samples.validation_values, intercept + terms.predict(samples.validation_codes))


def validation_r2(samples: Samples, fit: Fit) -> float:
    """R2 of a fit on all validation points, those near sequences too: on what users will ask."""
    return r_squared(samples.all_validation_values, predict(samples, fit, samples.all_validation_codes))


def provenance(plan: Plan, estimator: str) -> SpectrumProvenance:
    """Return where a spectrum comes from that an estimator, or several, recovered from the sketch of a plan."""
    return {
        "plan": plan.hash,
        "model": plan.model,
        "seed": plan.seed,
        "evaluations": plan.evaluations,
        "estimator": estimator,
        "recovery_version": VERSIONS["recovery"],
        "versions": made_with(),
    }
