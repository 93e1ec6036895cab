"""Which numbers of what a model answers are its outputs.

A model answers with one array, or with several under the names of its own outputs. The config's `outputs` either name
them as they are, or say for each which it is: `{of: NAME, column: K}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..settings.errors import InputError
from ..settings.sources import outputs_line, safe_name


class WrongRowsError(ValueError):
    """A model returned more or fewer rows than it was asked about."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of a model.

    Attributes:
        model: its name, for sentences.
        names: of the outputs, as in files and columns.
        chosen: for each of them `of`, the model's own name of an output (or its number, where they have none), and
            `column`, which of its columns, from 0 or by name; either may be left out. Empty: the names are the model's
            own, or those of all columns in their order.
    """

    model: str
    names: tuple[str, ...]
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __call__(self, answer: Any, count: int) -> np.ndarray:
        """Return the (count, outputs) float64 values of an answer about so many sequences.

        Raises:
            InputError: an output is missing, not of numbers, or of another shape.
            WrongRowsError: the answer is about more or fewer sequences.
        """
        if self.chosen or isinstance(answer, Mapping):
            return np.column_stack([self._one(name, answer, count) for name in self.names])
        values = _array(answer, self.model, None)
        if values.ndim == 1 and count == 1 and len(values) == len(self.names) > 1:
            values = values[None]  # a model that drops axes of one
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or values.shape[1] != len(self.names):
            raise InputError(
                f"The model {self.model} returned an array of shape {values.shape} for {count} sequences; "
                f"{(count, len(self.names))} is needed for the outputs {', '.join(self.names)}"
                f"{self._choose({None: values}, count)}."
            )
        return _rows(values, count)

    def _one(self, name: str, answer: Any, count: int) -> np.ndarray:
        """One output: (count,) float64."""
        spec = self.chosen.get(name, {}) if self.chosen else {"of": name}
        of, column = spec.get("of"), spec.get("column")
        if isinstance(answer, Mapping):
            of = next(iter(answer)) if of is None and len(answer) == 1 else name if of is None else of
            if of not in answer:
                raise InputError(
                    f"The model {self.model} returned no output {of!r}; it returned {_described(answer)}"
                    f"{self._choose(answer, count)}."
                )
            part = answer[of]
        elif of is not None:
            raise InputError(
                f"The config takes the output {name} of {of!r}, and the model {self.model} returned one array without "
                "names; leave out `of`."
            )
        else:
            part = answer
        values = _array(part, self.model, of)
        if values.ndim == 1 and count == 1 and len(values) > 1:
            values = values[None]
        if column is not None:
            if isinstance(column, str):
                column = _named_column(part, column, self.model, of)
            if values.ndim == 1:
                values = values[:, None]
            if values.ndim != 2 or not 0 <= column < values.shape[1]:
                raise InputError(
                    f"The config takes the column {column}, counted from 0, of what the model {self.model} "
                    f"returned{_as_output(of)}, whose shape is {values.shape}."
                )
            values = values[:, column]
        if values.ndim == 2 and values.shape[1] == 1 and column is None:
            values = values[:, 0]
        if values.ndim != 1:
            raise InputError(
                f"The model {self.model} returned an array of shape {values.shape}{_as_output(of)}; "
                f"{(count,)} is needed{self._choose({of: values}, count)}."
            )
        return _rows(values, count)

    def _choose(self, answer: Mapping[Any, Any], count: int) -> str:
        """What to write into the config, where an answer has columns to choose from."""
        shapes = {of: np.shape(part) for of, part in answer.items()}
        tables = {of: s for of, s in shapes.items() if len(s) == 2 and s[0] == count and s[1] > 1}
        wanted = len(self.names)
        of, shape = next(iter(tables.items()), (None, None))
        if shape is None or wanted > shape[1]:
            plain = [of for of, s in shapes.items() if s and np.prod(s) == count and isinstance(of, (str, int))]
            if shape is None and wanted == 1 and plain and self.names[0] not in plain:
                return f"; write {outputs_line({self.names[0]: {'of': plain[-1]}})}"
            return ""
        columns = range(shape[1]) if wanted == shape[1] else range(shape[1] - wanted, shape[1])
        place = {} if of is None else {"of": of}
        names = self.names if wanted > 1 or of is None else (safe_name(self.names[0]),)
        line = outputs_line({name: {**place, "column": k} for name, k in zip(names, columns, strict=True)})
        return f"; choose columns, counted from 0, such as {line}"


def _array(part: Any, model: str, of: Any) -> np.ndarray:
    """Numbers as float64, without axes of one after the first; dictionaries by class (ZipMap) as columns."""
    if hasattr(part, "detach"):  # a tensor of PyTorch, which NumPy does not take where it has a gradient
        part = part.detach().double().cpu().numpy()
    if isinstance(part, (list, tuple)) and len(part) and isinstance(part[0], Mapping):
        part = [[row.get(key, np.nan) for key in part[0]] for row in part]
    plain = np.asarray(part)
    try:
        if plain.dtype.kind in "cmM":  # complex numbers, dates
            raise TypeError
        values = np.atleast_1d(plain.astype(np.float64))
    except (TypeError, ValueError):
        example = plain.reshape(-1)[0] if plain.size else part
        kind = "text" if isinstance(example, str) else type(example).__name__
        raise InputError(
            f"The model {model} returned {kind} ({example!s:.40}){_as_output(of)}; numbers are needed."
        ) from None
    return values.reshape(values.shape[:1] + tuple(size for size in values.shape[1:] if size != 1))


def _rows(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) != count:
        raise WrongRowsError(f"returned {len(values)} rows for {count} sequences")
    return values


def _named_column(part: Any, column: str, model: str, of: Any) -> int:
    """The number of a column by its name: of the classes of a classifier that answers with dictionaries."""
    keys = [str(key) for key in part[0]] if isinstance(part, (list, tuple)) and isinstance(part[0], Mapping) else []
    if column not in keys:
        known = f"its columns are {', '.join(keys)}" if keys else "its columns have numbers, from 0, and no names"
        raise InputError(f"The config takes the column {column!r} of the model {model}{_as_output(of)}; {known}.")
    return keys.index(column)


def _described(answer: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name} {np.shape(part) or 'without a shape'}" for name, part in answer.items())


def _as_output(of: Any) -> str:
    return "" if of is None else f" as its output {of!r}"


def select_names(names: Sequence[str], chosen: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Return the model's own names of the outputs that are wanted, each once; with None, all are."""
    wanted = [chosen[name].get("of", name) for name in names] if chosen else list(names)
    return list(dict.fromkeys(wanted))
