"""Models that are Python functions of the user's.

Source keys: `target`, `"file.py:function"`; `input`, what the function takes: `strings` (a list of
sequences) or `codes` ((N, n) uint8 letter codes). It returns (N,) or (N, outputs) numbers. This kind
runs the user's code.
"""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..template import Template
from . import Predictor


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Import the file and return its function."""
    path, _, name = source["target"].rpartition(":")
    if not path or not name:
        raise InputError(f"The model target {source['target']!r} is not of the form file.py:function.")
    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    spec = importlib.util.spec_from_file_location(f"shapsketch_user_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"The model file {path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"The model file {path} cannot be imported: {type(error).__name__}: {error}.") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"The model file {path} has no function {name!r}.")
    if source["input"] == "codes":
        return function

    def predict(codes: np.ndarray) -> np.ndarray:
        return function(template.alphabet.decode(codes))

    return predict
