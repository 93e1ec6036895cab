"""One-hot inputs of networks, in the layout that the config declares."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..sequences.template import Template

NAMED_LAYOUTS = ("channels_first", "channels_last", "flat", "flat_channels_first")
DEEP_LAYOUTS = (  # of networks that take letters and positions as the height and width of a picture
    (1, "letter", "position"),
    (1, "position", "letter"),
    ("letter", "position", 1),
    ("position", "letter", 1),
    ("letter", 1, "position"),
)
LAYOUTS = (*NAMED_LAYOUTS, *DEEP_LAYOUTS)
Layout = str | Sequence[str | int]


def layout_words(layout: Layout) -> str:
    """Return a layout as the config has it."""
    return layout if isinstance(layout, str) else f"[{', '.join(map(str, layout))}]"


def letters_first(layout: Layout) -> bool:
    """Whether the axis of the letters comes before that of the positions."""
    if isinstance(layout, str):
        return layout.endswith("channels_first")
    return list(layout).index("letter") < list(layout).index("position")


def by_position(numbers: Any, layout: Layout, n: int) -> Any:
    """Return the (N, n) sums over the letters of each position of (N, ...) numbers, an array or a tensor of inputs."""
    rows = numbers.reshape(len(numbers), -1)
    return rows.reshape(len(rows), -1, n).sum(1) if letters_first(layout) else rows.reshape(len(rows), n, -1).sum(2)


def input_shape(layout: Layout, q: int, n: int) -> tuple[int, ...]:
    """Return the shape of one sequence of n letters, of an alphabet of q."""
    if isinstance(layout, str):
        return {"channels_first": (q, n), "channels_last": (n, q)}.get(layout, (n * q,))
    return tuple({"letter": q, "position": n}.get(str(axis), 1) for axis in layout)


def arranged(onehot: np.ndarray, layout: Layout) -> np.ndarray:
    """Return (N, n, q) one-hot sequences in a layout, contiguous."""
    count, n, q = onehot.shape
    turned = np.ascontiguousarray(onehot.transpose(0, 2, 1)) if letters_first(layout) else onehot
    return turned.reshape(count, *input_shape(layout, q, n))


def onehot_encoder(source: Mapping[str, Any], template: Template) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that turns letter codes into a model's input.

    Args:
        source: `layout`: `channels_first` (N, q, n), `channels_last` (N, n, q), `flat` (N, n * q, position-major) or
            `flat_channels_first` (N, q * n, letter-major), or its axes after that of the sequences, of `letter`,
            `position` and 1; `dtype`: `float32` or `float64` (halves are made of the former); `unknown_letters`, what a
            letter outside the alphabet (N) becomes: `zeros` or `mean` (1/q for each letter).
        template: its alphabet's order is the order of the channels.

    Returns:
        A function from (N, n) uint8 alphabet codes, `MISSING` for N, to the contiguous input.
    """
    q, dtype = template.alphabet.q, source.get("dtype", "float32")
    unknown = 1 / q if source.get("unknown_letters") == "mean" else 0.0
    letters = np.vstack([np.eye(q), np.full(q, unknown)]).astype("float32" if "16" in dtype else dtype)

    def encode(codes: np.ndarray) -> np.ndarray:
        return arranged(letters[np.minimum(codes, q)], source["layout"])

    return encode
