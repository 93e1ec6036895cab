"""Keras models in HDF5 files and `.keras` archives, rebuilt from the configuration that the file holds.

Source keys: `path` of a whole model saved by `model.save`, or of weights with their architecture beside them, `config`,
as `to_json` writes it; `layout` (usually `channels_last`) and `dtype` of its input
(see `onehot`); `device`. Neither Keras nor TensorFlow is needed, and nothing in the file is run: a `Lambda` layer is
refused like any other that is not in `LAYERS`. What is read is read whole: a layer's setting, an argument of a call or
an array that would be left out refuses the file. A model with several output layers names its outputs after them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from ..sequences.template import Template
from ..settings.errors import InputError
from . import Predictor
from .keras_entry import Entry, is_own
from .keras_file import declared_input_shape as declared_input_shape
from .keras_file import read_stored
from .keras_graph import Call, Network, Ref, ordered, refs_in, values_of
from .keras_layers import LAYERS, build
from .keras_merging import MERGING
from .keras_operators import OPERATORS, build_operator, positional
from .keras_weights import Store, Weights
from .onehot import onehot_encoder
from .torch_model import find_device

NESTED = ("Sequential", "Functional", "Model")
UNCONDITIONAL = {"training": (None, False, 0), "mask": (None,)}  # arguments that say nothing when a model is asked
Config = Mapping[str, Any]


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Rebuild the network on its device, and ask it once.

    Raises:
        InputError: the file is not a whole Keras model, or holds what is not read, or takes another input.
    """
    torch.set_num_threads(1)
    path = source["path"]
    device, dtype = find_device(source.get("device", "cpu")), getattr(torch, source.get("dtype", "float32"))
    network = read_network(path, device, dtype, source.get("config"))
    encode = onehot_encoder(source, template)

    def predict(codes: np.ndarray) -> Any:
        with torch.inference_mode():
            result = network(torch.from_numpy(encode(codes)).to(device))
        if isinstance(result, list):
            return {name: part.double().cpu().numpy() for name, part in zip(network.names, result, strict=True)}
        return result.double().cpu().numpy()

    _try(path, predict, template, source.get("config"))
    return predict


def _try(path: str, predict: Predictor, template: Template, architecture: str | None) -> None:
    """Ask for two sequences, so that what does not fit is told before any work."""
    codes = np.zeros((2, template.n), np.uint8)
    try:
        predict(codes)
    except InputError as error:
        raise InputError(f"{path} cannot be rebuilt: {error}.") from None
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        shape = declared_input_shape(path, architecture)
        wanted = f"; it declares inputs of shape {shape}" if shape else ""
        raise InputError(
            f"{path} does not take {template.n} positions of {template.alphabet.q} letters in this layout"
            f"{wanted} ({reason})."
        ) from error


def read_network(path: str, device: torch.device, dtype: torch.dtype, architecture: str | None = None) -> Network:
    """Read the graph and the weights of a Keras file; of weights alone, the graph from the file `architecture`.

    Raises:
        InputError: the file is missing or is not a whole model, or holds what is not read.
    """
    stored = read_stored(path, architecture)
    store = Store(stored, device, dtype)
    try:
        network = _network(stored.config, Weights(store))
        store.check_all_read()
    except InputError as error:
        raise InputError(f"{path} cannot be rebuilt: {error}.") from None
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} cannot be rebuilt: its configuration or weights lack {reason}.") from error
    return network


def _network(config: Config, weights: Weights) -> Network:
    body, kind = config["config"], config["class_name"]
    if kind not in NESTED or not is_own(config):
        raise InputError(f"it is a {kind}, neither Sequential nor Functional")
    entries = [{**e, "name": e.get("name") or e["config"]["name"]} for e in _layers(body)]
    layers = {e["name"]: e for e in entries}
    if len(layers) < len(entries):
        raise InputError("two of its layers have the same name")
    inbound: dict[tuple[str, int], tuple[list[Any], dict[str, Any]]]
    of_layers = weights.of_layers([e for e in entries if not is_operator(e)])
    if kind == "Sequential":
        entries = [e for e in entries if e["class_name"] != "InputLayer"]
        nodes = [Ref("", 0, 0), *(Ref(e["name"], 0, 0) for e in entries)]
        inbound = {(node.layer, 0): ([before], {}) for before, node in pairwise(nodes)}
        first, last, names = nodes[0], nodes[-1:], [nodes[-1].layer]
    else:
        calls = [(e, k, call) for e in entries for k, call in enumerate(e["inbound_nodes"]) if call]
        inbound = {(e["name"], k): _arguments(call, layers) for e, k, call in calls}
        starts = list(refs_in(values_of(body["input_layers"])))
        if len(starts) != 1:
            raise InputError(f"it takes {len(starts)} inputs, and one is needed")
        first = starts[0]
        last, names = _outputs(body["output_layers"], layers)
    functions = {e["name"]: _function(e, of_layers) for e in entries if e["class_name"] != "InputLayer"}
    calls_of = {
        (name, k): Call(name, functions[name], _checked(layers[name], *given)) for (name, k), given in inbound.items()
    }
    return Network(ordered(calls_of, first, last), first, last, names)


def _layers(body: Any) -> list[Config]:
    return body if isinstance(body, list) else body["layers"]


def is_operator(entry: Config) -> bool:
    """Whether an entry is an operator; where a layer's class has the same name, only the layer can be trained."""
    kind = entry["class_name"]
    is_layer = kind in LAYERS and ("trainable" in entry["config"] or str(entry.get("module")).endswith(".layers"))
    return kind in OPERATORS and not is_layer


def _function(entry: Config, weights: Mapping[str, Weights]) -> Callable[..., Any]:
    """What an entry computes of its arguments."""
    kind, name = entry["class_name"], entry["name"]
    try:
        if not is_own(entry):
            raise InputError(f"is of the class {kind} of {entry['module']}, which is not Keras's own")
        if kind in NESTED:
            return _network(entry, weights[name])
        if is_operator(entry):
            return build_operator(kind, values_of(entry["config"]))
        if kind not in LAYERS:
            raise InputError(
                f"is a {kind}, and only the layers and operators listed in config/README.md are read; export the model "
                "to ONNX"
            )
        return build(Entry(kind, values_of(entry["config"]), weights[name]))
    except InputError as error:
        raise InputError(f"its layer {name!r} {error}") from None


def _checked(entry: Config, arguments: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """The arguments of a call, which must be all that is read of its kind."""
    try:
        if is_operator(entry):
            return positional(entry["class_name"], arguments, named)
        rest = dict(named)
        values = [*arguments, *([rest.pop("inputs")] if "inputs" in rest else [])]
        for key, value in rest.items():
            if value not in UNCONDITIONAL.get(key, (None,)):
                raise InputError(f"is called with {key}={value}, which is not read")
        merges = entry["class_name"] in MERGING
        if merges and len(values) == 1 and isinstance(values[0], Ref):
            values = [values]
        fits = len(values) == 1 and all(isinstance(v, Ref) for v in (values[0] if merges else values))
        if not fits:
            raise InputError(f"is called with {values}, and {'tensors' if merges else 'one tensor'} can be read")
        return values
    except InputError as error:
        raise InputError(f"its layer {entry['name']!r} {error}") from None


def _arguments(call: Any, layers: Mapping[str, Config]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call in a configuration, without and with names."""
    if isinstance(call, Mapping):  # of Keras 3
        return values_of(call["args"]), values_of(call["kwargs"])
    parts = [call] if isinstance(call[0], str) else call  # of Keras 2: [[layer, call, part, named], ...]
    refs = [_shifted(Ref(*part[:3]), layers, NESTED) for part in parts]
    named = {key: value for part in parts if len(part) > 3 for key, value in values_of(part[3]).items()}
    return [refs[0] if len(refs) == 1 else refs], named


def _outputs(value: Any, layers: Mapping[str, Config]) -> tuple[list[Ref], list[str]]:
    """The output values and their names: their layers', or those that a dictionary of outputs gives them."""
    shifting = NESTED if _is_keras_2(layers) else ("Functional", "Model")
    value = values_of(value)
    last = [_shifted(ref, layers, shifting) for ref in refs_in(value)]
    names = list(value) if isinstance(value, Mapping) else [ref.layer for ref in last]
    if len(set(names)) < len(names) or len(names) != len(last):  # Keras numbers the outputs of one layer
        counts: dict[str, int] = {}
        names = []
        for ref in last:
            counts[ref.layer] = counts.get(ref.layer, -1) + 1
            names.append(ref.layer if not counts[ref.layer] else f"{ref.layer}_{counts[ref.layer]}")
    return last, names


def _is_keras_2(layers: Mapping[str, Config]) -> bool:
    return any(isinstance(call, list) for e in layers.values() for call in e["inbound_nodes"])


def _shifted(ref: Ref, layers: Mapping[str, Config], kinds: Sequence[str]) -> Ref:
    """Models inside a model count their own making as their first call, where it is written so."""
    inner = layers[ref.layer]["class_name"] in kinds and ref.call > 0
    return ref._replace(call=ref.call - 1) if inner else ref
