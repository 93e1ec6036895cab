"""The files in which Keras saves whole models: HDF5, and `.keras` archives (a zip of a configuration and HDF5 weights).

Only JSON and plain arrays are read: no pickle, no code, no link to another file.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from ..settings.errors import InputError

MAX_CONFIG_BYTES = 1 << 28  # bytes of a configuration
MAX_INFLATION = 1000  # times the size of the file, what it may hold when it is unpacked
HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK\x03\x04"
Config = Mapping[str, Any]


class Stored(NamedTuple):
    """A whole model as it lies in its file.

    Attributes:
        config: `class_name` and `config` of the model.
        arrays: the weights by their paths.
        names: of an HDF5 file, the paths of the weights of each layer, in Keras's order; None for an archive.
        labels: of an archive, the name of the layer at each path, where the file tells it.
    """

    config: Config
    arrays: dict[str, np.ndarray]
    names: dict[str, list[str]] | None
    labels: dict[str, str]


@dataclass(frozen=True)
class _Opened:
    """The parts of an open file: the configuration, and the group of the weights."""

    config: Config
    weights: h5py.Group
    is_archive: bool


def read_stored(path: str, architecture: str | None = None) -> Stored:
    """Read a model's configuration and its weights.

    Args:
        path: of the whole model; or of its weights alone, as `save_weights` writes them.
        architecture: of the model's configuration beside them, as `to_json` writes it; None: it is in the same file.

    Raises:
        InputError: the file is missing, damaged, or holds no whole model.
    """
    with _open(path, architecture) as opened:
        arrays = _arrays(opened.weights, Path(path).stat().st_size)
        if opened.is_archive:
            arrays = {name: array for name, array in arrays.items() if not name.startswith("optimizer/")}
            return Stored(opened.config, arrays, None, _labels(opened.weights))
        layers = _names(opened.weights, "layer_names")
        names = {n: [f"{n}/{w}" for w in _names(opened.weights[n], "weight_names")] for n in layers}
        return Stored(opened.config, arrays, names, {})


def read_config(path: str, architecture: str | None = None) -> Config:
    """Read a model's configuration alone; see `read_stored`."""
    with _open(path, architecture) as opened:
        return opened.config


def declared_input_shape(path: str, architecture: str | None = None) -> tuple[int | None, ...] | None:
    """Return the shape of a sequence that a Keras file declares; for the arguments see `read_stored`.

    Returns:
        The sizes of the axes after that of the batch, None for a free one; None where nothing, or more than one
        input, is declared.

    Raises:
        InputError: the file is missing, damaged, or holds no whole model.
    """
    config = read_config(path, architecture)
    body = config.get("config")
    layers = body if isinstance(body, list) else body.get("layers", []) if isinstance(body, Mapping) else []
    if config.get("class_name") == "Sequential":
        shapes = [_batch_shape(entry) for entry in layers[:1]]
        shapes.append(body.get("build_input_shape") if isinstance(body, Mapping) else None)
        shape = next((s for s in shapes if s), None)
    else:
        inputs = [_batch_shape(entry) for entry in layers if entry.get("class_name") == "InputLayer"]
        shape = inputs[0] if len(inputs) == 1 else None
    return None if not isinstance(shape, list) else tuple(None if size is None else int(size) for size in shape[1:])


def _batch_shape(entry: Config) -> Any:
    config = entry.get("config", {})
    return config.get("batch_shape") or config.get("batch_input_shape")


@contextmanager
def _open(path: str, architecture: str | None) -> Iterator[_Opened]:
    """Open either kind of file, told apart by its first bytes."""
    if Path(path).is_dir():
        raise InputError(
            f"{path} is a folder; a SavedModel is not read: load it in Keras and save it with model.save('m.keras')."
        )
    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    try:
        with open(path, "rb") as handle:
            head = handle.read(8)
        if head.startswith(ZIP):
            if architecture is not None:
                raise InputError(f"{path} holds a whole model, its architecture too; leave config: {architecture} out.")
            with zipfile.ZipFile(path) as archive:
                yield from _open_archive(path, archive)
        elif head == HDF5:
            with h5py.File(path, "r") as file:
                if architecture is None and "model_config" not in file.attrs:
                    raise InputError(
                        f"{path} has no model configuration: name the file that has it, as model.to_json() writes it, "
                        "by config: model.json, or save the whole model with model.save('m.keras')."
                    )
                config = _mapping(file.attrs["model_config"]) if architecture is None else _read_json(architecture)
                weights = file.get("model_weights", file)
                yield _Opened(config, weights, not any(key.startswith("layer_names") for key in weights.attrs))
        else:
            raise ValueError("its first bytes are neither those of HDF5 nor of a .keras archive")
    except InputError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} is not a Keras model in HDF5 or a .keras archive ({reason}).") from error


def _open_archive(path: str, archive: zipfile.ZipFile) -> Iterator[_Opened]:
    sizes = {member.filename: member.file_size for member in archive.infolist()}
    if "config.json" not in sizes or "model.weights.h5" not in sizes:
        raise InputError(f"{path} is a zip archive without config.json and model.weights.h5, so no .keras archive.")
    if sizes["config.json"] > MAX_CONFIG_BYTES or sum(sizes.values()) > MAX_INFLATION * Path(path).stat().st_size:
        raise InputError(f"{path} unpacks to {sum(sizes.values()):,} bytes, more than a Keras model can hold.")
    config = _mapping(archive.read("config.json"))
    with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
        yield _Opened(config, file, True)


def _read_json(path: str) -> Config:
    """The configuration of a model in a file of its own."""
    try:
        if Path(path).stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError(f"it has more than {MAX_CONFIG_BYTES:,} bytes")
        config = _mapping(Path(path).read_text("utf-8-sig"))
        if "class_name" not in config or "config" not in config:
            raise ValueError("it has no class_name and config")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no architecture of Keras, as model.to_json() writes it ({error}).") from None
    return config


def _mapping(text: str | bytes) -> Config:
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("its configuration is not a mapping")
    return content


def _arrays(group: h5py.Group, size: int) -> dict[str, np.ndarray]:
    """Every dataset of a group by its path. Links to other files are not followed, and so are missing."""
    datasets: dict[str, h5py.Dataset] = {}
    group.visititems(lambda name, item: datasets.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    total = sum(dataset.nbytes for dataset in datasets.values())
    if total > MAX_INFLATION * size:
        raise ValueError(f"its arrays are declared to hold {total:,} bytes, in a file of {size:,}")
    for name, dataset in datasets.items():
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"its array {name} lies in another file")
    return {name: _array(name, dataset) for name, dataset in datasets.items()}


def _labels(group: h5py.Group) -> dict[str, str]:
    labels: dict[str, str] = {}

    def note(path: str, item: Any) -> None:
        if path.endswith("/vars") and "name" in item.attrs:
            labels[path.removesuffix("/vars")] = str(item.attrs["name"])

    group.visititems(note)
    return labels


def _array(name: str, dataset: h5py.Dataset) -> np.ndarray:
    """A dataset as numbers; bfloat16, which HDF5 has no type for, as float32."""
    array = np.array(dataset)
    if array.dtype.kind == "V" and array.dtype.itemsize == 2:
        return (array.view("<u2").astype(np.uint32) << 16).view(np.float32)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"its array {name} holds {array.dtype}, and numbers are needed")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras divides over several attributes where it is long."""
    keys = sorted((k for k in group.attrs if k.startswith(attribute)), key=lambda k: (len(k), k))
    names = [name for key in keys for name in group.attrs[key]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
