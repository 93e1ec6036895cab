"""Conversions of published checkpoints into files that the model kinds read.

A recipe takes the downloaded files and returns plain arrays by name. Only the files' bytes are read: neither
TensorFlow nor XGBoost is needed, and no pickle runs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from ...settings.errors import InputError
from ...storage.files import atomic_path, save_npz
from .tensorflow_checkpoint import read_checkpoint
from .xgboost_pickle import read_pickled_booster

Arrays = dict[str, np.ndarray]


def _ending(paths: Sequence[str], ending: str) -> str:
    return next(path for path in paths if path.endswith(ending))


def deepspcas9(paths: Sequence[str]) -> Arrays:
    """DeepSpCas9 (Kim et al. 2019) from its TensorFlow 1 checkpoint."""
    names = {f"conv{k}_{letter}": f"conv{2 * k + 1}" for k in (1, 2, 3) for letter in "Wb"}
    names |= {f"{letter}_{layer}": layer.replace("fcl", "fc") for layer in ("fcl1", "fcl2", "out") for letter in "WB"}
    arrays = {}
    for name, array in read_checkpoint(_ending(paths, ".index")).items():
        short = name.rpartition("/")[2]
        if short in names:
            part = "kernel" if "W" in short else "bias"
            arrays[f"{names[short]}_{part}"] = array[0] if array.ndim == 4 else array  # (1, width, in, out)
    return arrays


def nn4dms_cnn(paths: Sequence[str]) -> Arrays:
    """A convolutional network of nn4dms (Gelman et al. 2021) from its checkpoint, with the AAindex components."""
    stored = read_checkpoint(_ending(paths, ".index"))
    layers = sorted((n.removesuffix("/kernel") for n in stored if n.endswith("/kernel")), key=lambda n: (len(n), n))
    convolutions = [layer for layer in layers if stored[f"{layer}/kernel"].ndim == 4]
    names = {layer: f"conv{k}" for k, layer in enumerate(convolutions, 1)}
    for layer in set(layers) - set(names):
        names[layer] = "output" if stored[f"{layer}/kernel"].shape[1] == 1 else "dense1"
    if len(set(names.values())) < len(names):
        raise ValueError("it has more than one hidden dense layer")
    arrays = {f"{new}_{part}": stored[f"{old}/{part}"] for old, new in names.items() for part in ("kernel", "bias")}
    features = np.load(_ending(paths, ".npy"), allow_pickle=False)
    return arrays | {"aa_index_features": features.astype(np.float32)}


def sprout(paths: Sequence[str]) -> Arrays:
    """SPROUT (Leenay et al. 2019) from its pickled XGBoost regressors, one file per output."""
    parts = [read_pickled_booster(path) for path in paths]
    trees = np.cumsum([0, *(part["tree"].max() + 1 for part in parts)])
    for output, part in enumerate(parts):
        part["tree"] = part["tree"] + trees[output]
        part["output"] = np.full(len(part["tree"]), output)
    return {name: np.concatenate([np.atleast_1d(part[name]) for part in parts]) for name in parts[0]}


RECIPES: dict[str, Callable[[Sequence[str]], Arrays]] = {
    "deepspcas9": deepspcas9,
    "nn4dms_cnn": nn4dms_cnn,
    "sprout": sprout,
}


def convert(recipe: str, paths: Sequence[str], target: str | Path) -> None:
    """Convert downloaded files and write the result, whole or not at all.

    Args:
        recipe: one of `RECIPES`.
        paths: the downloaded files.
        target: `.safetensors` or `.npz`.

    Raises:
        InputError: a file is not what the recipe expects.
    """
    try:
        arrays = RECIPES[recipe](paths)
    except (KeyError, ValueError, IndexError, StopIteration) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{', '.join(paths)} cannot be converted by the recipe {recipe}: {error}.") from error
    if Path(target).suffix == ".npz":
        save_npz(target, arrays)
    else:
        with atomic_path(target) as temporary:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
