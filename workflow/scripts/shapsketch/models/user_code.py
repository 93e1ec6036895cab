"""The user's own Python, run on purpose: `file.py:function` of the kinds that say so in the config README."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError


def import_function(target: str) -> Callable[..., Any]:
    """Import a file and return the function it names.

    Args:
        target: `"file.py:function"`.

    Raises:
        InputError: the file is missing or cannot be imported, or has no such function.
    """
    path, _, name = target.rpartition(":")
    if not path or not name:
        raise InputError(f"The model target {target!r} is not of the form file.py:function.")
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
    return function
