"""Recovery: from the values of a sketch to a Spectrum.

An estimator is a module of this package with one function `fit(samples, max_order) -> Fit`. It sees
the samples it may fit and the samples it may choose by, and never the hold-out. Adding an
estimator is adding a module and an entry of `ESTIMATORS`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..fidelity.faithfulness import at_bounds
from ..fidelity.records import EstimatorRecord, FitDetails, RecoveryRecord
from ..sampling.design import available_estimators, check_estimator
from ..sampling.plan import Plan
from ..sampling.sketch import Sketch
from ..settings.estimators import CONSTANT, ESTIMATORS
from ..spectrum.scale import Scale, check_scale, is_constant
from ..spectrum.spectrum import Spectrum
from .base import Begin, Fit, Samples, provenance, silent, validation_r2

if TYPE_CHECKING:
    from .ridge import Search
    from .student import Student

PROBED = 12_000  # samples that tell whether tables come near: if not, students and trains are the better use of time
PROMISING_R2, MANY_SITES = 0.9, 10
MIN_PILED = 0.1  # of values next to 0 or 1, from which on students are tried that cannot leave these bounds
MAX_SPARSE_LEFT = 1e-3  # of the variance: what waves may leave at least where they are looked for first


class Recovery(NamedTuple):
    """What `recover` returns.

    Attributes:
        spectrum: of one output.
        details: how it was recovered, and what was tried.
        student: the network that was distilled on the way, where one was.
    """

    spectrum: Spectrum
    details: RecoveryRecord
    student: "Student | None"


def recover(sketch: Sketch, output: int, **settings: Any) -> Recovery:
    """Recover the spectrum of one output; see `recover_outputs`."""
    return recover_outputs(sketch, [output], **settings)[0]


def recover_outputs(
    sketch: Sketch,
    outputs: Sequence[int] | None = None,
    *,
    estimator: str = "auto",
    max_order: int | None = None,
    good: float = 1.0,
    minutes: float | None = None,
    threads: int = 1,
    begin: Begin = silent,
    searches: Mapping[int, "Search"] | None = None,
) -> list[Recovery]:
    """Recover the spectra of outputs.

    Estimators see standardised values, so that nothing they decide depends on the model's unit or offset. Tables are
    fitted output by output; students and trains to all outputs together that tables do not do justice to. What does not
    predict the validation points better than their mean gives way to it: the spectrum of a constant, without terms.

    Args:
        sketch: the merged sketch.
        outputs: which outputs, from 0; None for all.
        estimator: one of `design.available_estimators`, or `auto`: those that the design serves, from the cheapest on
            unless one before validates so well that the next is not worth its time (its `good_r2`); stacked and
            corrected where that validates better.
        max_order: the highest order of a term; None leaves it to the estimators. Trains have all orders, and are
            truncated where one is given.
        good: an R2 on the validation points that ends `auto` in any case.
        minutes: that students and trains may take on two cores, as `work` counts them; None for as many as they like.
        threads: how many may be used; does not change the result.
        begin: called when a step of the work begins; see `base.Begin`.
        searches: by output, how long `regression` looks for the best fit; as long as it pays where nothing is said.

    Raises:
        InputError: the estimator cannot work with this design, or the values cannot be told apart (see `check_scale`).
    """
    plan = sketch.plan
    check_estimator(plan, estimator)
    numbers = range(len(plan.outputs)) if outputs is None else outputs
    works = []
    for number in numbers:
        check_scale(sketch.values[:, number], plan.outputs[number])
        works.append(_Work(number, *standardised(sketch, number, threads), (searches or {}).get(number)))
    for name in _schedule(available_estimators(plan)) if estimator == "auto" else [estimator]:
        lacking = [work for work in works if work.lacks(name, good, estimator == "auto")]
        if lacking:
            fits = _fit(name, lacking, max_order, minutes, begin, estimator == "auto")
            for work, fit in zip(lacking, fits, strict=True):
                work.add(name, fit)
    return [_finish(plan, work, estimator == "auto") for work in works]


def _schedule(available: Sequence[str]) -> list[str]:
    """The estimators that `auto` tries, in order; waves once more after regression, which may have left more."""
    names = [name for name in available if ESTIMATORS[name].by_itself]
    if "fourier" in names and "regression" in names:
        names.insert(names.index("regression") + 1, "fourier")
    return names


@dataclass
class _Work:
    """The recovery of one output while it goes on.

    Attributes:
        output: its number.
        samples: standardised.
        scale: undoes that.
        search: how long regression looks; None for as long as it pays.
        fits: by estimator.
        scores: R2 of each on the validation points; None without any.
        left_out: why, of estimators that cannot win.
    """

    output: int
    samples: Samples
    scale: Scale
    search: "Search | None" = None
    fits: dict[str, Fit] = field(default_factory=dict)
    scores: dict[str, float | None] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def lacks(self, name: str, good: float, choose: bool) -> bool:
        """Whether an estimator is worth its time, where one may choose: what came before has not been good enough.

        Trees of many samples take long, and are tried where smaller tables have come near. A train behind students has
        learnt all that one alone does.
        """
        best = max((score for score in self.scores.values() if score is not None), default=-math.inf)
        fitted = self.samples.all_values if ESTIMATORS[name].fits_near else self.samples.values
        if name in self.fits or not fitted.any() or best > min(good, ESTIMATORS[name].good_r2):
            return False
        if choose and name == "train_alone" and "train" in self.fits:
            return False
        if choose and name == "trees" and _is_probed(self.samples) and best < PROMISING_R2:
            return False
        return not (choose and name == "fourier" and self._leaves_more(best))

    def _leaves_more(self, best: float) -> bool:
        """Whether waves leave more than what came before; before anything came, than a sparse function would."""
        from .fourier import least_left

        least = least_left(self.samples)
        if least <= (1 - best if self.fits else MAX_SPARSE_LEFT):
            return False
        if self.fits:
            self.left_out["fourier"] = (
                f"even the emptiest bin of the lattice leaves {least:.2g} of the variance to a Fourier transform, "
                f"{' + '.join(self.fits)} {1 - best:.2g}"
            )
        return True

    def add(self, name: str, fit: Fit) -> None:
        """Keep a fit and its score."""
        self.fits[name] = fit
        scored = len(self.samples.validation_values) > 0
        self.scores[name] = validation_r2(self.samples, fit) if scored else None


def _fit(
    name: str,
    works: Sequence[_Work],
    max_order: int | None,
    minutes: float | None,
    begin: Begin,
    choose: bool,
) -> list[Fit]:
    """The fits of an estimator; where one may choose, regression first tries a part of many samples."""
    most, samples = ESTIMATORS[name].max_samples, [work.samples for work in works]
    if most is not None:
        samples = [sample.first(most) for sample in samples]
    if name in ("train", "train_alone"):
        from . import train

        return (train.fit_outputs if name == "train" else train.fit_alone)(samples, max_order, begin, minutes)
    module = import_module(".student_fit" if name == "student" else f".{name}", __name__)
    finished, fits = begin(name, len(samples)), []
    for work, sample in zip(works, samples, strict=True):
        probed = choose and name == "regression" and _is_probed(sample)
        settings: dict[str, dict[str, Any]] = {
            "student": {"minutes": minutes},
            "regression": {"search": work.search},
        }
        more = settings.get(name, {})
        fit = module.fit(sample.first(PROBED) if probed else sample, max_order, **more)
        if probed and validation_r2(sample, fit) >= PROMISING_R2:
            fit = module.fit(sample, max_order, **more)
        fits.append(fit)
        finished(1)
    return fits


def _is_probed(samples: Samples) -> bool:
    """Whether tables are first tried on a part of the samples: those of a few sites never take long."""
    return len(samples.all_values) > PROBED and len(samples.plan.template.free) >= MANY_SITES


def _finish(plan: Plan, work: _Work, combined: bool) -> Recovery:
    fits = {name: work.fits[name] for name in ESTIMATORS if name in work.fits}
    best, record = _best(fits, work.samples, combined)
    best = best.in_units(work.scale)
    output, origin = plan.outputs[work.output], provenance(plan, record["estimator"])
    spectrum = Spectrum(plan.background, output, best.intercept, best.terms, origin, best.trains, plan.near_codes)
    tried: dict[str, FitDetails] = {
        name: {"validation_r2": work.scores[name], "terms": len(f.terms), **f.in_units(work.scale).details}
        for name, f in fits.items()
    }
    tried |= {name: {"left_out": why} for name, why in work.left_out.items()}
    return Recovery(spectrum, {**record, "tried": tried}, best.student)


def _best(fits: dict[str, Fit], samples: Samples, combined: bool) -> tuple[Fit, EstimatorRecord]:
    """The combination of all fits, or the only one; the constant where that predicts the validation points as well."""
    from .stack import beats, constant, correct, stack

    if not fits:
        return constant(samples), {"estimator": CONSTANT, "weights": {}}
    name, fit = next(iter(fits.items()))
    record: EstimatorRecord = {"estimator": name, "weights": {name: 1.0}}
    if not len(samples.validation_values):
        return fit, record
    if combined:
        stacked, weights = stack(fits, samples)
        fit, order = correct(stacked, samples) if samples.plan.background.is_product else (stacked, 0)
        name = " + ".join(weights)
        record = {
            "estimator": name,
            "weights": weights,
            "corrected_order": order,
            "validation_r2": validation_r2(samples, fit),
        }
    nothing = constant(samples)
    if beats(fit, nothing, samples):
        return fit, record
    score = validation_r2(samples, nothing)
    return nothing, {"estimator": CONSTANT, "weights": {}, "corrected_order": 0, "validation_r2": score}


def standardised(sketch: Sketch, output: int, threads: int) -> tuple[Samples, Scale]:
    """The samples with standardised values, all zero where those to fit are one value to rounding; and the scale.

    So are those drawn from the background where they alone are one value; the spread is that of near values then.
    """
    samples = _samples(sketch, output, threads)
    scale, flat = Scale.of(samples.values), is_constant(samples.values)
    if flat:
        scale = replace(scale, unit=Scale.of(samples.all_values).unit)
    values: dict[str, Any] = {
        name: scale.standardise(getattr(samples, name))
        for name in ("values", "lattice_values", "near_values", "validation_values", "near_validation_values")
    }
    if is_constant(np.concatenate([samples.all_values, samples.all_validation_values])):
        values |= {name: np.zeros_like(values[name]) for name in ("values", "lattice_values", "near_values")}
    if flat:
        values |= {name: np.zeros_like(values[name]) for name in ("values", "lattice_values")}
    bounds = _bounds(np.concatenate([samples.all_values, samples.all_validation_values]))
    if bounds:
        low, high = scale.standardise(np.array(bounds)).tolist()
        return replace(samples, **values, bounds=(low, high)), scale
    return replace(samples, **values), scale


def _bounds(values: np.ndarray) -> tuple[float, float] | None:
    """0 and 1, where values are probabilities of which a part lies next to them."""
    share = at_bounds(values)
    return None if share is None or share < MIN_PILED else (0.0, 1.0)


def _samples(sketch: Sketch, output: int, threads: int) -> Samples:
    plan = sketch.plan
    codes, values = sketch.samples("train", "lattice")
    validation_codes, validation_values = sketch.samples("validation")
    near_codes, near_values = sketch.samples("near")
    near_validation_codes, near_validation_values = sketch.samples("near_validation")
    return Samples(
        plan,
        np.asfortranarray(codes),
        values[:, output],
        np.asfortranarray(validation_codes),
        validation_values[:, output],
        sketch.samples("lattice")[1][:, output],
        near_codes,
        near_values[:, output],
        near_validation_codes,
        near_validation_values[:, output],
        threads,
    )
