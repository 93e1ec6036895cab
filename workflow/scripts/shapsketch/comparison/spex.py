"""SPEX (Kang et al. 2025), of shapiq with sparse-transform: a sparse Fourier transform over masks, BCH-coded."""

from . import Answer, Task
from .shapiq_methods import approximate

INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain by the sparse Fourier transform of each game; see `Task`."""
    return approximate(task, "SPEX", distinct=False, order=task.order, index="SII")
