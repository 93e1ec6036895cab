"""A small network with modules of all kinds."""

from shapsketch.mechanism import activations
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

TOY = """
import torch
from torch import nn

class Toy(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv1d(4, 6, 3, padding=1)
        self.pool = nn.AvgPool1d(2)
        self.mix = nn.Linear(6, 5)
        self.shared = nn.ReLU()
        self.head = nn.Linear(5, 2)
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        h = self.shared(self.conv(x))
        h = self.shared(self.mix(self.pool(h).transpose(1, 2)))
        return self.head(h.mean(1))

def network():
    return Toy()

def text():
    return "no network"
"""

DNA = Template(Alphabet("ACGT"), "N" * 8)


def draw(count, template=DNA):
    return activations.draw(Background.uniform(template), 0, 0, count)
