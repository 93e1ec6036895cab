"""OddSHAP (Fumagalli et al. 2026), of shapiq: regression on the odd Fourier terms that boosted trees point at."""

from . import Answer, Task
from .shapiq_methods import approximate

INDEX = None
LEAST = 32  # evaluations: boosted trees


def explain(task: Task) -> Answer:
    """Explain by the odd part of each game, which is all that Shapley values depend on; see `Task`."""
    return approximate(task, "OddSHAP", distinct=True, least=LEAST)
