"""Lists of strings, whatever they come in."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

from ..settings.errors import InputError


def as_strings(sequences: Iterable[Any]) -> list[str]:
    """Return sequences as a list of strings.

    Args:
        sequences: strings (or ASCII bytes) in anything that has an order: a list, tuple or generator, a pandas Series
            or Index with any labels, a numpy array of one axis, an Arrow array.

    Raises:
        InputError: it is a single string, a table or a set, or one of its elements is missing or no string; the
            sentence names its number, from 1.
    """
    if type(sequences) is list and set(map(type, sequences)) <= {str}:
        return sequences
    if isinstance(sequences, (str, bytes)):
        raise InputError(
            f"Sequences are wanted as a list of strings; {_short(sequences)} is one alone: put it in [...]."
        )
    shape = getattr(sequences, "shape", (0,))
    if isinstance(sequences, (Mapping, Set)) or not isinstance(sequences, Iterable) or len(shape) != 1:
        kind = type(sequences).__name__
        axes = f" of {len(shape)} axes" if len(shape) != 1 else ""
        raise InputError(f"Sequences are wanted as a list of strings, or a column of a table; this is a {kind}{axes}.")
    listed = next((method for method in ("to_pylist", "tolist") if hasattr(sequences, method)), None)
    elements = getattr(sequences, listed)() if listed else list(sequences)  # plain values, not scalars of a library
    return [_string(element, number) for number, element in enumerate(elements, 1)]


def _string(element: Any, number: int) -> str:
    if isinstance(element, str):
        return str(element)
    if isinstance(element, bytes) and element.isascii():
        return element.decode("ascii")
    kind = type(element).__name__
    if element is None or kind in ("NAType", "NaTType") or (isinstance(element, float) and element != element):
        raise InputError(f"Sequence {number} is missing ({element}); leave such rows out.")
    raise InputError(f"Sequence {number} is not a string but {_short(element)} of the type {kind}.")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
