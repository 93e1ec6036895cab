"""Files: written whole or not at all, identified by hash, read without unpickling."""

import hashlib
import io
import json
import os
import secrets
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..settings.errors import InputError, UnusableError

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a constant date: the same arrays give the same bytes


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it there if the block ends without error.

    The file is flushed to disk before it is renamed, so that after a crash there is the old file,
    the new file, or none, and never half a file. What a killed process left half-written goes first; should that
    process live on (on a node that was given up, say), it is the one that fails.

    Raises:
        InputError: a later process writes the same file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for stale in path.parent.glob(f".{escape(path.name)}.*.tmp"):
        stale.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")  # process ids repeat across nodes
    try:
        yield temporary
        try:
            with open(temporary, "rb") as handle:
                os.fsync(handle.fileno())
            temporary.replace(path)
        except FileNotFoundError:
            raise InputError(f"Another process has begun to write {path}; this one gave way.") from None
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically, with Unix line ends."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON atomically; keys keep their order, numbers their shortest exact form."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises:
        InputError: the file is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not a JSON file: {error}.") from error


def save_npz(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to a compressed .npz atomically; the same arrays give the same bytes.

    Raises:
        TypeError: an array holds Python objects, which could only be written as pickles.
    """
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
    ):
        for name, array in arrays.items():
            array = np.asarray(array)
            if array.dtype.hasobject:
                raise TypeError(f"array {name!r} holds Python objects")
            entry = zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as handle:
                np.lib.format.write_array(handle, array, allow_pickle=False)


@contextmanager
def npy_writer(path: str | Path, shape: tuple[int, ...], dtype: str) -> Iterator[Callable[[np.ndarray], None]]:
    """Open an .npz for one array (`arr_0`) that comes piece by piece; it is there when the block ends without error.

    Args:
        path: the file.
        shape: of the whole array; pieces follow one another along the first axis.
        dtype: such as `<f4`.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        entry = zipfile.ZipInfo("arr_0.npy", _ZIP_DATE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with file.open(entry, "w", force_zip64=True) as handle:
            header = {"descr": dtype, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(handle, header)

            def write(piece: np.ndarray) -> None:
                handle.write(np.ascontiguousarray(piece, dtype).tobytes())

            yield write


def load_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Read every array of an .npz; pickles are refused and each member's checksum is verified.

    Raises:
        InputError: the file cannot be read.
        UnusableError: it is damaged, or holds pickled objects.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except MemoryError:
        raise
    except Exception as error:  # a damaged file can raise anything
        if isinstance(error, OSError) and error.errno and not isinstance(error, io.UnsupportedOperation):
            raise InputError(f"{path} cannot be read ({error}).") from error
        raise UnusableError(f"{path} is damaged or not an .npz of plain arrays ({error}).") from error


def sha256_file(path: str | Path) -> str:
    """Return the SHA-256 of a file's content as 64 hex digits.

    Raises:
        InputError: the file does not exist.
    """
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None


def sha256_json(content: Any) -> str:
    """Return the SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
