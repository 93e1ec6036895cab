"""Sites: what a module of a network takes or gives, as vectors, wherever the network keeps its channels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

MAX_PLACES, MAX_OTHERS = 5, 3  # where letters are changed to find an axis of positions, and into how many others each
MAX_SHIFT = 3  # letters, of padded layers of even widths, each of which is half a letter off
MIN_SLOPE, MIN_RATIO = 0.2, 2.0  # of what moves along with a letter; see `axis_of_positions`


@dataclass(frozen=True)
class Site:
    """What a module takes (`end` is `in`) or gives (`out`), as vectors.

    Attributes:
        module: its name.
        end: `in` or `out`.
        positions: vectors of a sequence, without special tokens; 1 where the module has no positions.
        width: numbers of a vector.
        stride: letters of each position; 0 where positions and letters are not aligned.
        channels_first: whether the width comes before the positions.
        first, last: special tokens before and after the letters, which are left out.
        flat: whether the module has no positions.
    """

    module: str
    end: str
    positions: int
    width: int
    stride: int
    channels_first: bool = False
    first: int = 0
    last: int = 0
    flat: bool = False

    @property
    def key(self) -> str:
        """Its name in files."""
        return f"{self.module}.{self.end}"

    def vectors(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """Return the (N, positions, width) float32 vectors of what the module takes or gives, in whatever precision."""
        if self.flat:
            return tensor[:, None].float()
        turned = tensor.transpose(1, 2) if self.channels_first else tensor
        return turned[:, self.first : turned.shape[1] - self.last].float()

    def put_back(self, tensor: "torch.Tensor", vectors: "torch.Tensor") -> "torch.Tensor":
        """Return the tensor (N, ...) with other (N, positions, width) vectors, special tokens as they were."""
        import torch

        if self.flat:
            return vectors[:, 0].to(tensor).clone()  # not theirs, which the network may change in place
        turned = tensor.transpose(1, 2) if self.channels_first else tensor
        stop = turned.shape[1] - self.last
        whole = torch.cat([turned[:, : self.first], vectors.to(tensor), turned[:, stop:]], 1)
        return whole.transpose(1, 2) if self.channels_first else whole


def first_tensor(value: Any) -> Any:
    """Return the (N, ...) tensor of what a module takes or gives; of several the first, and None of none."""
    if isinstance(value, (tuple, list)):
        return value[0] if value else None
    return value


def copied(value: Any) -> Any:
    """Return a copy of `first_tensor`, (N, ...), which keeps its gradient."""
    tensor = first_tensor(value)
    return tensor.clone() if hasattr(tensor, "clone") else tensor


def shape_of(value: Any) -> tuple[int, ...]:
    """Return the shape of `first_tensor`, (N, ...); empty where there is none."""
    return tuple(getattr(first_tensor(value), "shape", ()))


def with_other_letters(codes: np.ndarray, q: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (1 + K M, n) codes: a sequence, and it with each of M other letters at each of K places; and the places.

    Args:
        codes: (n,) uint8 alphabet codes.
        q: letters of the alphabet.
    """
    places, others = np.unique(np.linspace(0, len(codes) - 1, MAX_PLACES).astype(int)), min(MAX_OTHERS, q - 1)
    changed = codes[None].repeat(1 + len(places) * others, 0)
    at = places.repeat(others)
    changed[np.arange(1, len(changed)), at] = (codes[at] + np.tile(np.arange(1, others + 1), len(places))) % q
    return changed, places


def axis_of_positions(changes: np.ndarray, places: np.ndarray) -> int | None:
    """Find the axis of positions: what a changed letter changes lies further along it, the later the letter.

    Along channels it lies where it lay, up to chance. Of convolutions, transformers and recurrent networks of random
    weights the slope along positions is 0.3 to 1, and that along channels a third of it at most; where every letter
    changes everything alike, as in one layer of attention by itself, both are near 0.

    Args:
        changes: (K, A, B) how much each number of a tensor changes where one letter does.
        places: (K,) where that letter is.

    Returns:
        0 or 1; None where neither tells.
    """
    seen = changes.sum((1, 2)) > 0  # false where nothing changes, or what changes is not finite
    changes, shares = changes[seen], places[seen] / max(1, places.max())
    apart = shares - shares.mean() if len(shares) else shares
    if not apart.any():
        return None
    slopes = []
    for axis in (0, 1):
        profiles = changes.sum(2 - axis)
        middles = profiles @ np.linspace(0, 1, profiles.shape[1]) / profiles.sum(1)
        slopes.append(abs(float(apart @ middles / (apart @ apart))))
    best = int(slopes[1] > slopes[0])
    return best if slopes[best] >= max(MIN_SLOPE, MIN_RATIO * slopes[1 - best]) else None


def is_aligned(seen: np.ndarray, positions: int, stride: int) -> bool:
    """Tell whether each position stands for the letters at its own share of the input, `stride` of them.

    It does where a network pads its ends: one in the middle lies there, and the first and the last see the letters of
    one side alone, about half as many. Without padding they see as many, and stand for letters further inside.

    Args:
        seen: (3, n) bool, the letters that the first position sees, that of number `positions // 2`, and the last.
        positions: how many there are.
        stride: letters of a position, if it is.

    Returns:
        Also true where this cannot be told, as the one in the middle sees both ends.
    """
    if not seen.any(1).all() or (seen[1, 0] and seen[1, -1]):
        return True
    ends = [np.flatnonzero(letters)[[0, -1]] for letters in seen]
    first, middle, last = (int(stop - start) + 1 for start, stop in ends)
    off = abs((ends[1].sum() + 1) / 2 - (positions // 2 + 0.5) * stride)
    half = (middle + stride) / 2 + max(stride / 2, MAX_SHIFT)
    return bool(off <= stride / 4 + MAX_SHIFT and max(first, last) <= half)
