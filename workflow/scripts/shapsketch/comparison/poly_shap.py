"""PolySHAP (Fumagalli et al. 2026), of shapiq: KernelSHAP's regression with interactions as further unknowns."""

from . import Answer, Task
from .shapiq_methods import approximate

INDEX = None
EVALUATIONS_PER_TERM = 2  # unknowns: single players, then as many pairs as this allows


def explain(task: Task) -> Answer:
    """Explain by a polynomial of order two, fitted to each game; see `Task`."""
    players = len(task.background.template.free)
    terms = max(players + 1, task.evaluations // EVALUATIONS_PER_TERM)
    return approximate(task, "PolySHAP", distinct=True, least=players + 2, max_order=2, max_terms=terms)
