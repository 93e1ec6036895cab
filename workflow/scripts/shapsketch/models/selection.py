"""Selections of an answer's axes, and what makes one number of them.

What may be written is in `settings.outputs`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from ..settings.errors import InputError
from ..settings.outputs import RANGE, WHOLE

MAX_NAMES = 8  # of an axis that a sentence lists


@dataclass(frozen=True)
class Axis:
    """An axis of an answer.

    Attributes:
        name: as the config calls it; empty where it has no name.
        labels: the names of its indices; empty where they have none.
    """

    name: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axes:
    """The axes of a model's answers after that of the sequences, as far as the config names them.

    Attributes:
        shared: of every output that `own` does not hold.
        own: by the model's own name of an output, or its number, as text.
    """

    shared: tuple[Axis, ...] = ()
    own: Mapping[str, tuple[Axis, ...]] | None = None

    @classmethod
    def read(cls, config: Any) -> "Axes":
        """Read a source's `axes`: a list, or a list for each of the model's own outputs.

        Raises:
            InputError: a file of names is missing.
        """
        if isinstance(config, Mapping):
            return cls((), {str(of): tuple(map(_axis, axes)) for of, axes in config.items()})
        return cls(tuple(map(_axis, config or ())))

    def of(self, output: Any) -> tuple[Axis, ...]:
        """Return the axes of one of the model's own outputs."""
        return (self.own or {}).get(str(output), self.shared)


def _axis(config: Any) -> Axis:
    if not isinstance(config, Mapping):
        return Axis(str(config))
    ((name, labels),) = config.items()
    if isinstance(labels, str):
        try:
            lines = Path(labels).read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"The names of the axis {name} cannot be read from {labels} ({error}).") from None
        labels = [line.strip() for line in lines if line.strip()]
    return Axis(str(name), tuple(map(str, labels)))


class WrongSelectionError(ValueError):
    """A selection does not fit an answer: the message says why, `repaired` is a selection that fits."""

    def __init__(self, reason: str, repaired: list[Any]) -> None:
        super().__init__(reason)
        self.repaired = repaired


def places(selection: Any, shape: Sequence[int], axes: Sequence[Axis]) -> list[np.ndarray]:
    """Return which indices, (K,), a selection takes of each axis.

    Args:
        selection: as in the config.
        shape: of the answer, without the axis of the sequences.
        axes: what the config says of these axes.

    Raises:
        WrongSelectionError: it does not fit.
    """
    named = list(axes) if len(axes) == len(shape) else []
    entries = _entries(selection, shape, [axis.name for axis in named])
    labels = [axis.labels for axis in named] or [()] * len(shape)
    chosen = []
    for number, (entry, size, names) in enumerate(zip(entries, shape, labels, strict=True), 1):
        try:
            chosen.append(_indices(entry, size, names))
        except ValueError as error:
            usual = names[0] if names else f"0:{size}" if number == len(shape) and size > 1 else 0
            axis = f"axis {number}" + (f" ({named[number - 1].name})" if named and named[number - 1].name else "")
            raise WrongSelectionError(f"{axis} {error}", [*entries[: number - 1], usual, *entries[number:]]) from None
    return chosen


def _entries(selection: Any, shape: Sequence[int], names: Sequence[str]) -> list[Any]:
    """An entry for each axis."""
    rank = len(shape)
    if isinstance(selection, Mapping):
        entries: list[Any] = ["all"] * rank
        for key, entry in selection.items():
            number = names.index(key) + 1 if key in names else int(key) if str(key).isdigit() else 0
            if not 1 <= number <= rank:
                known = f"its axes are {', '.join(names)}" if any(names) else f"its axes have the numbers 1 to {rank}"
                missing = "; name them by axes: [...] under source" if not any(names) and not str(key).isdigit() else ""
                raise WrongSelectionError(f"it has no axis {key}: {known}{missing}", usual_selection(shape))
            entries[number - 1] = entry
        return entries
    entries = list(selection) if isinstance(selection, (list, tuple)) else [selection]
    if len(entries) != rank:
        usual = usual_selection(shape)
        padded = [*entries[:rank], *usual[len(entries) :]]
        if rank == 1 and len(entries) > 1:
            padded = [entries]
        raise WrongSelectionError(
            f"{_counted(len(entries), 'axis is', 'axes are')} selected, and it has {rank} after that of the sequences",
            padded,
        )
    return entries


def usual_selection(shape: Sequence[int]) -> list[Any]:
    """Return a selection that fits a shape, to show how one is written: the first index, and the last axis whole."""
    return [*[0] * (len(shape) - 1), *[f"0:{size}" if size > 1 else 0 for size in shape[-1:]]]


def _indices(entry: Any, size: int, labels: Sequence[str]) -> np.ndarray:
    """The indices that an entry takes of an axis; ValueError says why it takes none."""
    if labels and len(labels) != size:
        raise ValueError(f"has {size} indices, and the config gives {len(labels)} names for them")
    if isinstance(entry, list):
        taken = np.concatenate([_indices(one, size, labels) for one in entry] or [np.empty(0, np.int64)])
        if len(set(taken.tolist())) < len(taken) or not len(taken):
            raise ValueError(f"is given {entry}, which names {'an index twice' if len(taken) else 'none'}")
        return taken
    if entry in WHOLE:
        return np.arange(size)
    if isinstance(entry, str) and entry in labels:
        return np.array([list(labels).index(entry)])
    if isinstance(entry, str) and (ends_of := RANGE.fullmatch(entry)):
        ends = [None if text is None else int(text) for text in ends_of.groups()]
        out = next((end for end in ends if end is not None and not -size <= end <= size), None)
        taken = np.arange(size)[slice(*ends)]
        if out is not None or not len(taken):
            why = f"reaches beyond its {size} indices" if out is not None else "holds none of them"
            raise ValueError(f"is given the range {entry}, which {why}; they are 0 to {size - 1}")
        return taken
    if isinstance(entry, str):
        raise ValueError(f"has no {entry!r}: {_known(entry, labels)}")
    if not -size <= entry < size:
        raise ValueError(f"has the indices 0 to {size - 1}, and not {entry}")
    return np.array([entry % size])


def _known(entry: str, labels: Sequence[str]) -> str:
    if not labels:
        return "its indices have no names; give them by axes: [{NAME: [...]}] under source"
    close = get_close_matches(entry, labels, 1)
    listed = ", ".join(labels[:MAX_NAMES]) + (f" and {len(labels) - MAX_NAMES} others" * (len(labels) > MAX_NAMES))
    return f"did you mean {close[0]!r}?" if close else f"its names are {listed}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def take(values: np.ndarray, taken: Sequence[np.ndarray]) -> np.ndarray:
    """Return the (N, selected) float64 numbers of an (N, ...) array; runs of indices are not copied."""
    for axis, indices in enumerate(taken, 1):
        run = slice(indices[0], indices[0] + len(indices))
        if (indices == np.arange(run.start, run.stop)).all():
            values = values[(slice(None),) * axis + (run,)]
        else:
            values = np.take(values, indices, axis)
    return values.reshape(len(values), -1).astype(np.float64)


def logsumexp(values: np.ndarray) -> np.ndarray:
    """Return the (N,) logarithms of the sums of exponentials over the last axis, without overflow."""
    largest = values.max(-1, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - largest).sum(-1)) + largest[..., 0]


def _log_ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(first.sum(-1)) - np.log(second.sum(-1))


REDUCTIONS: Mapping[str, Callable[..., np.ndarray]] = {  # of (N, selected) float64, one or two
    "sum": lambda values: values.sum(-1),
    "mean": lambda values: values.mean(-1),
    "max": lambda values: values.max(-1),
    "logsumexp": logsumexp,
    "log_ratio": _log_ratio,
    "difference": lambda first, second: first.mean(-1) - second.mean(-1),
    "softmax_share": lambda first, second: np.exp(logsumexp(first) - logsumexp(second)),
}
