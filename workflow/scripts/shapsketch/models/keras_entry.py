"""An entry of a Keras configuration: a layer's settings and arrays, and which of them its builder has read.

Any setting that is there and not read refuses the layer, and so does any array.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F

from ..settings.errors import InputError
from .keras_weights import Weights

Function = Callable[[torch.Tensor], torch.Tensor]
Layer = Callable[[Any], torch.Tensor]

# settings of every layer that say how it was named, made and trained, not what it computes
HARMLESS = {
    "name", "trainable", "batch_input_shape", "batch_shape", "build_input_shape", "input_shape", "input_dim",
    "input_length", "activity_regularizer", "shared_object_id",
}  # fmt: skip
HARMLESS_ENDS = ("_initializer", "_regularizer", "_constraint")
FLOATS = {"float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16"}

ACTIVATIONS: dict[str, Function] = {
    "linear": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "gelu": F.gelu,
    "silu": F.silu,
    "swish": F.silu,
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": F.logsigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exponential": torch.exp,
}


@dataclass
class Entry:
    """A layer of a configuration.

    Attributes:
        kind: its class.
        config: its settings.
        weights: its arrays.
        read: the settings that were read.
    """

    kind: str
    config: Mapping[str, Any]
    weights: Weights
    read: set[str] = field(default_factory=set)

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a setting; the default where the file has none."""
        self.read.add(key)
        return self.config.get(key, default)

    def needs(self, key: str, *values: Any) -> None:
        """Check that a setting has one of some values; where the file has none, it has Keras's default.

        Raises:
            InputError: it has another.
        """
        value = self.setting(key, values[0])
        if value not in values:
            raise InputError(f"has {key} {value}, and only {' or '.join(map(str, values))} is read")

    def passes(self, *keys: str) -> None:
        """Note settings that do not matter when a model is asked."""
        self.read.update(keys)

    def single(self, key: str, default: Any = None) -> int:
        """Return a setting that is one whole number, or a list of one.

        Raises:
            InputError: it is another number of them, or none.
        """
        value = self.setting(key, default)
        value = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
        if not isinstance(value, int):
            raise InputError(f"has {key} {value}, and one whole number is needed")
        return value

    def check(self) -> None:
        """See that nothing was passed over.

        Raises:
            InputError: a setting that may matter was not read, or the layer computes in other than floats.
        """
        policy = self.config.get("dtype")
        if isinstance(policy, Mapping):
            policy = (
                policy.get("config", {}).get("name") if policy.get("class_name") in ("DTypePolicy", "Policy") else 0
            )
        if policy is not None and policy not in FLOATS:
            raise InputError(f"has the dtype {self.config['dtype']}, and only floating-point numbers are read")
        for key in sorted(set(self.config) - self.read - HARMLESS - {"dtype"}):
            if self.config[key] is not None and not key.endswith(HARMLESS_ENDS):
                raise InputError(f"has {key} {self.config[key]!r}, which is not read")


def is_own(entry: Mapping[str, Any]) -> bool:
    """Whether an object of a configuration is of Keras's own classes, as far as the file tells."""
    module = entry.get("module")
    return module is None or module.split(".")[0] in ("keras", "tf_keras") or module.startswith("tensorflow.")


def within(x: torch.Tensor, axis: Any) -> int:
    """Return an axis of a tensor, counted from the start.

    Raises:
        InputError: it is that of the batch, so that a prediction would depend on the others, or there is none.
    """
    if not isinstance(axis, int) or not -x.ndim < axis < x.ndim or axis == 0:
        raise InputError(f"works along the axis {axis} of {x.ndim}, the first of which is the batch")
    return axis % x.ndim
