"""SHAP-IQ (Fumagalli et al., NeurIPS 2023), of shapiq."""

from . import Answer, Task
from .shapiq_methods import sample_interactions

INDEX = "SII"


def explain(task: Task) -> Answer:
    """Explain by unbiased sums over sampled coalitions; see `Task`."""
    return sample_interactions(task, "SHAPIQ")
