"""Universal Binary JSON, as XGBoost writes it (`.ubj`), read into plain values."""

import struct
from typing import Any

import numpy as np

NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
CONSTANTS = {"Z": None, "T": True, "F": False}


def loads(content: bytes) -> Any:
    """Read one value.

    Raises:
        ValueError: the content is damaged.
    """
    try:
        value, end = _value(content, 1, chr(content[0]))
    except (IndexError, KeyError, struct.error, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is no UBJSON ({type(error).__name__}: {error})") from error
    if end != len(content):
        raise ValueError(f"{len(content) - end} bytes follow the end of its UBJSON")
    return value


def _value(content: bytes, place: int, kind: str) -> tuple[Any, int]:
    """The value of a kind that begins at a place, and the place after it."""
    if kind in CONSTANTS:
        return CONSTANTS[kind], place
    if kind in NUMBERS:
        dtype = np.dtype(NUMBERS[kind])
        return np.frombuffer(content, dtype, 1, place)[0].item(), place + dtype.itemsize
    if kind == "C":
        return chr(content[place]), place + 1
    if kind == "S":
        return _text(content, place)
    if kind not in "[{":
        raise KeyError(f"a value of the kind {kind!r} at byte {place}")
    typed = None
    if content[place : place + 1] == b"$":
        typed, place = chr(content[place + 1]), place + 2
    count = None
    if content[place : place + 1] == b"#":
        count, place = _count(content, place + 1)
    if typed in NUMBERS and kind == "[" and count is not None:
        dtype = np.dtype(NUMBERS[typed])
        return np.frombuffer(content, dtype, count, place).tolist(), place + count * dtype.itemsize
    return (_list if kind == "[" else _mapping)(content, place, count)


def _list(content: bytes, place: int, count: int | None) -> tuple[list[Any], int]:
    values: list[Any] = []
    while len(values) != count:
        kind, place = chr(content[place]), place + 1
        if kind == "]" and count is None:
            break
        value, place = _value(content, place, kind)
        values.append(value)
    return values, place


def _mapping(content: bytes, place: int, count: int | None) -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    while len(values) != count:
        if content[place : place + 1] == b"}" and count is None:
            place += 1
            break
        key, place = _text(content, place)
        values[key], place = _value(content, place + 1, chr(content[place]))
    return values, place


def _count(content: bytes, place: int) -> tuple[int, int]:
    count, place = _value(content, place + 1, chr(content[place]))
    if not isinstance(count, int) or not 0 <= count <= len(content):
        raise KeyError(f"a length of {count} at byte {place}")
    return count, place


def _text(content: bytes, place: int) -> tuple[str, int]:
    length, place = _count(content, place)
    if place + length > len(content):
        raise IndexError(f"a text of {length} bytes at byte {place}")
    return content[place : place + length].decode(), place + length
