"""The graph of a Keras network: calls of layers, and the values that go from one to the next."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from ..settings.errors import InputError


class Ref(NamedTuple):
    """A value in a network: a part of what a call of a layer returns.

    Attributes:
        layer: its name.
        call: which of the layer's calls.
        part: which of the tensors that it returned.
    """

    layer: str
    call: int
    part: int


@dataclass(frozen=True)
class Call:
    """One use of a layer.

    Attributes:
        name: of the layer, for the sentences.
        function: of the arguments.
        arguments: values, with `Ref` for tensors, in lists where Keras has lists.
    """

    name: str
    function: Callable[..., Any]
    arguments: Sequence[Any]


@dataclass(frozen=True)
class Network:
    """A graph of layers.

    Attributes:
        calls: by layer and number, in an order in which each finds its inputs.
        first: the value that is the input.
        last: the outputs.
        names: of the outputs.
    """

    calls: dict[tuple[str, int], Call]
    first: Ref
    last: list[Ref]
    names: list[str]

    def __call__(self, x: torch.Tensor) -> Any:
        """Return one tensor, or a list of them."""
        values: dict[tuple[str, int], Any] = {(self.first.layer, self.first.call): x}
        for key, call in self.calls.items():
            try:
                values[key] = call.function(*(_fill(argument, values) for argument in call.arguments))
            except InputError as error:
                raise InputError(f"its layer {call.name!r} {error}") from None
        results = [_fill(ref, values) for ref in self.last]
        return results[0] if len(results) == 1 else results


def values_of(value: Any) -> Any:
    """Return a value of a configuration as Python has it, and `Ref` for a tensor."""
    if isinstance(value, Mapping):
        inner = value.get("config", {})
        match value.get("class_name"):
            case "__keras_tensor__":
                return Ref(*inner["keras_history"])
            case "__slice__":
                return slice(*(values_of(inner[key]) for key in ("start", "stop", "step")))
            case "__ellipsis__":
                return ...
            case "__tuple__":
                return tuple(map(values_of, value["items"]))
            case "__numpy__" | "__tensor__":
                return torch.tensor(inner["value"])
        return {key: values_of(part) for key, part in value.items()}
    if isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str) and all(type(v) is int for v in value[1:]):
            return Ref(*value)
        return [values_of(part) for part in value]
    return value


def refs_in(value: Any) -> Iterator[Ref]:
    """Yield the tensors in a value, however deep."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from refs_in(part)


def _fill(value: Any, values: Mapping[tuple[str, int], Any]) -> Any:
    """A value with tensors in place of `Ref`."""
    if isinstance(value, Ref):
        result = values[value.layer, value.call]
        if isinstance(result, list):
            return result[value.part]
        if value.part:
            raise InputError(f"reads the part {value.part} of what {value.layer!r} returns, which is one tensor")
        return result
    if isinstance(value, (list, tuple)):
        return [_fill(part, values) for part in value]
    return value


def ordered(calls: Mapping[tuple[str, int], Call], first: Ref, last: Sequence[Ref]) -> dict[tuple[str, int], Call]:
    """Return the calls that the outputs need, each after those that it needs.

    Raises:
        InputError: layers read each other in a circle.
    """
    done: dict[tuple[str, int], Call] = {}
    todo, open_calls = [(ref.layer, ref.call) for ref in last], set()
    while todo:
        key = todo[-1]
        if key in done or key == (first.layer, first.call):
            todo.pop()
            continue
        before = [(ref.layer, ref.call) for ref in refs_in(calls[key].arguments)]
        missing = [k for k in before if k not in done and k != (first.layer, first.call)]
        if not missing:
            done[key] = calls[key]
            todo.pop()
        elif key in open_calls:
            raise InputError(f"its layers read each other in a circle ({key[0]})")
        else:
            open_calls.add(key)
            todo += missing
    return done
