"""Keras models in HDF5 files, rebuilt from the configuration that the file holds.

Source keys: `path` of a whole model saved by `model.save("m.h5")`; `layout` (usually `channels_last`) and
`dtype` of its input (see `onehot`); `device`. Neither Keras nor TensorFlow is needed, and nothing in the
file is run: a `Lambda` layer is refused like any other that is not in `LAYERS`. A model with several output
layers names its outputs after them.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import torch

from ..errors import InputError
from ..template import Template
from . import Predictor
from .keras_file import declared_input_shape as declared_input_shape
from .keras_layers import LAYERS, Layer
from .onehot import onehot_encoder
from .torch_model import find_device

Node = tuple[str, int]  # a layer and which of its calls


class Network(NamedTuple):
    """A graph of layers.

    Attributes:
        layers: by name; inputs have none.
        inputs: the nodes that each node reads.
        first: the node that takes the sequences.
        last: the output nodes.
    """

    layers: dict[str, Layer]
    inputs: dict[Node, list[Node]]
    first: Node
    last: list[Node]

    def __call__(self, x: torch.Tensor) -> Any:
        """Return one tensor, or tensors by the names of the output layers."""
        values = {self.first: x}
        results = [self._value(node, values) for node in self.last]
        return results[0] if len(results) == 1 else dict(zip((n for n, _ in self.last), results, strict=True))

    def _value(self, node: Node, values: dict[Node, torch.Tensor]) -> torch.Tensor:
        todo = [node]
        while todo:
            missing = [before for before in self.inputs.get(todo[-1], []) if before not in values]
            if missing and todo[-1] not in values:
                todo += missing
                continue
            current = todo.pop()
            if current not in values:
                values[current] = self.layers[current[0]]([values[before] for before in self.inputs[current]])
        return values[node]


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Rebuild the network on its device."""
    torch.set_num_threads(1)
    device, dtype = find_device(source.get("device", "cpu")), getattr(torch, source.get("dtype", "float32"))
    network = read_network(source["path"], device, dtype)
    encode = onehot_encoder(source, template)

    def predict(codes: np.ndarray) -> Any:
        with torch.inference_mode():
            result = network(torch.from_numpy(encode(codes)).to(device))
        if isinstance(result, dict):
            return {name: part.double().cpu().numpy() for name, part in result.items()}
        return result.double().cpu().numpy()

    return predict


def read_network(path: str, device: torch.device, dtype: torch.dtype) -> Network:
    """Read the graph and the weights of a Keras HDF5 file.

    Raises:
        InputError: the file is missing or is not a whole model, or a layer is not one that is read.
    """
    if not Path(path).is_file():
        raise InputError(f"The model file {path} does not exist.")
    try:
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise InputError(f"{path} has no model configuration; save the whole model with model.save('m.h5').")
            config = json.loads(file.attrs["model_config"])
            weights = _read_weights(file["model_weights"], device, dtype)
    except (OSError, KeyError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not a Keras model in HDF5 ({error}).") from error
    try:
        return _network(config, weights)
    except InputError as error:
        raise InputError(f"{path} cannot be rebuilt: {error}.") from None
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"{path} cannot be rebuilt: its configuration or weights lack {error}.") from error


def _network(config: Mapping[str, Any], weights: Mapping[str, dict[str, torch.Tensor]]) -> Network:
    body, kind = config["config"], config["class_name"]
    entries = body if isinstance(body, list) else body["layers"]
    for entry in entries:
        entry["name"] = entry.get("name") or entry["config"]["name"]
    inputs: dict[Node, list[Node]] = {}
    if kind == "Sequential":
        entries = [e for e in entries if e["class_name"] != "InputLayer"]
        nodes = [("", 0), *((e["name"], 0) for e in entries)]
        inputs = {node: [before] for before, node in pairwise(nodes)}
        first, last = nodes[0], [nodes[-1]]
    elif kind in ("Functional", "Model"):
        for entry in entries:
            for number, call in enumerate(entry["inbound_nodes"]):
                inputs[entry["name"], number] = _histories(call)
        starts, last = _histories(body["input_layers"]), _histories(body["output_layers"])
        if len(starts) != 1:
            raise InputError(f"it takes {len(starts)} inputs, and one is needed")
        first = starts[0]
        entries = [e for e in entries if e["class_name"] != "InputLayer"]
    else:
        raise InputError(f"it is a {kind}, neither Sequential nor Functional")
    return Network({e["name"]: _layer(e, weights) for e in entries}, inputs, first, last)


def _layer(entry: Mapping[str, Any], weights: Mapping[str, dict[str, torch.Tensor]]) -> Layer:
    kind = entry["class_name"]
    if kind not in LAYERS:
        raise InputError(
            f"its layer {entry['name']!r} is a {kind}, and only {', '.join(LAYERS)} are read; export the model to ONNX"
        )
    return LAYERS[kind]({**entry["config"], "name": entry["name"]}, weights.get(entry["name"], {}))


def _histories(value: Any) -> list[Node]:
    """The nodes in a list of them, as Keras 2 ([name, node, tensor, ...]) and Keras 3 (keras_history) write it."""
    if isinstance(value, Mapping):
        if "keras_history" in value:
            return [(value["keras_history"][0], value["keras_history"][1])]
        return [node for part in value.values() for node in _histories(part)]
    if not isinstance(value, list):
        return []
    if len(value) > 2 and isinstance(value[0], str) and isinstance(value[1], int):
        return [(value[0], value[1])]
    return [node for part in value for node in _histories(part)]


def _read_weights(group: h5py.Group, device: torch.device, dtype: torch.dtype) -> dict[str, dict[str, torch.Tensor]]:
    """The weights of each layer under their short names: kernel, bias, ..."""
    weights = {}
    for layer in _names(group, "layer_names"):
        weights[layer] = {
            name.rsplit("/", 1)[-1].partition(":")[0]: torch.from_numpy(np.array(group[layer][name])).to(device, dtype)
            for name in _names(group[layer], "weight_names")
        }
    return weights


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras divides over several attributes where it is long."""
    keys = sorted((k for k in group.attrs if k.startswith(attribute)), key=lambda k: (len(k), k))
    names = [name for key in keys for name in group.attrs[key]]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
