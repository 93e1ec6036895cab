"""Tree ensembles saved by LightGBM (text) or XGBoost (JSON or UBJSON), read without either library.

Source keys: `path`, one file, or a list of one file per output; `layout` of the features: `flat` (one per position
and letter, position-major), `channels_first` (letter-major) or `codes` (one per position, the letter's number);
`zeros`: `value`, or `missing` where the model was trained on sparse matrices, whose absent entries are missing values.
Values are sums of leaves: margins, before any link function. Models that are trees need no sketch: the rule
`expand_trees` turns them into exact dividends. `.npz` holds the nodes of one ensemble as arrays: `tree`, `node`,
`feature` (-1 for a leaf), `threshold`, `yes` (the child below the threshold), `no`, `leaf`, `base_score`, and, for
several outputs, `output`; `default_left`, where missing values go.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor, trees_arrays, trees_lightgbm, trees_xgboost
from .ensemble import Ensemble, Tree
from .tree_features import Features, StoredTrees

READERS = {b"{": trees_xgboost.read, b"PK": trees_arrays.read, b"tree": trees_lightgbm.read}  # by how files begin
PICKLE = "a pickle, which could run code when opened, and is not opened; save it with save_model to .json or .txt"
OTHERS = {
    b"\x80": f"{PICKLE}, or export scikit-learn's to ONNX",
    b"x\x9c": f"a compressed pickle: {PICKLE}, or export scikit-learn's to ONNX",
    b"\x1f\x8b": "compressed; unpack it first",
    b"CBM1": "a CatBoost model, which is not read; export it to ONNX",
    b"binf": "an XGBoost model in the binary format of old versions; load it in XGBoost and save it to .json",
    b"[": "a dump of trees, which lacks their base value; save the model with save_model",
}  # other files that users have, by how they begin


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return the sum of leaves."""
    return read_ensemble(source, template, outputs).predict


def read_ensemble(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Ensemble:
    """Read the trees of all outputs.

    Raises:
        InputError: a file is missing, damaged or of another kind, or does not fit the template or the outputs.
    """
    paths = [source["path"]] if isinstance(source["path"], str) else source["path"]
    features = Features(source["layout"], template.n, template.alphabet.letters, source.get("zeros"))
    trees: list[Tree] = []
    owners: list[int] = []
    base = np.empty(0)
    for path in paths:
        stored = _read_file(path, features)
        trees += stored.trees
        owners += [len(base) + output for output in stored.outputs]
        base = np.concatenate([base, stored.base])
    if len(base) != len(outputs):
        raise InputError(
            f"{', '.join(paths)} predicts {len(base)} outputs, and the config names {len(outputs)}: "
            f"{', '.join(outputs)}."
        )
    try:
        return Ensemble.collect(trees, owners, base)
    except ValueError as error:
        raise InputError(f"{', '.join(paths)} is damaged: {error}.") from error


def _read_file(path: str, features: Features) -> StoredTrees:
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder, and a file is needed.")
    try:
        head = Path(path).read_bytes()[:64]
    except FileNotFoundError:
        raise InputError(f"The model file {path} does not exist.") from None
    other = next((say for start, say in OTHERS.items() if head.startswith(start)), None)
    if other:
        raise InputError(f"{path} is {other}.")
    reader = next((read for start, read in READERS.items() if head.startswith(start)), None)
    if reader is None:
        raise InputError(
            f"{path} is neither a LightGBM text model nor an XGBoost JSON model; save it with booster.save_model, "
            "to a name that ends in .txt or .json."
        )
    try:
        stored = reader(path, features)
        _check_splits(stored.trees, features.zeros)
        return stored
    except InputError as error:
        raise InputError(f"{path} cannot be read as trees: {str(error).rstrip('.')}.") from None
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({type(error).__name__}: {error}).") from error


def _check_splits(trees: Sequence[Tree], zeros: str | None) -> None:
    """Refuse splits that send all letters the same way: training makes none, unless absent letters were missing."""
    inner = [tree.goes_left[tree.positions >= 0] for tree in trees]
    idle = sum(int((sides.all(1) | ~sides.any(1)).sum()) for sides in inner)
    count = sum(map(len, inner))
    if not idle or (zeros is not None and idle < count):
        return
    if zeros is None:
        raise InputError(
            f"{idle:,} of its {count:,} splits send all letters the same way, as where a model was trained on a sparse "
            "matrix, whose absent entries were missing values: write zeros: missing into its source if this one was, "
            "or zeros: value if its zeros are numbers"
        )
    rather = "value" if zeros == "missing" else "missing"
    raise InputError(
        f"with zeros: {zeros} all of its {count:,} splits send all letters the same way; try zeros: {rather}"
    )
