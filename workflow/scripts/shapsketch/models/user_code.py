"""The user's own Python, run on purpose: `file.py:function` of the kinds that say so in the config README.

The file's folder is where its imports start, as in `python file.py`, while it is imported and while it is called, and
at no other time: modules beside one model are not seen by another, nor by anything else in the process.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from ..settings.dependencies import import_roots
from ..settings.errors import InputError, ModelError

_beside: dict[tuple[str, ...], dict[str, ModuleType]] = {}  # the modules of each folder, while it is not in use


def import_function(target: str) -> Callable[..., Any]:
    """Import a file and return the function it names.

    Args:
        target: `"file.py:function"`.

    Raises:
        InputError: the file is missing or cannot be imported (`ModelError`), or has no such function.
    """
    path, _, name = target.rpartition(":")
    if not path or not name:
        raise InputError(f"The model target {target!r} is not of the form file.py:function.")
    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    roots = [root.absolute() for root in import_roots(path)]
    _beside.pop(tuple(map(str, roots)), None)  # files may have changed, or come
    try:
        with imports_from(roots):
            module = _load(Path(path).absolute(), roots[0])
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit too
        reason = " ".join(str(error).split())
        what = f"calls sys.exit({error})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {reason}"
        raise ModelError(f"The model file {path} cannot be imported: {what.rstrip('.')}.") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"The model file {path} has no function {name!r}.")

    return within(target, function)


def within(target: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that finds modules as the file of a `"file.py:function"` does, while it is called."""
    roots = [root.absolute() for root in import_roots(target.rpartition(":")[0])]

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with imports_from(roots):
            return function(*arguments, **named)

    return call


def _load(path: Path, root: Path) -> ModuleType:
    """Import one file: as a module of its package, where its imports start above it, otherwise alone."""
    if path.parent != root:
        return importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
    name = f"shapsketch_user_{sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def imports_from(roots: Sequence[Path]) -> Iterator[None]:
    """Let imports look into some folders first, and set the modules found there aside at the end."""
    folders = tuple(map(str, roots))
    before = set(sys.modules)
    sys.modules.update(_beside.get(folders, {}))
    sys.path[:0] = folders
    hook, bytecode = sys.excepthook, sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # old bytecode of a file that was changed within a second would be run
    try:
        yield
    finally:
        sys.excepthook, sys.dont_write_bytecode = hook, bytecode
        for folder in folders:
            if folder in sys.path:
                sys.path.remove(folder)
        new = set(sys.modules) - before
        beside = {name for name in new if _lies_in(sys.modules.get(name.partition(".")[0]), folders)}
        _beside[folders] = {name: sys.modules.pop(name) for name in beside}


def _lies_in(module: ModuleType | None, folders: Sequence[str]) -> bool:
    """Whether a top-level module or package lies in a folder itself, not deeper."""
    spec = getattr(module, "__spec__", None)
    places = list(getattr(spec, "submodule_search_locations", None) or [getattr(spec, "origin", None) or ""])
    return any(str(Path(place).parent) in folders for place in places if place)
