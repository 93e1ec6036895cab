"""The weights of Keras layers, handed out once and accounted for: an array that no layer asks for is found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from ..settings.errors import InputError
from .keras_file import Stored

PASSED = ("seed_generator", "seed_generator_state")  # the state of what is random in training only


@dataclass
class Store:
    """All arrays of a file.

    Attributes:
        stored: the file's content.
        device, dtype: where and as what the arrays are needed.
        read: the paths of those that were handed out.
    """

    stored: Stored
    device: torch.device
    dtype: torch.dtype
    read: set[str] = field(default_factory=set)

    def tensor(self, path: str) -> torch.Tensor:
        """Hand an array out, (...) as it is in the file."""
        self.read.add(path)
        return torch.from_numpy(self.stored.arrays[path]).to(self.device, self.dtype)

    def check_all_read(self) -> None:
        """See that every array was handed out: else the network would not be the one that was saved.

        Raises:
            InputError: an array was not.
        """
        rest = [p for p in self.stored.arrays if p not in self.read and not set(PASSED) & set(p.split("/"))]
        if rest:
            more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
            raise InputError(f"its array {rest[0]}{more} belongs to no layer that is read")


@dataclass
class Weights:
    """The weights of one layer, or of a model inside a model.

    Attributes:
        store: of all.
        prefix: in an archive, the path of the layer; its arrays are numbered in the order in which Keras makes them.
        paths: in HDF5, the paths of its arrays, whose last parts are their names; None in an archive.
        taken: how many were handed out.
    """

    store: Store
    prefix: str = ""
    paths: Sequence[str] | None = None
    taken: int = 0

    def take(self, name: str, shape: Sequence[int | None] | None = None) -> torch.Tensor:
        """Hand an array out, (...) as it is in the file.

        Args:
            name: such as `kernel`. Arrays must be asked for in Keras's own order.
            shape: what it must be, with None for any size; None for any shape.

        Raises:
            InputError: there is none, or it is of another shape.
        """
        if self.paths is None:
            path = f"{self.prefix}/vars/{self.taken}"
            paths = [path] if path in self.store.stored.arrays else []
        else:
            paths = [path for path in self.paths if path.rsplit("/", 1)[-1].partition(":")[0] == name]
        if len(paths) != 1:
            raise InputError(f"has {'no' if not paths else 'more than one'} array {name!r} in the file")
        self.taken += 1
        tensor = self.store.tensor(paths[0])
        if shape is None:
            return tensor
        if tensor.ndim != len(shape) or any(s not in (None, n) for s, n in zip(shape, tensor.shape, strict=True)):
            wanted = ", ".join("any" if size is None else str(size) for size in shape)
            raise InputError(f"has the array {name!r} of shape {tuple(tensor.shape)}, and ({wanted}) is needed")
        return tensor

    def inside(self, attribute: str) -> "Weights":
        """Return the weights of a layer that is an attribute of this one."""
        return replace(self, prefix=f"{self.prefix}/{attribute}", taken=0)

    def of_layers(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, "Weights"]:
        """Return the weights of each layer of a model, by the layers' names.

        Args:
            entries: the layers' configurations, in the model's order, operators left out.

        Raises:
            InputError: the file's names contradict the configuration.
        """
        if self.paths is not None:
            return {entry["name"]: replace(self, paths=self._paths_of(entry)) for entry in entries}
        if self.store.stored.names is not None:
            return {e["name"]: replace(self, paths=self.store.stored.names.get(e["name"], [])) for e in entries}
        counts: dict[str, int] = {}
        weights = {}
        for entry in entries:
            kind = _snake_case(entry["class_name"])
            number = counts[kind] = counts.get(kind, -1) + 1
            path = f"{self.prefix}/layers/{kind}{f'_{number}' if number else ''}".removeprefix("/")
            label = self.store.stored.labels.get(path, entry["name"])
            if label != entry["name"]:
                raise InputError(f"its weights at {path} are those of {label!r}, and {entry['name']!r} was expected")
            weights[entry["name"]] = replace(self, prefix=path, taken=0)
        return weights

    def _paths_of(self, entry: Mapping[str, Any]) -> list[str]:
        """In HDF5 a model inside a model has one list of arrays: those whose last part but one names the layer."""
        names = _leaf_names(entry)
        return [path for path in self.paths or () if path.split("/")[-2] in names]


def _leaf_names(entry: Mapping[str, Any]) -> set[str]:
    """The names of a layer, or of all layers inside it."""
    config = entry["config"]
    inner = config.get("layers", []) if isinstance(config, Mapping) else config
    names = [name for part in inner for name in _leaf_names(part)]
    activation = config.get("activation") if isinstance(config, Mapping) else None
    if isinstance(activation, Mapping) and isinstance(activation.get("config"), Mapping):
        names.append(activation["config"].get("name"))
    return {*names, entry.get("name") or config["name"]}


def _snake_case(name: str) -> str:
    """How Keras makes a path of a class's name."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
