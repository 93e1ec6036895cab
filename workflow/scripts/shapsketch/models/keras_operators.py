"""Keras's operators: what a functional model holds where its author wrote `1 - x`, `x[:, ::-1]` or `ops.exp(x)`.

`OPERATORS` maps an operator's class to a function whose positional arguments are those of Keras's own call and whose
keywords are the operator's settings, so that an argument that is not read cannot be passed. Some classes have the name
of a layer (`Subtract`); only operators take anything but tensors.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..settings.errors import InputError
from .keras_entry import FLOATS, within

Axes = int | Sequence[int] | None


def _tensors(*values: Any) -> list[torch.Tensor]:
    """Tensors and numbers as tensors of one type and on one device."""
    like = next((v for v in values if isinstance(v, torch.Tensor) and v.is_floating_point()), None)
    if like is None:
        raise InputError("takes no floating-point number")
    return [v.to(like) if isinstance(v, torch.Tensor) else torch.tensor(v).to(like) for v in values]


def _pairwise(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    def apply(x1: Any, x2: Any, /) -> torch.Tensor:
        return function(*_tensors(x1, x2))

    return apply


def _elementwise(function: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor]:
    def apply(x: torch.Tensor, /) -> torch.Tensor:
        return function(x)

    return apply


def _axes(x: torch.Tensor, axis: Axes) -> tuple[int, ...]:
    return tuple(within(x, one) for one in (axis if isinstance(axis, (list, tuple)) else [axis]))


def _reduction(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def apply(x: torch.Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> torch.Tensor:
        return function(x, _axes(x, axis), keepdim=keepdims)

    return apply


def _extreme(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def apply(x: torch.Tensor, /, *, axis: Axes = None, keepdims: bool = False, initial: None = None) -> torch.Tensor:
        return function(x, _axes(x, axis), keepdim=keepdims)

    return apply


def _average(x: torch.Tensor, weights: Any = None, /, *, axis: Axes = None) -> torch.Tensor:
    (reduced,) = _axes(x, axis)
    if weights is None:
        return x.mean(reduced)
    x, weights = _tensors(x, weights)
    if weights.ndim == 1:
        weights = weights.reshape(-1, *(1,) * (x.ndim - reduced - 1))
    return (x * weights).sum(reduced) / (torch.ones_like(x) * weights).sum(reduced)


def _clip(x: torch.Tensor, /, *, x_min: float, x_max: float) -> torch.Tensor:
    return x.clamp(x_min, x_max)


def _leaky_relu(x: torch.Tensor, /, *, negative_slope: float = 0.2) -> torch.Tensor:
    return F.leaky_relu(x, negative_slope)


def _elu(x: torch.Tensor, /, *, alpha: float = 1.0) -> torch.Tensor:
    return F.elu(x, alpha)


def _gelu(x: torch.Tensor, /, *, approximate: bool = True) -> torch.Tensor:
    return F.gelu(x, approximate="tanh" if approximate else "none")


def _softmax(x: torch.Tensor, /, *, axis: int = -1) -> torch.Tensor:
    return torch.softmax(x, within(x, axis))


def _log_softmax(x: torch.Tensor, /, *, axis: int = -1) -> torch.Tensor:
    return torch.log_softmax(x, within(x, axis))


def _concatenate(xs: Sequence[torch.Tensor], /, *, axis: int = 0) -> torch.Tensor:
    return torch.cat(list(xs), within(xs[0], axis))


def _stack(xs: Sequence[torch.Tensor], /, *, axis: int = 0) -> torch.Tensor:
    return torch.stack(list(xs), within(xs[0][None], axis))


def _expand_dims(x: torch.Tensor, /, *, axis: int) -> torch.Tensor:
    return x.unsqueeze(within(x[None], axis))


def _squeeze(x: torch.Tensor, /, *, axis: Axes = None) -> torch.Tensor:
    axes = _axes(x, axis)
    if any(x.shape[one] != 1 for one in axes):
        raise InputError(f"drops the axis {axis} of a tensor of shape {tuple(x.shape)}")
    return x.squeeze(axes)


def _reshape(x: torch.Tensor, /, *, newshape: Sequence[int]) -> torch.Tensor:
    if not newshape or newshape[0] not in (-1, None):
        raise InputError(f"gives tensors the shape {tuple(newshape)}, whose first size must be -1, that of the batch")
    shape = x.reshape(len(x), -1).shape
    return x.reshape(shape[0], *newshape[1:])


def _transpose(x: torch.Tensor, /, *, axes: Sequence[int] | None = None) -> torch.Tensor:
    if not axes or axes[0] != 0:
        raise InputError(f"orders the axes {axes}, and the first must stay, that of the batch")
    return x.permute(*axes)


def _flip(x: torch.Tensor, /, *, axis: Axes = None) -> torch.Tensor:
    return x.flip(_axes(x, axis))


def _where(condition: torch.Tensor, x1: Any, x2: Any, /) -> torch.Tensor:
    first, second = _tensors(x1, x2)
    return torch.where(condition.bool(), first, second)


def _cast(x: torch.Tensor, /, *, dtype: str) -> torch.Tensor:
    if dtype not in FLOATS:
        raise InputError(f"makes {dtype} of its input, and only floating-point numbers are read")
    return x


def _matmul(x1: torch.Tensor, x2: torch.Tensor, /) -> torch.Tensor:
    if not (isinstance(x1, torch.Tensor) and isinstance(x2, torch.Tensor) and min(x1.ndim, x2.ndim) > 1):
        raise InputError("multiplies what are no matrices")
    return x1 @ x2


def _get_item(x: torch.Tensor, key: Any, /) -> torch.Tensor:
    """NumPy's own indexing, of the places of one sequence."""
    keys = tuple(key) if isinstance(key, (list, tuple)) else (key,)
    if any(not isinstance(k, (slice, int, type(...), type(None))) for k in keys) or not keys:
        raise InputError("picks by what is neither a number nor a slice")
    if keys[0] == slice(None):
        keys = keys[1:]
    elif keys[0] is not ...:
        raise InputError(f"picks {keys[0]} of the batch, so that a prediction would depend on the others")
    places = np.arange(int(np.prod(x.shape[1:]))).reshape(x.shape[1:])[keys]
    return x.reshape(len(x), -1)[:, torch.from_numpy(places.ravel().copy()).to(x.device)].reshape(len(x), *places.shape)


OPERATORS: dict[str, Callable[..., torch.Tensor]] = {
    "Add": _pairwise(torch.add),
    "Subtract": _pairwise(torch.sub),
    "Multiply": _pairwise(torch.mul),
    "TrueDivide": _pairwise(torch.true_divide),
    "Divide": _pairwise(torch.true_divide),
    "Power": _pairwise(torch.pow),
    "Maximum": _pairwise(torch.maximum),
    "Minimum": _pairwise(torch.minimum),
    "Logaddexp": _pairwise(torch.logaddexp),
    "Greater": _pairwise(torch.gt),
    "GreaterEqual": _pairwise(torch.ge),
    "Less": _pairwise(torch.lt),
    "LessEqual": _pairwise(torch.le),
    "Negative": _elementwise(torch.neg),
    "Absolute": _elementwise(torch.abs),
    "Abs": _elementwise(torch.abs),
    "Sign": _elementwise(torch.sign),
    "Square": _elementwise(torch.square),
    "Sqrt": _elementwise(torch.sqrt),
    "Rsqrt": _elementwise(torch.rsqrt),
    "Reciprocal": _elementwise(torch.reciprocal),
    "Exp": _elementwise(torch.exp),
    "Exp2": _elementwise(torch.exp2),
    "Expm1": _elementwise(torch.expm1),
    "Log": _elementwise(torch.log),
    "Log1p": _elementwise(torch.log1p),
    "Log2": _elementwise(torch.log2),
    "Log10": _elementwise(torch.log10),
    "Erf": _elementwise(torch.erf),
    "Sin": _elementwise(torch.sin),
    "Cos": _elementwise(torch.cos),
    "Arctan": _elementwise(torch.atan),
    "Sigmoid": _elementwise(torch.sigmoid),
    "LogSigmoid": _elementwise(F.logsigmoid),
    "Tanh": _elementwise(torch.tanh),
    "Softplus": _elementwise(F.softplus),
    "Softsign": _elementwise(F.softsign),
    "Relu": _elementwise(F.relu),
    "Relu6": _elementwise(F.relu6),
    "Selu": _elementwise(F.selu),
    "Silu": _elementwise(F.silu),
    "Identity": _elementwise(lambda x: x),
    "LeakyRelu": _leaky_relu,
    "Elu": _elu,
    "Gelu": _gelu,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "Clip": _clip,
    "Mean": _reduction(torch.mean),
    "Sum": _reduction(torch.sum),
    "Logsumexp": _reduction(torch.logsumexp),
    "Max": _extreme(torch.amax),
    "Min": _extreme(torch.amin),
    "Average": _average,
    "Concatenate": _concatenate,
    "Stack": _stack,
    "ExpandDims": _expand_dims,
    "Squeeze": _squeeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Flip": _flip,
    "Where": _where,
    "Cast": _cast,
    "Matmul": _matmul,
    "GetItem": _get_item,
}


def build_operator(kind: str, config: Mapping[str, Any]) -> Callable[..., torch.Tensor]:
    """Return a function of the arguments of an operator's call.

    Args:
        kind: one of `OPERATORS`.
        config: its settings.

    Raises:
        InputError: it has settings that are not read. The sentence lacks its subject, the operator.
    """
    function = OPERATORS[kind]
    known = {p.name: p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
    settings = {key: value for key, value in config.items() if key != "name" and value is not None}
    for key, value in settings.items():
        if key not in known or known[key].annotation is None:
            raise InputError(f"has {key} {value!r}, which is not read")
    return lambda *arguments: function(*arguments, **settings)


def positional(kind: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """Put the named arguments of an operator's call behind the others, in Keras's order.

    Raises:
        InputError: there are more, fewer or other arguments than are read. The sentence lacks its subject.
    """
    parameters = list(inspect.signature(OPERATORS[kind]).parameters.values())
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]
    rest = {name: value for name, value in named.items() if value is not None}
    filled = [*arguments, *(rest.pop(name) for name in names[len(arguments) :] if name in rest)]
    needed = sum(p.kind is p.POSITIONAL_ONLY and p.default is p.empty for p in parameters)
    if rest or not needed <= len(filled) <= len(names):
        what = f"the argument {next(iter(rest))}" if rest else f"{len(filled)} arguments"
        raise InputError(f"is called with {what}, and only {', '.join(names)} can be read")
    return filled
