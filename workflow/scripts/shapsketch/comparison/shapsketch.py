"""Our own sketch, as the workflow makes it: sampled and recovered once, then read for every sequence."""

import numpy as np

from ..explanation.refine import Residual
from ..recovery.scored import recover_scored
from ..sampling.design import make_plan
from ..sampling.sketch import Sketch
from ..settings.errors import InputError
from ..spectrum.spectrum import Spectrum
from ..spectrum.train_interactions import complete_map, interaction_values
from . import Answer, Interactions, Sketched, Task, UnsuitedError

INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain from the task's sketch; without one, from a sketch of as many evaluations as the task has.

    Raises:
        UnsuitedError: the evaluations are too few for a sketch.
    """
    sketched = task.sketch or make_sketch(task)
    return answer(task, sketched.spectrum, sketched.evaluations)


def answer(task: Task, spectrum: Spectrum, evaluations: int) -> Answer:
    """Read the values and the interactions of a task's sequences off a spectrum that cost so many evaluations."""
    components = spectrum.components
    interactions: list[Interactions] | None = None
    if task.order > 1:
        mapping = complete_map(components, "SII", task.order)
        mapping = mapping.select(mapping.orders >= 2)
        by_sequence = interaction_values(components, mapping, task.codes)
        interactions = [dict(zip(mapping.supports, row.tolist(), strict=True)) for row in by_sequence]
    per_sequence = np.zeros(len(task.codes), np.int64)
    note = str(spectrum.provenance.get("estimator", ""))
    return Answer(components.shapley_values(task.codes), None, interactions, evaluations, per_sequence, note)


def make_sketch(task: Task, estimator: str = "auto") -> Sketched:
    """Sketch the task's output with all its evaluations.

    Raises:
        UnsuitedError: they are too few, or so many that all sequences are evaluated, which is not for this estimator.
    """
    try:
        plan = make_plan(
            {}, [task.model.outputs[task.output]], task.background, budget=task.evaluations, seed=task.seed
        )
    except InputError as error:
        raise UnsuitedError(str(error)) from error
    codes = plan.queries(0, plan.size)
    sketch = Sketch(plan, codes, task.predict(codes)[:, None])
    try:
        ((spectrum, record, student),) = recover_scored(sketch, estimator=estimator, threads=task.threads)
    except InputError as error:
        raise UnsuitedError(str(error)) from error
    return Sketched(
        spectrum,
        plan.evaluations,
        Residual.from_score(record),
        None if student is None else lambda asked: student.predict(asked, task.threads),
    )
