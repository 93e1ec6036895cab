"""ProxySHAP, of shapiq: boosted trees on coalitions, whose Shapley interactions are read off exactly."""

from . import Answer, Task
from .shapiq_methods import approximate, boosted_trees

INDEX = "SII"
LEAST = 8  # evaluations


def explain(task: Task) -> Answer:
    """Explain by the interactions of trees fitted to each game; see `Task`."""
    options = {"index": "SII" if task.order > 1 else "SV", "max_order": task.order, "proxy_model": boosted_trees(task)}
    return approximate(task, "ProxySHAP", distinct=True, least=LEAST, order=task.order, **options)
