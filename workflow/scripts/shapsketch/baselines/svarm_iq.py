"""SVARM-IQ (Kolpaczki et al., AISTATS 2024), of shapiq."""

from . import Answer, Task
from .shapiq_methods import approximate

PAYS_ONCE = False
INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain by sums over coalitions, stratified by size and intersection; see `baselines.explain`."""
    return approximate(
        task, "SVARMIQ", distinct=True, least=4, order=task.order,
        max_order=task.order, index="SII" if task.order > 1 else "SV", pairing_trick=True,
    )  # fmt: skip
