"""Sites: what a module of a network takes or gives, as vectors, wherever the network keeps its channels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


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
        """Return the (N, positions, width) vectors of what the module takes or gives."""
        if self.flat:
            return tensor[:, None]
        turned = tensor.transpose(1, 2) if self.channels_first else tensor
        return turned[:, self.first : turned.shape[1] - self.last]

    def put_back(self, tensor: "torch.Tensor", vectors: "torch.Tensor") -> "torch.Tensor":
        """Return the tensor (N, ...) with other (N, positions, width) vectors, special tokens as they were."""
        import torch

        if self.flat:
            return vectors[:, 0].to(tensor.dtype)
        turned = tensor.transpose(1, 2) if self.channels_first else tensor
        stop = turned.shape[1] - self.last
        whole = torch.cat([turned[:, : self.first], vectors.to(tensor.dtype), turned[:, stop:]], 1)
        return whole.transpose(1, 2) if self.channels_first else whole
