"""The Keras layers that published sequence models are made of, as functions of tensors.

`LAYERS` maps a Keras class to `build(config, weights) -> Layer`; a layer takes the list of its inputs. Tensors are
laid out as in Keras: (B, n, channels). Only what inference needs is here: dropout and noise pass through.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F

from ..errors import InputError

Config = Mapping[str, Any]
Weights = Mapping[str, torch.Tensor]
Layer = Callable[[Sequence[torch.Tensor]], torch.Tensor]

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "linear": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "swish": F.silu,
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "exponential": torch.exp,
}


def activation(config: Config) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the function that a layer's `activation` names."""
    name = config.get("activation", "linear")
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise InputError(
            f"the activation {name!r} of its layer {config['name']!r} is not one of {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]


def _one(function: Callable[[torch.Tensor], torch.Tensor]) -> Layer:
    return lambda inputs: function(inputs[0])


def _single(value: Any) -> int:
    return int(value[0]) if isinstance(value, (list, tuple)) else int(value)


def _channels_last(config: Config) -> None:
    if config.get("data_format", "channels_last") not in ("channels_last", None):
        raise InputError(f"its layer {config['name']!r} has data_format channels_first; only channels_last is read")


def _padding(config: Config, length: int, width: int, stride: int) -> tuple[int, int]:
    """TensorFlow's padding of a window of `width` letters: (left, right)."""
    match config.get("padding", "valid"):
        case "same":
            total = max((-(-length // stride) - 1) * stride + width - length, 0)
            return total // 2, total - total // 2
        case "causal":
            return width - 1, 0
    return 0, 0


def convolution(config: Config, weights: Weights) -> Layer:
    """Conv1D; its kernel is (width, in / groups, out)."""
    _channels_last(config)
    kernel, bias = weights["kernel"].permute(2, 1, 0).contiguous(), weights.get("bias")
    stride, dilation = _single(config.get("strides", 1)), _single(config.get("dilation_rate", 1))
    width, act = (kernel.shape[2] - 1) * dilation + 1, activation(config)

    def apply(x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x.transpose(1, 2), _padding(config, x.shape[1], width, stride))
        y = F.conv1d(padded, kernel, bias, stride, 0, dilation, config.get("groups", 1))
        return act(y.transpose(1, 2))

    return _one(apply)


def dense(config: Config, weights: Weights) -> Layer:
    """Dense, on the last axis."""
    kernel, bias, act = weights["kernel"].T.contiguous(), weights.get("bias"), activation(config)
    return _one(lambda x: act(F.linear(x, kernel, bias)))


def max_pooling(config: Config, weights: Weights) -> Layer:
    """MaxPooling1D."""
    _channels_last(config)
    width = _single(config["pool_size"])
    stride = _single(config.get("strides") or width)

    def apply(x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x.transpose(1, 2), _padding(config, x.shape[1], width, stride), value=-torch.inf)
        return F.max_pool1d(padded, width, stride).transpose(1, 2)

    return _one(apply)


def average_pooling(config: Config, weights: Weights) -> Layer:
    """AveragePooling1D; padding does not count."""
    _channels_last(config)
    width = _single(config["pool_size"])
    stride = _single(config.get("strides") or width)

    def apply(x: torch.Tensor) -> torch.Tensor:
        sides = _padding(config, x.shape[1], width, stride)
        sums = F.avg_pool1d(F.pad(x.transpose(1, 2), sides), width, stride)
        counts = F.avg_pool1d(F.pad(torch.ones_like(x[:1, :, :1]).transpose(1, 2), sides), width, stride)
        return (sums / counts).transpose(1, 2)

    return _one(apply)


def batch_normalization(config: Config, weights: Weights) -> Layer:
    """BatchNormalization with the moving statistics, on the last axis."""
    axis = config.get("axis", -1)
    variance = weights["moving_variance"]
    scale = weights.get("gamma", torch.ones_like(variance)) / torch.sqrt(variance + config.get("epsilon", 1e-3))
    shift = weights.get("beta", torch.zeros_like(variance)) - weights["moving_mean"] * scale

    def apply(x: torch.Tensor) -> torch.Tensor:
        if _single(axis) not in (-1, x.ndim - 1):
            raise InputError(f"its layer {config['name']!r} normalises axis {axis}; only the last axis is read")
        return x * scale + shift

    return _one(apply)


def parametric_relu(config: Config, weights: Weights) -> Layer:
    """PReLU."""
    alpha = weights["alpha"]
    return _one(lambda x: torch.where(x > 0, x, alpha * x))


def relu(config: Config, weights: Weights) -> Layer:
    """ReLU with an optional slope, threshold and maximum."""
    slope, threshold = config.get("negative_slope") or 0.0, config.get("threshold") or 0.0
    most = torch.inf if config.get("max_value") is None else config["max_value"]
    return _one(lambda x: torch.where(x >= threshold, x, slope * (x - threshold)).clamp(max=most))


def concatenate(config: Config, weights: Weights) -> Layer:
    """Concatenate."""
    return lambda inputs: torch.cat(list(inputs), config.get("axis", -1))


def _global(function: Callable[..., torch.Tensor]) -> Callable[[Config, Weights], Layer]:
    def build(config: Config, weights: Weights) -> Layer:
        _channels_last(config)
        return _one(lambda x: function(x, 1, keepdim=config.get("keepdims", False)))

    return build


def _merge(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Config, Weights], Layer]:
    return lambda config, weights: lambda inputs: reduce(function, inputs)


def _ends(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def zero_padding(config: Config, weights: Weights) -> Layer:
    """ZeroPadding1D."""
    left, right = _ends(config["padding"])
    return _one(lambda x: F.pad(x, (0, 0, left, right)))


def cropping(config: Config, weights: Weights) -> Layer:
    """Cropping1D."""
    left, right = _ends(config["cropping"])
    return _one(lambda x: x[:, left : x.shape[1] - right])


def _identity(config: Config, weights: Weights) -> Layer:
    return _one(lambda x: x)


LAYERS: dict[str, Callable[[Config, Weights], Layer]] = {
    **dict.fromkeys(
        ("Dropout", "SpatialDropout1D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization"),
        _identity,
    ),
    "Conv1D": convolution,
    "Dense": dense,
    "MaxPooling1D": max_pooling,
    "AveragePooling1D": average_pooling,
    "GlobalMaxPooling1D": _global(torch.amax),
    "GlobalAveragePooling1D": _global(torch.mean),
    "BatchNormalization": batch_normalization,
    "Flatten": lambda config, weights: _one(lambda x: x.flatten(1)),
    "Reshape": lambda config, weights: _one(lambda x: x.reshape(len(x), *config["target_shape"])),
    "Permute": lambda config, weights: _one(lambda x: x.permute(0, *config["dims"])),
    "ZeroPadding1D": zero_padding,
    "Cropping1D": cropping,
    "Activation": lambda config, weights: _one(activation(config)),
    "ReLU": relu,
    "LeakyReLU": lambda config, weights: _one(
        lambda x: F.leaky_relu(x, config.get("negative_slope", config.get("alpha", 0.3)))
    ),
    "PReLU": parametric_relu,
    "ELU": lambda config, weights: _one(lambda x: F.elu(x, config.get("alpha", 1.0))),
    "Softmax": lambda config, weights: _one(lambda x: torch.softmax(x, _single(config.get("axis", -1)))),
    "Concatenate": concatenate,
    "Add": _merge(torch.add),
    "Subtract": _merge(torch.sub),
    "Multiply": _merge(torch.mul),
    "Maximum": _merge(torch.maximum),
    "Minimum": _merge(torch.minimum),
    "Average": lambda config, weights: lambda inputs: sum(inputs[1:], inputs[0]) / len(inputs),
}
