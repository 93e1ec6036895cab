"""Attention over the positions of a sequence: the body of students that follow transformers.

Blocks normalise what they read (Vaswani et al. 2017; Xiong et al. 2020), and add a number for each pair of positions to
what attention weighs by, since a template's positions are places, not distances.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, HEADS, HIDDEN = 48, 4, 96  # of each position; of attention; of the perceptron of each position
SLOWER = 2  # times than convolutions of as many multiplications
PLACE = 0.5  # standard deviation of what a position is told of its place


class Attention(nn.Module):
    """Takes (N, n, w) features of letters and returns (N, n, WIDTH): every position after it has read all others.

    Attributes:
        letters: the embedding of a position's features.
        places: (n, WIDTH), of the positions themselves.
        blocks: one after another.
        norm: of what the last one returns.
    """

    def __init__(self, n: int, features: int, blocks: int) -> None:
        super().__init__()
        self.letters = nn.Linear(features, WIDTH)
        self.places = nn.Parameter(torch.empty(n, WIDTH))
        self.blocks = nn.ModuleList(Block(n) for _ in range(blocks))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, n, w) features to (N, n, WIDTH)."""
        hidden = self.letters(x) + self.places
        for block in self.blocks:
            hidden = block(hidden)
        normed: torch.Tensor = self.norm(hidden)
        return normed

    def start(self, generator: torch.Generator) -> None:
        """Draw the places; all other parameters are the linear layers', or start as PyTorch leaves them."""
        with torch.no_grad():
            self.places.normal_(0, PLACE, generator=generator)


class Block(nn.Module):
    """Attention of all positions to all, then a perceptron of each, both added to what they read."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.reading, self.read = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.pairs = nn.Parameter(torch.zeros(HEADS, n, n))
        self.hidden, self.out = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, n, WIDTH) to the same shape."""
        count, n, width = x.shape
        shape = count, n, 3, HEADS, width // HEADS
        queries, keys, values = self.reading(self.before(x)).view(shape).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(queries @ keys.mT / math.sqrt(width // HEADS) + self.pairs, -1)
        x = x + self.read((weights @ values).transpose(1, 2).reshape(x.shape))
        return x + self.out(F.gelu(self.hidden(self.between(x))))


def products(positions: int, features: int, blocks: int) -> int:
    """Return the multiplications of convolutions that take as long as a body does for one sequence."""
    block = 4 * WIDTH**2 + 2 * WIDTH * HIDDEN + 2 * positions * WIDTH
    return SLOWER * positions * (features * WIDTH + blocks * block)
