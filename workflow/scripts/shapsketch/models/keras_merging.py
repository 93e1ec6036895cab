"""Keras layers that take a list of tensors; `MERGING` maps a class to `build(entry) -> Layer`."""

from collections.abc import Callable, Sequence
from functools import reduce

import torch

from ..settings.errors import InputError
from .keras_entry import Entry, Layer, within


def concatenate(entry: Entry) -> Layer:
    """Concatenate."""
    axis = entry.single("axis", -1)
    return lambda inputs: torch.cat(list(inputs), within(inputs[0], axis))


def _merge(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Entry], Layer]:
    return lambda entry: lambda inputs: reduce(function, _same_rank(inputs))


def average(entry: Entry) -> Layer:
    """Average."""
    return lambda inputs: reduce(torch.add, _same_rank(inputs)) / len(inputs)


def subtract(entry: Entry) -> Layer:
    """Subtract, of two.

    Raises:
        InputError: there are not two.
    """

    def apply(inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        if len(inputs) != 2:
            raise InputError(f"subtracts {len(inputs)} tensors, and two are needed")
        first, second = _same_rank(inputs)
        return first - second

    return apply


def _same_rank(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Keras gives tensors of fewer axes further ones after that of the batch."""
    rank = max(x.ndim for x in inputs)
    return [x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in inputs]


MERGING: dict[str, Callable[[Entry], Layer]] = {
    "Concatenate": concatenate,
    "Add": _merge(torch.add),
    "Subtract": subtract,
    "Multiply": _merge(torch.mul),
    "Maximum": _merge(torch.maximum),
    "Minimum": _merge(torch.minimum),
    "Average": average,
}
