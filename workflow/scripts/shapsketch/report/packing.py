"""Packing: arrays as compressed text, small enough to travel inside an HTML page.

The arrays lie one after another, gzipped and in base64; a directory says where each is and how it is coded. The
reader is `workflow/report/data.js`.
"""

import base64
import gzip
import json
from typing import Any

import numpy as np

MISSING_INT16 = -32768
LARGEST_INT16 = 32767
MAX_LOSS = 1e-3  # of how far values lie apart: a pixel of a figure


class Pack:
    """Collects arrays by name; the same arrays in the same order give the same text.

    Attributes:
        directory: for each name its `kind`, where its bytes `start`, how many items it has (`count`) and, where
            numbers were rounded, the `scale` that undoes it.
    """

    def __init__(self) -> None:
        self.directory: dict[str, dict[str, Any]] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def copy(self) -> "Pack":
        """Return a pack of the same arrays, to which others may be added."""
        other = Pack()
        other.directory, other._parts, other._size = dict(self.directory), list(self._parts), self._size
        return other

    def add(self, name: str, values: np.ndarray) -> None:
        """Add (...) uint8, uint16, uint32, float32 or float64 values as they are."""
        kind = {"uint8": "u1", "uint16": "u2", "uint32": "u4", "float32": "f4", "float64": "f8"}[values.dtype.name]
        self._append(name, kind, values.size, values.astype(values.dtype.newbyteorder("<")).tobytes())

    def add_real(self, name: str, values: np.ndarray, apart: float) -> None:
        """Add (...) real numbers in single precision, in double where that would blur a difference such as `apart`."""
        finite = values[np.isfinite(values)]
        with np.errstate(over="ignore", under="ignore"):
            single = values.astype(np.float32)
            lost = float(np.max(np.abs(finite - finite.astype(np.float32)), initial=0.0))
        self.add(name, single if lost <= MAX_LOSS * apart else values.astype(np.float64))

    def add_rounded(self, name: str, values: np.ndarray) -> None:
        """Add (...) real numbers as multiples of 1/32767 of the largest magnitude, NaN included.

        High bytes go before low bytes: apart, they compress better.
        """
        finite = np.isfinite(values)
        largest = float(np.abs(values[finite]).max(initial=0.0))
        scale = largest / LARGEST_INT16
        codes = np.full(values.shape, MISSING_INT16, "<i2")
        codes[finite] = np.rint(values[finite] / scale) if scale > 0 else 0
        planes = codes.reshape(-1, 1).view(np.uint8)[:, ::-1].T
        self._append(name, "i2", values.size, planes.tobytes(), scale)

    def add_errors(self, name: str, values: np.ndarray) -> None:
        """Add non-negative numbers in a byte each, finer where they are small: (1 to 255) squared; 0 is NaN."""
        finite = np.isfinite(values)
        largest = float(values[finite].max(initial=0.0))
        scale = largest / 254**2
        codes = np.zeros(values.shape, np.uint8)
        codes[finite] = 1 + (np.rint(np.sqrt(values[finite] / scale)) if scale > 0 else 0)
        self._append(name, "e1", values.size, codes.tobytes(), scale)

    def add_json(self, name: str, content: Any) -> None:
        """Add a JSON value."""
        data = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        self._append(name, "json", len(data), data)

    def text(self) -> str:
        """Return everything as base64 of gzip."""
        return base64.b64encode(gzip.compress(b"".join(self._parts), 6, mtime=0)).decode("ascii")

    def _append(self, name: str, kind: str, count: int, data: bytes, scale: float | None = None) -> None:
        entry = {"kind": kind, "start": self._size, "count": count}
        self.directory[name] = entry if scale is None else {**entry, "scale": scale}
        padded = data + bytes(-len(data) % 4)  # typed arrays begin at multiples of their size
        self._parts.append(padded)
        self._size += len(padded)
