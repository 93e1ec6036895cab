"""Our own sketch, refined: once sketched, each sequence is asked about a little more, for values with error bars."""

from dataclasses import dataclass, replace

import numpy as np

from ..explanation.refine import MIN_EVALUATIONS, Effort, Refiner
from . import Answer, Task, UnsuitedError
from .shapsketch import answer, make_sketch

INDEX = "SII"
SKETCH_FACTOR = 100  # times the evaluations of a sequence, for the sketch where there is none


@dataclass(frozen=True)
class _OneOutput:
    """A model of one output of a task's model."""

    task: Task

    @property
    def batch_size(self) -> int:
        return self.task.model.batch_size

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        return self.task.model(codes)[:, [self.task.output]]


def explain(task: Task) -> Answer:
    """Refine the task's sketch with its evaluations; without one, a sketch of as many as for 100 sequences.

    Raises:
        UnsuitedError: the evaluations are too few.
    """
    if task.evaluations < MIN_EVALUATIONS + 1:
        raise UnsuitedError(f"Refinement needs at least {MIN_EVALUATIONS + 1} evaluations of a sequence.")
    sketched = task.sketch or make_sketch(replace(task, evaluations=SKETCH_FACTOR * task.evaluations))
    effort = Effort((task.evaluations - 1) // 2 * 2)
    model = _OneOutput(task)
    refiner = Refiner(model, [sketched.spectrum], [sketched.residual], [sketched.student], effort, task.seed)  # type: ignore[arg-type]
    predictions = task.predict(task.codes)[:, None]
    refined = refiner(task.codes, predictions)
    plain = answer(task, sketched.spectrum, sketched.evaluations)
    note = "; ".join(filter(None, [plain.note, "interactions are the sketch's own"]))
    return Answer(refined.values[0], refined.errors[0], plain.interactions, plain.fixed, refined.evaluations + 1, note)
