"""Checkpoints of TensorFlow (`tf.train.Saver`, format V2), read without TensorFlow.

`NAME.index` is a sorted string table (tensorflow/core/lib/io/format.h, as in LevelDB): blocks of entries whose keys
share prefixes, an index block, a footer. An entry maps a variable's name to a BundleEntryProto
(tensor_bundle.proto) that says where in `NAME.data-00000-of-00001` its bytes lie.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...settings.dependencies import read_varint
from ...settings.errors import InputError

FOOTER = 48  # bytes
MAGIC = 0xDB4775248B80FB57
DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 4: "<u1", 9: "<i8"}  # of tensorflow/core/framework/types.proto
Fields = dict[int, list[int | bytes]]


def read_checkpoint(index: str | Path) -> dict[str, np.ndarray]:
    """Read every numeric variable.

    Args:
        index: the path that ends in `.index`; the data file lies beside it.

    Returns:
        The arrays by the names of the variables, optimizer slots included.

    Raises:
        InputError: a file is missing, damaged, or written in a way that is not read (several shards, compression).
    """
    index = Path(index)
    data = index.with_suffix(".data-00000-of-00001")
    for path in (index, data):
        if not path.is_file():
            raise InputError(f"The checkpoint file {path} does not exist.")
    try:
        entries = dict(_table(index.read_bytes()))
        return dict(_variables(entries, data))
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"{index} is not a TensorFlow checkpoint that can be read: {error}.") from error


def _variables(entries: dict[bytes, bytes], path: Path) -> Iterator[tuple[str, np.ndarray]]:
    if _fields(entries.pop(b"")).get(1, [1]) != [1]:  # BundleHeaderProto.num_shards
        raise ValueError("it is divided into several data files")
    content = path.read_bytes()
    for name, value in entries.items():
        fields = _fields(value)
        dtype = DTYPES.get(_int(fields, 1))
        if dtype is None:
            continue
        shape = [_int(_fields(dim), 1) for dim in _fields(_bytes(fields, 2)).get(2, [])] if 2 in fields else []
        start, size = _int(fields, 4), _int(fields, 5)
        if start + size > len(content):
            raise ValueError(f"{path.name} ends before the variable {name.decode()}")
        yield name.decode(), np.frombuffer(content[start : start + size], dtype).reshape(shape)


def _table(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The entries of a sorted string table."""
    if len(content) < FOOTER or int.from_bytes(content[-8:], "little") != MAGIC:
        raise ValueError("its footer is missing")
    place = len(content) - FOOTER
    for _ in range(2):  # the handle of the metaindex block, which is not needed
        _, place = read_varint(content, place)
    for _, handle in _block(content, *_handle(content, place)):
        yield from _block(content, *_handle(handle, 0))


def _handle(content: bytes, place: int) -> tuple[int, int]:
    """The offset and size of a block."""
    offset, place = read_varint(content, place)
    return offset, read_varint(content, place)[0]


def _block(content: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if content[offset + size]:
        raise ValueError("its index is compressed")
    block = content[offset : offset + size]
    restarts = int.from_bytes(block[-4:], "little")
    place, end, key = 0, size - 4 * (restarts + 1), b""
    while place < end:
        shared, place = read_varint(block, place)
        unshared, place = read_varint(block, place)
        length, place = read_varint(block, place)
        key = key[:shared] + block[place : place + unshared]
        yield key, block[place + unshared : place + unshared + length]
        place += unshared + length


def _fields(message: bytes | int) -> Fields:
    """The fields of a protocol buffer message by number."""
    if isinstance(message, int):
        raise ValueError("a message was expected")
    fields: Fields = {}
    place = 0
    while place < len(message):
        tag, place = read_varint(message, place)
        value: int | bytes
        match tag & 7:
            case 0:
                value, place = read_varint(message, place)
            case 2:
                length, place = read_varint(message, place)
                value, place = message[place : place + length], place + length
            case 1 | 5 as kind:
                width = 8 if kind == 1 else 4
                value, place = message[place : place + width], place + width
            case kind:
                raise ValueError(f"a field is of the wire type {kind}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _int(fields: Fields, number: int) -> int:
    value = fields.get(number, [0])[0]
    return value if isinstance(value, int) else int.from_bytes(value, "little")


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields[number][0]
    return value if isinstance(value, bytes) else b""
