"""SVARM-IQ (Kolpaczki et al., AISTATS 2024), of shapiq."""

from . import Answer, Task
from .shapiq_methods import sample_interactions

INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain by sums over coalitions, stratified by size and intersection; see `Task`."""
    return sample_interactions(task, "SVARMIQ")
