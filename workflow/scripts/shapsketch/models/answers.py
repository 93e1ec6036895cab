"""Which numbers of what a model answers are its outputs.

A model answers with one array, or with several under the names of its own outputs. The config's `outputs` either name
them as they are, or say for each which it is: `{of: NAME, column: K}`, or `{of: NAME, select: ..., reduce: ...}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..settings.errors import InputError
from ..settings.outputs import check_output, parts_of
from ..settings.sources import outputs_line, safe_name
from .selection import REDUCTIONS, Axes, Axis, WrongSelectionError, places, take, usual_selection

if TYPE_CHECKING:
    import torch


class WrongRowsError(ValueError):
    """A model returned more or fewer rows than it was asked about."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of a model.

    Attributes:
        model: its name, for sentences.
        names: of the outputs, as in files and columns.
        chosen: for each of them `of`, the model's own name of an output (or its number, where they have none), and
            `column`, which of its columns, from 0 or by name; either may be left out. Or `select`, `reduce` and
            `against` (see `settings.outputs`). Empty: the names are the model's own, or those of all columns in their
            order.
        axes: what the config says of the axes of the answers.
    """

    model: str
    names: tuple[str, ...]
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    axes: Axes = field(default_factory=Axes)

    def __post_init__(self) -> None:
        for name, spec in self.chosen.items():
            check_output(name, spec)

    def __call__(self, answer: Any, count: int) -> np.ndarray:
        """Return the (count, outputs) float64 values of an answer about so many sequences.

        Raises:
            InputError: an output is missing, not of numbers, or of another shape.
            WrongRowsError: the answer is about more or fewer sequences.
        """
        answer = self._by_number(answer, count)
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
        if "select" in spec or "reduce" in spec:
            return self._made(name, spec, answer, count)
        column = spec.get("column")
        of, part = self._part(name, spec.get("of"), answer, count)
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

    def _by_number(self, answer: Any, count: int) -> Any:
        """The answer, a tuple of arrays as a mapping from their numbers."""
        if not isinstance(answer, (tuple, list)) or not answer:
            return answer
        arrays = all(hasattr(part, "shape") and np.ndim(part) for part in answer)
        numbers = {of for spec in self.chosen.values() for of, _ in parts_of(spec) if isinstance(of, int)}
        if numbers and isinstance(answer, tuple):
            return dict(enumerate(answer))
        if arrays and (numbers or (len(answer) != count and all(len(part) == count for part in answer))):
            return dict(enumerate(answer))
        return answer

    def _part(self, name: str, of: Any, answer: Any, count: int) -> tuple[Any, Any]:
        """One of the arrays of an answer, by the model's own name of it, and that name."""
        if isinstance(answer, Mapping):
            of = next(iter(answer)) if of is None and len(answer) == 1 else name if of is None else of
            if of not in answer:
                raise InputError(
                    f"The model {self.model} returned no output {of!r}; it returned {described(answer)}"
                    f"{self._choose(answer, count)}."
                )
            return of, answer[of]
        if of is not None:
            raise InputError(
                f"The config takes the output {name} of {of!r}, and the model {self.model} returned one array without "
                "names; leave out `of`."
            )
        return None, answer

    def _made(self, name: str, spec: Mapping[str, Any], answer: Any, count: int) -> np.ndarray:
        """One output that is made of selected numbers: (count,) float64."""
        keys = ("select", "against")
        parts = [
            self._selected(name, spec, key, of, selection, answer, count)
            for key, (of, selection) in zip(keys, parts_of(spec), strict=False)
        ]
        values, reduce = [part[2] for part in parts], spec.get("reduce")
        if reduce is None:
            if values[0].shape[1] != 1:
                line = outputs_line({name: {**spec, "reduce": "mean"}})
                raise InputError(
                    f"The output {name} selects {values[0].shape[1]:,} numbers for each sequence of what the model "
                    f"{self.model} returned; select one, or say what to make of them, as in {line}."
                )
            return values[0][:, 0]
        if reduce == "softmax_share":
            (of, taken, _), (whole, within, _) = parts
            if of != whole or any(set(a.tolist()) - set(b.tolist()) for a, b in zip(taken, within, strict=True)):
                raise InputError(
                    f"The output {name} is a share of numbers in a softmax over others, which do not hold them all; "
                    "select within `against`, or leave `against` out."
                )
        return REDUCTIONS[reduce](*values)

    def _selected(
        self, name: str, spec: Mapping[str, Any], key: str, of: Any, selection: Any, answer: Any, count: int
    ) -> tuple[Any, list[np.ndarray], np.ndarray]:
        """The own name of what is selected of, which indices are of each axis, and (count, selected) numbers."""
        of, part = self._part(name, of, answer, count)
        values = np.atleast_1d(_numbers(part, self.model, of))
        if count == 1 and isinstance(selection, list) and len(values) != 1 and values.ndim == len(selection):
            values = values[None]  # a model that drops the axis of one sequence
        shape = values.shape[1:]
        axes = self.axes.of(of)
        if not axes and len(shape) == 1 and (labels := column_names(part)):
            axes = (Axis("columns", tuple(labels)),)
        try:
            taken = places(selection, shape, axes)
        except WrongSelectionError as error:
            line = self._line(name, spec, key, of, error.repaired, shape, axes)
            raise InputError(
                f"The config makes the output {name} of what the model {self.model} returned{_as_output(of)}, whose "
                f"shape is {values.shape}, the sequences first: {error}; write, for example, {line}."
            ) from None
        return of, taken, take(_rows(values, count), taken)

    def _line(
        self, name: str, spec: Mapping[str, Any], key: str, of: Any, repaired: Any, shape: Any, axes: Sequence[Axis]
    ) -> str:
        """The line of the config with a selection that fits in the place of one that does not."""
        written: dict[str, Any] = {} if of is None or key == "against" else {"of": of}
        line = {"of": of, **{str(k): entry for k, entry in enumerate(repaired, 1)}}
        written |= {**spec, key: line if key == "against" and of != spec.get("of") else repaired}
        try:
            several = any(len(taken) > 1 for taken in places(repaired, shape, axes))
        except WrongSelectionError:
            return self._line(name, spec, key, of, usual_selection(shape), shape, ())
        if several and not spec.get("reduce"):
            written["reduce"] = "mean"
        return outputs_line({name: written})

    def _choose(self, answer: Mapping[Any, Any], count: int) -> str:
        """What to write into the config, where an answer has columns to choose from."""
        shapes = {of: np.shape(part) for of, part in answer.items()}
        tables = {of: s for of, s in shapes.items() if len(s) == 2 and s[0] == count and s[1] > 1}
        wanted = len(self.names)
        of, shape = next(iter(tables.items()), (None, None))
        deep = {of: s[1:] for of, s in shapes.items() if len(s) > 2 and s[0] == count and np.prod(s[1:]) > 1}
        if shape is None and wanted == 1 and deep:
            of, axes = next(iter(deep.items()))
            spec = ({} if of is None else {"of": of}) | {"select": usual_selection(axes), "reduce": "mean"}
            line = outputs_line({safe_name(self.names[0]): spec})
            return f"; say which numbers are meant, counted from 0, such as {line}"
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
    """Numbers as float64, without axes of one after the first."""
    values = np.atleast_1d(_numbers(part, model, of).astype(np.float64))
    return values.reshape(values.shape[:1] + tuple(size for size in values.shape[1:] if size != 1))


def _numbers(part: Any, model: str, of: Any) -> np.ndarray:
    """Real numbers in their own precision; dictionaries by class (ZipMap) as columns."""
    if hasattr(part, "detach"):  # a tensor of PyTorch, which NumPy does not take where it has a gradient
        part = part.detach().cpu()
        part = (part if part.element_size() > 2 else part.float()).numpy()
    if isinstance(part, (list, tuple)) and len(part) and isinstance(part[0], Mapping):
        part = [[row.get(key, np.nan) for key in part[0]] for row in part]
    plain = None
    try:
        plain = np.asarray(part)
        if plain.dtype.kind in "cmM":  # complex numbers, dates
            raise TypeError
        return plain if plain.dtype.kind in "fiub" else plain.astype(np.float64)
    except (TypeError, ValueError):
        if isinstance(part, (list, tuple)) and any(np.ndim(one) for one in part if hasattr(one, "shape")):
            shapes = ", ".join(f"{number} {np.shape(one)}" for number, one in enumerate(part))
            raise InputError(
                f"The model {model} returned several arrays{_as_output(of)}, {shapes}; say which is meant by its "
                "number, as in outputs: {NAME: {of: 0}}."
            ) from None
        plain = np.asarray(part, dtype=object) if plain is None else plain
        example = plain.reshape(-1)[0] if plain.size else part
        kind = "text" if isinstance(example, str) else type(example).__name__
        raise InputError(
            f"The model {model} returned {kind} ({example!s:.40}){_as_output(of)}; numbers are needed."
        ) from None


def _rows(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) != count:
        raise WrongRowsError(f"returned {len(values)} rows for {count} sequences")
    return values


def _named_column(part: Any, column: str, model: str, of: Any) -> int:
    """The number of a column by its name: of a data frame, or of a classifier that answers with dictionaries."""
    keys = column_names(part)
    if column not in keys:
        known = f"its columns are {', '.join(keys)}" if keys else "its columns have numbers, from 0, and no names"
        raise InputError(f"The config takes the column {column!r} of the model {model}{_as_output(of)}; {known}.")
    return keys.index(column)


def column_names(part: Any) -> list[str]:
    """Return the names of columns of a data frame, or of dictionaries by class; none of an array."""
    if isinstance(part, (list, tuple)) and len(part) and isinstance(part[0], Mapping):
        return [str(key) for key in part[0]]
    return [str(key) for key in getattr(part, "columns", ())]


def described(answer: Mapping[Any, Any]) -> str:
    """Return the names and shapes of an answer's parts, in words."""
    return ", ".join(f"{name} {np.shape(part) or 'without a shape'}" for name, part in answer.items())


def _as_output(of: Any) -> str:
    return "" if of is None else f" as its output {of!r}"


def select_names(names: Sequence[str], chosen: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """Return the model's own names of the outputs that are wanted, each once; with None, all are."""
    wanted = [name if of is None else of for name in names for of, _ in parts_of(chosen.get(name, {}))]
    return list(dict.fromkeys(wanted))


def differentiable(answer: Any, name: str, place: int, spec: Mapping[str, Any]) -> "torch.Tensor":
    """Return one output of a network's answer as a (N,) tensor, of single precision at least.

    Args:
        answer: a tensor, or several; `Outputs` tells whether this output is read of it as everywhere.
        name: of the output.
        place: its number.
        spec: what the config says of it.
    """
    part = answer
    if isinstance(answer, (tuple, list)):
        part = answer[0] if len(answer) == 1 else answer[spec.get("of", 0)]
    elif isinstance(answer, Mapping):
        part = answer[spec.get("of", name if name in answer else next(iter(answer)))]
    rows = part.reshape(len(part), -1)
    column = spec.get("column", place if not spec and not isinstance(answer, Mapping) else 0)
    if not isinstance(column, int) or column >= rows.shape[1]:
        column = 0
    return rows[:, column] if rows.element_size() > 2 else rows[:, column].float()
