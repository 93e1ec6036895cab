"""A second device without one: its tensors compute as those of the processor do, and may not meet them.

What the device of a tensor says is `meta`, which PyTorch knows everywhere; what lies behind is a tensor of the
processor. As with CUDA, an operation of tensors of both devices fails but for a copy, an index and a single number,
and a tensor that has not come back by `.cpu()` is no array.
"""

from contextlib import contextmanager
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")
aten = torch.ops.aten
INDEXED = (aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default)


class Away(torch.Tensor):
    """A tensor of the second device."""

    @staticmethod
    def __new__(cls, behind):
        return torch.Tensor._make_wrapper_subclass(
            cls, behind.shape, strides=behind.stride(), storage_offset=behind.storage_offset(), dtype=behind.dtype,
            device=DEVICE, requires_grad=behind.requires_grad,
        )  # fmt: skip

    def __init__(self, behind):
        self.behind = behind

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), named=None):
        return computed(function, arguments, named or {})


def computed(function, arguments, named):
    """Compute an operation where its tensors are, or refuse it."""
    if function is aten._to_copy.default:
        device = named.get("device") or arguments[0].device
        made = function(behind(arguments[0]), **{**named, "device": "cpu"})
        return Away(made) if torch.device(device).type == DEVICE.type else made
    flat = [value for value in tree_flatten((arguments, named))[0] if isinstance(value, torch.Tensor)]
    if function in INDEXED:
        flat = [value for value in flat if value.dtype not in (torch.int64, torch.bool)] or flat[:1]
    if function is aten.copy_.default:
        flat = flat[:1]
    away = [isinstance(value, Away) for value in flat if value.ndim or isinstance(value, Away)]
    if any(away) and not all(away):
        raise RuntimeError(f"Expected all tensors to be on the same device, in {function}.")
    asked = named.get("device")
    out = any(away) or (asked is not None and torch.device(asked).type == DEVICE.type)
    named = {**named, "device": "cpu"} if out and asked is not None else named
    made = function(*tree_map(behind, arguments), **tree_map(behind, named))
    if function._schema.name.endswith("_") and out:
        return arguments[0] if function._schema.returns else None
    return tree_map(lambda value: Away(value) if isinstance(value, torch.Tensor) else value, made) if out else made


def behind(value):
    return value.behind if isinstance(value, Away) else value


class Both(TorchDispatchMode):
    """Sends every operation to where it is computed."""

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        return computed(function, arguments, named or {})


@contextmanager
def second_device():
    """Let networks of the block that want CUDA be on the second device."""
    with (
        mock.patch(
            "shapsketch.models.torch_model.find_device", lambda name: DEVICE if name == "cuda" else torch.device(name)
        ),
        Both(),
    ):
        yield
