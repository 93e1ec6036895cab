"""ProxySPEX (Butler et al. 2025), of shapiq: boosted trees on masks, whose strongest Fourier terms are refitted."""

from . import Answer, Task
from .shapiq_methods import approximate

INDEX = "SII"
LEAST = 32  # evaluations: five folds of boosted trees


def explain(task: Task) -> Answer:
    """Explain by the Fourier terms of trees fitted to each game; see `Task`."""
    return approximate(task, "ProxySPEX", distinct=True, least=LEAST, order=task.order, index="SII")
