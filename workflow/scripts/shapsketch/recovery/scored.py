"""Spectra with their scores: what the workflow, the front door and the comparison make of a sketch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..fidelity.faithfulness import report
from ..fidelity.records import OutputRecord, record_of
from ..sampling.sketch import Sketch
from ..spectrum.spectrum import Spectrum
from . import recover_outputs

if TYPE_CHECKING:
    from .student import Student


class Scored(NamedTuple):
    """The spectrum of one output, and how faithful it is.

    Attributes:
        spectrum: recovered.
        record: of the output in `faithfulness.json`.
        student: the network that was distilled on the way, where one was.
    """

    spectrum: Spectrum
    record: OutputRecord
    student: "Student | None"


def recover_scored(sketch: Sketch, outputs: Sequence[int] | None = None, **settings: Any) -> list[Scored]:
    """Recover the spectra of outputs, and score each on the hold-out.

    Args:
        sketch: the merged sketch.
        outputs: which outputs, from 0; None for all.
        settings: see `recover_outputs`.

    Raises:
        InputError: see `recover_outputs`.
    """
    numbers = range(len(sketch.plan.outputs)) if outputs is None else outputs
    return [
        Scored(spectrum, record_of(details, report(spectrum, sketch, number, student)), student)
        for number, (spectrum, details, student) in zip(
            numbers, recover_outputs(sketch, outputs, **settings), strict=True
        )
    ]
