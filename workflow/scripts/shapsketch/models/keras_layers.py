"""The Keras layers that published sequence models are made of, as functions of tensors.

`LAYERS` maps a Keras class to `build(entry) -> Layer`. Tensors are laid out as in Keras: (B, n, channels), or (B,
channels, n) where a layer's `data_format` is `channels_first`. Only what
inference needs is here: dropout and noise pass through.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

from ..settings.errors import InputError
from .keras_entry import ACTIVATIONS, Entry, Function, Layer, is_own, within
from .keras_merging import MERGING


def activation(entry: Entry) -> Function:
    """Return the function that a layer's `activation` names: of `ACTIVATIONS`, or a layer of its own.

    Raises:
        InputError: it is a function that is not read.
    """
    value = entry.setting("activation")
    if value is None:
        return ACTIVATIONS["linear"]
    if isinstance(value, str) and value in ACTIVATIONS:
        return ACTIVATIONS[value]
    if isinstance(value, Mapping) and value.get("class_name") in ACTIVATION_LAYERS and is_own(value):
        return build(Entry(value["class_name"], value["config"], entry.weights.inside("activation")))
    name = value.get("config", value) if isinstance(value, Mapping) else value
    name = name.get("name", value.get("class_name")) if isinstance(name, Mapping) else name
    raise InputError(f"has the activation {name!r}, which is not one of {', '.join(ACTIVATIONS)}")


def build(entry: Entry) -> Layer:
    """Make a layer of `LAYERS`.

    Raises:
        InputError: it has settings or weights that are not read. The sentence lacks its subject, the layer.
    """
    layer = LAYERS[entry.kind](entry)
    entry.check()
    return layer


def _padding(padding: str, length: int, width: int, stride: int) -> tuple[int, int]:
    """TensorFlow's padding of a window of `width` letters: (left, right)."""
    match padding:
        case "same":
            total = max((-(-length // stride) - 1) * stride + width - length, 0)
            return total // 2, total - total // 2
        case "causal":
            return width - 1, 0
    return 0, 0


def _oriented(make: Callable[[Entry], Layer]) -> Callable[[Entry], Layer]:
    """A layer whose positions come before its channels, for either order: of `channels_first`, the axes are swapped."""

    def make_either(entry: Entry) -> Layer:
        entry.needs("data_format", "channels_last", None, "channels_first")
        layer = make(entry)
        if entry.config.get("data_format") != "channels_first":
            return layer

        def swapped(x: torch.Tensor) -> torch.Tensor:
            answer = layer(x.transpose(1, 2))
            return answer.transpose(1, 2) if answer.ndim == x.ndim else answer

        return swapped

    return make_either


@_oriented
def convolution(entry: Entry) -> Layer:
    """Conv1D; its kernel is (width, in / groups, out)."""
    entry.needs("padding", "valid", "same", "causal")
    padding, groups, filters = entry.config.get("padding", "valid"), entry.setting("groups", 1), entry.single("filters")
    kernel = entry.weights.take("kernel", (entry.single("kernel_size"), None, filters)).permute(2, 1, 0).contiguous()
    bias = entry.weights.take("bias", (filters,)) if entry.setting("use_bias", True) else None
    stride, dilation, act = entry.single("strides", 1), entry.single("dilation_rate", 1), activation(entry)
    width = (kernel.shape[2] - 1) * dilation + 1

    def apply(x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x.transpose(1, 2), _padding(padding, x.shape[1], width, stride))
        return act(F.conv1d(padded, kernel, bias, stride, 0, dilation, groups).transpose(1, 2))

    return apply


def dense(entry: Entry) -> Layer:
    """Dense, on the last axis."""
    units = entry.single("units")
    kernel = entry.weights.take("kernel", (None, units)).T.contiguous()
    bias = entry.weights.take("bias", (units,)) if entry.setting("use_bias", True) else None
    act = activation(entry)
    return lambda x: act(F.linear(x, kernel, bias))


def _window(entry: Entry) -> tuple[int, int, str]:
    """The width, stride and padding of a pooling layer."""
    entry.needs("padding", "valid", "same")
    width = entry.single("pool_size")
    stride = width if entry.setting("strides") is None else entry.single("strides")
    return width, stride, entry.config.get("padding", "valid")


@_oriented
def max_pooling(entry: Entry) -> Layer:
    """MaxPooling1D."""
    width, stride, padding = _window(entry)

    def apply(x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x.transpose(1, 2), _padding(padding, x.shape[1], width, stride), value=-torch.inf)
        return F.max_pool1d(padded, width, stride).transpose(1, 2)

    return apply


@_oriented
def average_pooling(entry: Entry) -> Layer:
    """AveragePooling1D; padding does not count."""
    width, stride, padding = _window(entry)

    def apply(x: torch.Tensor) -> torch.Tensor:
        sides = _padding(padding, x.shape[1], width, stride)
        sums = F.avg_pool1d(F.pad(x.transpose(1, 2), sides), width, stride)
        counts = F.avg_pool1d(F.pad(torch.ones_like(x[:1, :, :1]).transpose(1, 2), sides), width, stride)
        return (sums / counts).transpose(1, 2)

    return apply


def _global(function: Callable[..., torch.Tensor]) -> Callable[[Entry], Layer]:
    @_oriented
    def make(entry: Entry) -> Layer:
        keepdims = entry.setting("keepdims", False)
        return lambda x: function(x, 1, keepdim=keepdims)

    return make


def batch_normalization(entry: Entry) -> Layer:
    """BatchNormalization with the moving statistics, on any axis but the batch's."""
    entry.passes("momentum", "synchronized", "renorm_clipping", "renorm_momentum")
    entry.needs("renorm", False)
    axis, epsilon = entry.single("axis", -1), entry.setting("epsilon", 1e-3)
    gamma = entry.weights.take("gamma", (None,)) if entry.setting("scale", True) else 1.0
    beta = entry.weights.take("beta", (None,)) if entry.setting("center", True) else 0.0
    mean, variance = (entry.weights.take(name, (None,)) for name in ("moving_mean", "moving_variance"))
    scale = gamma / torch.sqrt(variance + epsilon)
    shift = beta - mean * scale

    def apply(x: torch.Tensor) -> torch.Tensor:
        last = x.movedim(within(x, axis), -1)
        _check_channels(last, scale, shift)
        return (last * scale + shift).movedim(-1, within(x, axis))

    return apply


def layer_normalization(entry: Entry) -> Layer:
    """LayerNormalization, on the last axis.

    Raises:
        InputError: it works along another axis.
    """
    entry.needs("rms_scaling", False)
    axis, epsilon = entry.single("axis", -1), entry.setting("epsilon", 1e-3)
    gamma = entry.weights.take("gamma", (None,)) if entry.setting("scale", True) else None
    beta = entry.weights.take("beta", (None,)) if entry.setting("center", True) else None

    def apply(x: torch.Tensor) -> torch.Tensor:
        if axis not in (-1, x.ndim - 1):
            raise InputError(f"normalises axis {axis}, and only the last axis is read")
        return F.layer_norm(x, x.shape[-1:], gamma, beta, epsilon)

    return apply


def _check_channels(x: torch.Tensor, *weights: torch.Tensor) -> None:
    """Weights of one channel would fit any number of them."""
    if any(weight.shape != x.shape[-1:] for weight in weights):
        raise InputError(f"has weights for {weights[0].shape[-1]} channels, and its input has {x.shape[-1]}")


def parametric_relu(entry: Entry) -> Layer:
    """PReLU; its slopes have 1 for an axis that shares them.

    Raises:
        InputError: its slopes do not fit its input.
    """
    shared = entry.setting("shared_axes") or []
    alpha = entry.weights.take("alpha")

    def apply(x: torch.Tensor) -> torch.Tensor:
        wanted = [1 if axis in shared else size for axis, size in enumerate(x.shape)][1:]
        if list(alpha.shape) != wanted:
            raise InputError(f"has slopes of shape {tuple(alpha.shape)}, and {tuple(wanted)} is needed")
        return torch.where(x > 0, x, alpha * x)

    return apply


def relu(entry: Entry) -> Layer:
    """ReLU with an optional slope, threshold and maximum, as Keras computes it."""
    slope, threshold = entry.setting("negative_slope") or 0.0, entry.setting("threshold") or 0.0
    most = entry.setting("max_value")

    def apply(x: torch.Tensor) -> torch.Tensor:
        kept = torch.where(x > threshold, x, 0.0)
        if most is not None:
            kept = kept.clamp(0.0, most)
        return kept - slope * F.relu(threshold - x) if slope else kept

    return apply


def leaky_relu(entry: Entry) -> Layer:
    """LeakyReLU; Keras 2 calls its slope alpha."""
    slope = entry.setting("alpha", 0.3)
    slope = entry.setting("negative_slope", slope)
    return lambda x: F.leaky_relu(x, slope)


def elu(entry: Entry) -> Layer:
    """ELU."""
    alpha = entry.setting("alpha", 1.0)
    return lambda x: F.elu(x, alpha)


def softmax(entry: Entry) -> Layer:
    """Softmax along one axis, which is not that of the batch."""
    axis = entry.single("axis", -1)
    return lambda x: torch.softmax(x, within(x, axis))


def _ends(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


@_oriented
def zero_padding(entry: Entry) -> Layer:
    """ZeroPadding1D."""
    left, right = _ends(entry.setting("padding", 1))
    return lambda x: F.pad(x, (0, 0, left, right))


def cropping(entry: Entry) -> Layer:
    """Cropping1D."""
    left, right = _ends(entry.setting("cropping", 1))
    return lambda x: x[:, left : x.shape[1] - right]


def flatten(entry: Entry) -> Layer:
    """Flatten; what has its channels first is turned before."""
    entry.needs("data_format", "channels_last", None, "channels_first")
    turned = entry.config.get("data_format") == "channels_first"
    return lambda x: (x.movedim(1, -1) if turned else x).reshape(len(x), -1)


def reshape(entry: Entry) -> Layer:
    """Reshape, of all axes but that of the batch."""
    shape = tuple(entry.setting("target_shape"))
    return lambda x: x.reshape(len(x), *shape)


def permute(entry: Entry) -> Layer:
    """Permute, of all axes but that of the batch, which are counted from 1."""
    dims = tuple(entry.setting("dims"))
    return lambda x: x.permute(0, *dims)


def up_sampling(entry: Entry) -> Layer:
    """UpSampling1D."""
    size = entry.single("size", 2)
    return lambda x: x.repeat_interleave(size, 1)


def repeat_vector(entry: Entry) -> Layer:
    """RepeatVector."""
    times = entry.single("n")
    return lambda x: x[:, None].expand(-1, times, -1)


def _passing(*keys: str) -> Callable[[Entry], Layer]:
    """A layer that does nothing when a model is asked, and its settings."""

    def make(entry: Entry) -> Layer:
        entry.passes(*keys)
        return lambda x: x

    return make


ACTIVATION_LAYERS: dict[str, Callable[[Entry], Layer]] = {
    "Activation": activation,
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "PReLU": parametric_relu,
    "ELU": elu,
    "Softmax": softmax,
}
LAYERS: dict[str, Callable[[Entry], Layer]] = {
    "Dropout": _passing("rate", "seed", "noise_shape"),
    "SpatialDropout1D": _passing("rate", "seed", "noise_shape"),
    "AlphaDropout": _passing("rate", "seed", "noise_shape"),
    "GaussianDropout": _passing("rate", "seed"),
    "GaussianNoise": _passing("stddev", "seed"),
    "ActivityRegularization": _passing("l1", "l2"),
    "Identity": _passing(),
    "Conv1D": convolution,
    "Dense": dense,
    "MaxPooling1D": max_pooling,
    "AveragePooling1D": average_pooling,
    "GlobalMaxPooling1D": _global(torch.amax),
    "GlobalAveragePooling1D": _global(torch.mean),
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "ZeroPadding1D": zero_padding,
    "Cropping1D": cropping,
    "UpSampling1D": up_sampling,
    "RepeatVector": repeat_vector,
    **ACTIVATION_LAYERS,
    **MERGING,
}
