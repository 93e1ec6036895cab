"""Permutation sampling, or ApproShapley (Castro et al. 2009), of shapiq."""

from . import Answer, Task
from .shapiq_methods import approximate

INDEX = None


def explain(task: Task) -> Answer:
    """Explain by marginal contributions along random orders; see `Task`."""
    return approximate(task, "PermutationSamplingSV", distinct=False, least=len(task.background.template.free))
