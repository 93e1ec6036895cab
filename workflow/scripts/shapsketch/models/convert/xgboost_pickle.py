"""Pickled regressors of XGBoost before 1.0, read without XGBoost and without running what a pickle asks for.

Every class or function that the pickle names is replaced by an inert stand-in, but for those that make plain
bytes. Of what results only the booster's own bytes are used: XGBoost's binary format (src/learner.cc,
src/gbm/gbtree_model.h and include/xgboost/tree_model.h of version 0.82).
"""

import codecs
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...settings.errors import InputError

LEARNER, MODEL, TREE, STATISTICS = 136, 160, 148, 16  # bytes of the structures
NODE = np.dtype([("parent", "<i4"), ("yes", "<i4"), ("no", "<i4"), ("split", "<u4"), ("value", "<f4")])
OBJECTIVES = (b"reg:linear", b"reg:squarederror")


class _Inert:
    """Stands for anything that a pickle names; takes any arguments and any state, and does nothing."""

    def __new__(cls, *arguments: Any, **named: Any) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.state: list[Any] = list(arguments)

    def __setstate__(self, state: Any) -> None:
        self.state = [state]


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return codecs.encode(text, "latin1")


_PLAIN = {("builtins", "bytearray"): bytearray, ("builtins", "bytes"): bytes, ("_codecs", "encode"): _encode}


class _InertUnpickler(pickle._Unpickler):  # the one in Python, since the compiled one checks the classes of states
    def find_class(self, module: str, name: str) -> Any:
        return _PLAIN.get((module.replace("__builtin__", "builtins"), name), _Inert)


def read_pickled_booster(path: str | Path) -> dict[str, np.ndarray]:
    """Read a pickled regressor's trees.

    Returns:
        The nodes as arrays, as the kind `trees` reads them: `tree`, `node`, `feature` (-1 for a leaf), `threshold`,
        `yes`, `no`, `leaf`, `default_left` and `base_score`.

    Raises:
        InputError: the file is missing, or is no pickled regressor of XGBoost before 1.0.
    """
    try:
        with open(path, "rb") as handle:
            content = _InertUnpickler(handle, encoding="latin1").load()
        for candidate in _byte_strings(content, set()):
            if b"gbtree" in candidate[:512]:
                return _booster(candidate)
    except FileNotFoundError:
        raise InputError(f"The file {path} does not exist.") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise InputError(f"{path} is not a pickled booster that can be read: {error}.") from error
    raise InputError(f"{path} is not a pickled booster of XGBoost before 1.0.")


def _byte_strings(value: Any, seen: set[int]) -> Iterator[bytes]:
    """All bytes, however deep; Python 2 wrote them as text."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, (bytes, bytearray)):
        yield bytes(value)
    elif isinstance(value, str) and "gbtree" in value[:512] and len(value) > LEARNER:
        yield value.encode("latin1")
    elif isinstance(value, _Inert):
        yield from _byte_strings(vars(value), seen)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _byte_strings(part, seen)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _byte_strings(part, seen)


def _booster(content: bytes) -> dict[str, np.ndarray]:
    base_score, _, classes = struct.unpack_from("<fIi", content)
    place = LEARNER
    names = []
    for _ in range(2):
        length = struct.unpack_from("<Q", content, place)[0]
        names.append(content[place + 8 : place + 8 + length])
        place += 8 + length
    if names[0] not in OBJECTIVES or names[1] != b"gbtree" or classes > 1:
        raise ValueError(f"a regression of trees is needed, and it is {names[0].decode('latin1')!r}")
    trees = struct.unpack_from("<i", content, place)[0]
    place += MODEL
    owners, numbers, parts = [], [], []
    for tree in range(trees):
        count = struct.unpack_from("<ii", content, place)[1]
        place += TREE
        parts.append(np.frombuffer(content, NODE, count, place))
        owners.append(np.full(count, tree))
        numbers.append(np.arange(count))
        place += count * (NODE.itemsize + STATISTICS)
    nodes = np.concatenate(parts)
    leaf = nodes["yes"] < 0
    return {
        "tree": np.concatenate(owners),
        "node": np.concatenate(numbers),
        "feature": np.where(leaf, -1, (nodes["split"] & 0x7FFFFFFF).astype(np.int64)),  # the top bit: default direction
        "default_left": (nodes["split"] >> 31).astype(bool) & ~leaf,
        "threshold": np.where(leaf, 0, nodes["value"]).astype(np.float32),
        "yes": nodes["yes"].astype(np.int64),
        "no": nodes["no"].astype(np.int64),
        "leaf": np.where(leaf, nodes["value"], 0).astype(np.float64),
        "base_score": np.array(base_score, np.float64),
    }
