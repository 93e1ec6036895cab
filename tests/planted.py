"""A toy model whose features and circuit are known: an oracle for what looks inside networks.

Six letters of DNA. The first perceptron writes two features of each position, `g` (a G) and `t` (a T); fixed attention
puts the t of the position before beside them; the second perceptron reads both and writes their conjunction. The
output is the sum over positions of 2 g + 3 (g after t).
"""

import torch
from torch import nn

from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template

N, WIDTH = 6, 12
TEMPLATE = Template(Alphabet("ACGT"), "N" * N)


def directions_of(network) -> torch.Tensor:
    """Return the (3, WIDTH) directions of g, t and their conjunction, of a hooked network."""
    first, second = network.module.first.write.weight, network.module.second.write.weight
    return torch.stack([first[:, 0], first[:, 1], second[:, 0]])


class First(nn.Module):
    """Writes g and t from letters: rows 2 (G) and 3 (T) of the first four numbers."""

    def __init__(self):
        super().__init__()
        self.read = nn.Linear(WIDTH, 2, bias=False)
        self.write = nn.Linear(2, WIDTH, bias=False)

    def forward(self, x):
        return self.write(torch.relu(self.read(x)))


class Second(nn.Module):
    """Writes the conjunction of g here and t before."""

    def __init__(self):
        super().__init__()
        self.read = nn.Linear(WIDTH, 1)
        self.write = nn.Linear(1, WIDTH, bias=False)

    def forward(self, x):
        return self.write(torch.relu(self.read(x)))


class Planted(nn.Module):
    """(N, 4, 6) one-hot of ACGT in, (N, 1) out."""

    def __init__(self):
        super().__init__()
        directions = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(3)))[0]
        self.register_buffer("embed", directions[3:7])  # of letters, orthogonal to all features
        self.register_buffer("shifted", directions[7:8])  # where t of the position before is put
        self.first, self.second = First(), Second()
        g, t, both = directions[:3]
        with torch.no_grad():
            self.first.read.weight.copy_(self.embed[2:4])
            self.first.write.weight.copy_(torch.stack([g, t], 1))
            self.second.read.weight.copy_((g + self.shifted[0])[None])
            self.second.read.bias.fill_(-1.0)
            self.second.write.weight.copy_(both[:, None])
        self.register_buffer("readout", 2 * g + 3 * both)
        self.register_buffer("t", t)
        self.register_buffer("weights", torch.ones(N))

    def forward(self, onehot):
        x = onehot.transpose(1, 2) @ self.embed
        x = x + self.first(x)
        before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1) @ self.t
        x = x + before[..., None] * self.shifted
        x = x + self.second(x)
        return ((x @ self.readout) * self.weights).sum(1, keepdim=True)


def network():
    return Planted().eval()


def untied():
    """Return the network that counts C, too, and weighs positions: no two sequences are equal but for rounding."""
    made = Planted()
    made.readout.add_(0.4 * made.embed[1])
    made.weights.copy_(torch.tensor([1.03, 1.17, 0.83, 1.31, 0.71, 1.09]))
    return made.eval()


def exact_dictionary(network, kind="transcoder"):
    """The dictionary whose latents are the planted features: 0.0 is g, 0.1 is t, 1.0 their conjunction, 1.1 nothing."""
    from shapsketch.models.dictionary import Dictionary

    first, second, nothing = network.module.first, network.module.second, torch.zeros(1, WIDTH)
    w_enc = (first.read.weight.T, torch.cat([second.read.weight, nothing]).T)
    b_enc = (torch.zeros(2), torch.cat([second.read.bias, torch.zeros(1)]))
    writes = [first.write.weight.T, torch.cat([second.write.weight.T, nothing])]
    later = (torch.zeros(2, WIDTH),) if kind == "cross_layer" else ()
    sites = [tuple(network.site(name, end) for name in ("first", "second")) for end in ("in", "out")]
    # rounding is not activity
    return Dictionary(kind, "threshold", 2, *sites, w_enc, b_enc, ((writes[0], *later), (writes[1],)),
                      (torch.zeros(WIDTH), torch.zeros(WIDTH)), (torch.full((2,), 1e-3),) * 2, {})  # fmt: skip
