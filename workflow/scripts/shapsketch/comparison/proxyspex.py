"""ProxySPEX (Butler et al. 2025), of shapiq: boosted trees on masks, whose strongest Fourier terms are refitted."""

from . import Answer, Task
from .shapiq_methods import approximate, boosted_trees, newer_shapiq

INDEX = "SII"
LEAST = 32  # evaluations: five folds of boosted trees


def explain(task: Task) -> Answer:
    """Explain by the Fourier terms of trees fitted to each game; see `Task`."""
    # Without its search over settings of the trees, which takes half a minute a sequence.
    options = {"hpo": False, "proxy_model": boosted_trees(task)} if newer_shapiq() else {}
    return approximate(task, "ProxySPEX", distinct=True, least=LEAST, order=task.order, index="SII", **options)
