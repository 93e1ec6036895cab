"""One-hot inputs of networks, in the layout that the config declares."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..sequences.template import Template

LAYOUTS = ("channels_first", "channels_last", "flat", "flat_channels_first")


def input_shape(layout: str, q: int, n: int) -> tuple[int, ...]:
    """Return the shape of one sequence of n letters, of an alphabet of q."""
    return {"channels_first": (q, n), "channels_last": (n, q)}.get(layout, (n * q,))


def onehot_encoder(source: Mapping[str, Any], template: Template) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that turns letter codes into a model's input.

    Args:
        source: `layout`: `channels_first` (N, q, n), `channels_last` (N, n, q), `flat` (N, n * q, position-major) or
            `flat_channels_first` (N, q * n, letter-major); `dtype`: `float32` or `float64`; `unknown_letters`, what
            a letter outside the alphabet (N) becomes: `zeros` or `mean` (1/q for each letter).
        template: its alphabet's order is the order of the channels.

    Returns:
        A function from (N, n) uint8 alphabet codes, `MISSING` for N, to the contiguous input.
    """
    q, layout = template.alphabet.q, source["layout"]
    unknown = 1 / q if source.get("unknown_letters") == "mean" else 0.0
    letters = np.vstack([np.eye(q), np.full(q, unknown)]).astype(source.get("dtype", "float32"))

    def encode(codes: np.ndarray) -> np.ndarray:
        onehot = letters[np.minimum(codes, q)]
        if layout.endswith("channels_first"):
            onehot = np.ascontiguousarray(onehot.transpose(0, 2, 1))
        return onehot.reshape(len(codes), -1) if layout.startswith("flat") else onehot

    return encode
