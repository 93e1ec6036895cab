"""Models that are Python functions of the user's.

Source keys: `target`, `"file.py:function"`; `input`, what the function takes: `strings` (a list of
sequences) or `codes` ((N, n) uint8 letter codes). It returns (N,) or (N, outputs) numbers, or a mapping
from the names of the outputs to (N,) numbers. This kind runs the user's code.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..sequences.template import Template
from . import Predictor
from .user_code import import_function


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Import the file and return its function."""
    function = import_function(source["target"])
    if source.get("input") == "codes":
        return function

    def predict(codes: np.ndarray) -> Any:
        return function(template.alphabet.decode(codes))

    return predict
