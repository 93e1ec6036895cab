"""Models that are functions of a running program, such as a notebook's.

Source keys: `function`, from a list of N strings to (N,) or (N, outputs) numbers, or to a mapping from the names of
the outputs to (N,) numbers. A config cannot name one; `shapsketch.sketch` takes it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..sequences.template import Template
from . import Predictor


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return the function, asked about strings."""
    function = source["function"]

    def predict(codes: np.ndarray) -> Any:
        return function(template.alphabet.decode(codes))

    return predict
