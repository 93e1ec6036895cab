"""LeverageSHAP (Musco & Witter, ICLR 2025), of shapiq: regression on coalitions drawn by leverage score."""

from . import Answer, Task
from .shapiq_methods import approximate

INDEX = None


def explain(task: Task) -> Answer:
    """Explain by weighted least squares on paired coalitions; see `Task`."""
    return approximate(task, "LeverageSHAP", distinct=True, least=len(task.background.template.free) + 2)
