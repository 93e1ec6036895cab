"""RegressionMSR (Witter et al. 2025), of shapiq: boosted trees, and a sampled correction of what they miss."""

from . import Answer, Task
from .shapiq_methods import approximate, boosted_trees

INDEX = None
LEAST = 8  # evaluations


def explain(task: Task) -> Answer:
    """Explain by trees fitted to each game, adjusted on the same coalitions; see `Task`."""
    return approximate(task, "RegressionMSR", distinct=True, least=LEAST, index="SV", proxy_model=boosted_trees(task))
