"""Small networks for methods that follow gradients."""

import numpy as np

from baseline_cases import Function
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template


class Sparse(Function):
    """A sparse function of eight letters: single positions, and maybe a pair."""

    template = Template(Alphabet("ACGT"), "N" * 8)

    def __init__(self, pair):
        rng = np.random.default_rng(3)
        self.single, self.pair, self.evaluations = rng.normal(size=(8, 4)), pair, 0

    def __call__(self, codes):
        self.evaluations += len(codes)
        y = self.single[np.arange(8), codes].sum(1) + self.pair * (codes[:, 2] == 0) * (codes[:, 6] == 0)
        return np.stack([np.zeros(len(codes)), y], 1)


NETWORKS = """
import torch
from torch import nn
class Network(nn.Module):
    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.kind, self.first, self.last = kind, nn.Conv1d(4, 5, 3), nn.Linear(20, 2)
    def forward(self, x):
        x = self.first(x)
        if self.kind == "relu":
            x = torch.relu(x)
        if self.kind == "squared":
            x = x * x
        return self.last(x.flatten(1))
def linear(): return Network("linear")
def relu(): return Network("relu")
def squared(): return Network("squared")
class Turned(Network):
    def forward(self, x):
        return super().forward(x.transpose(1, 2))
def relu_turned(): return Turned("relu")
"""
