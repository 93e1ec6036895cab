"""InstaSHAP: our own estimator of that name, as `recovery.estimator: instashap` runs it."""

from . import Answer, Task
from .shapsketch import INDEX, answer, make_sketch

__all__ = ["INDEX", "explain"]


def explain(task: Task) -> Answer:
    """Sketch the task's output with all its evaluations, and read the values off the additive model.

    Raises:
        UnsuitedError: the evaluations are too few, or as many as there are sequences.
    """
    sketched = make_sketch(task, "instashap")
    return answer(task, sketched.spectrum, sketched.evaluations)
