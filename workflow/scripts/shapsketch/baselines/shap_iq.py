"""SHAP-IQ (Fumagalli et al., NeurIPS 2023), of shapiq."""

from . import Answer, Task
from .shapiq_methods import approximate

PAYS_ONCE = False
INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain by unbiased sums over sampled coalitions; see `baselines.explain`."""
    return approximate(
        task, "SHAPIQ", distinct=True, least=4, order=task.order,
        max_order=task.order, index="SII" if task.order > 1 else "SV", pairing_trick=True,
    )  # fmt: skip
