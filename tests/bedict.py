"""BE-DICT's per-base network of ABEmax (Marquart et al. 2021), with modules named as its published tensors are."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

LETTERS = "ACTG"  # in the order of the network's numbers
POSITIONS, WIDTH, HIDDEN, HEADS, UNITS = 20, 64, 128, 8, 2


class _Embedder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.nucleo_emb, self.pos_emb = nn.Embedding(len(LETTERS), WIDTH), nn.Embedding(POSITIONS, WIDTH)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return self.nucleo_emb(numbers) + self.pos_emb.weight


class _Head(nn.Module):
    """Attention of full width."""

    def __init__(self) -> None:
        super().__init__()
        self.Wq, self.Wk, self.Wv = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.Wq(x) @ self.Wk(x).mT / WIDTH**0.5, -1) @ self.Wv(x)


class _Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.multihead_pipeline = nn.ModuleList([_Head() for _ in range(HEADS)])
        self.Wz = nn.Linear(HEADS * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.Wz(torch.cat([head(x) for head in self.multihead_pipeline], -1))


class _Unit(nn.Module):
    """Attention and a multilayer perceptron, each normalised after its residual."""

    def __init__(self) -> None:
        super().__init__()
        self.multihead_attn = _Heads()
        self.layernorm_1, self.layernorm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.MLP = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, WIDTH))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layernorm_1(self.multihead_attn(x) + x)
        return self.layernorm_2(self.MLP(x) + x)


class _Pooling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.Q = nn.Parameter(torch.zeros(POSITIONS, WIDTH))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.Q @ z.mT / WIDTH**0.5, -1) @ z


class BeDict(nn.Module):
    """Maps (N, 20) int64 letter numbers to the (N, 20) logits that the letter at each position is edited."""

    def __init__(self) -> None:
        super().__init__()
        self.nucleopos_embedder = _Embedder()
        self.trfunit_pipeline = nn.Sequential(*[_Unit() for _ in range(UNITS)])
        self.pooling = _Pooling()
        self.Wy = nn.Linear(WIDTH, 2, bias=False)
        self.bias = nn.Parameter(torch.zeros(POSITIONS, 2))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Answer logits: the difference of the two classes' scores."""
        pooled = self.pooling(self.trfunit_pipeline(self.nucleopos_embedder(numbers)))
        scores = self.Wy(pooled) + self.bias
        return scores[..., 1] - scores[..., 0]


def load_bedict(weights: Path) -> BeDict:
    """Load the published tensors."""
    network = BeDict()
    with np.load(weights, allow_pickle=False) as arrays:
        network.load_state_dict({name: torch.from_numpy(arrays[name]) for name in arrays})
    return network.eval()


class Edited(BeDict):
    """Answers the (N, 20) chances themselves."""

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(super().forward(numbers))
