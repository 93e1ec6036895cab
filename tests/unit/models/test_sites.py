"""Sites: which axis of what a module gives are the positions, and which letters each stands for.

Covers also: site_search.
"""

import numpy as np
import pytest
import torch

from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.models.sites import axis_of_positions, with_other_letters
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template


class Blocks(torch.nn.Module):
    """A transformer of positions as wide as they are many."""

    def __init__(self, width):
        super().__init__()
        self.embed, self.places = torch.nn.Linear(4, width), torch.nn.Parameter(torch.randn(width, width))
        layers = [torch.nn.TransformerEncoderLayer(width, 2, 2 * width, batch_first=True) for _ in range(4)]
        self.layers = torch.nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(self.embed(x.transpose(1, 2)) + self.places)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [8, 20])
def test_an_axis_of_positions_is_found_in_networks_of_random_weights(n, seed):
    torch.manual_seed(seed)
    convolutions = torch.nn.Sequential(torch.nn.Conv1d(4, n, 5, padding="same"), torch.nn.ReLU())
    recurrent = torch.nn.LSTM(4, n // 2, bidirectional=True, batch_first=True)
    networks = [(convolutions, 1), (Blocks(n).eval(), 0), (lambda x: recurrent(x.transpose(1, 2))[0], 0)]
    codes, places = with_other_letters(np.zeros(n, np.uint8), 4)
    onehot = torch.from_numpy(np.eye(4, dtype=np.float32)[codes]).transpose(1, 2)
    for network, axis in networks:
        with torch.no_grad():
            given = network(onehot).numpy()
        changes = np.abs(given[1:] - given[0]).reshape(len(places), 3, n, n).sum(1)
        assert axis_of_positions(changes, places) == axis
        assert axis_of_positions(changes.transpose(0, 2, 1), places) == 1 - axis
        assert axis_of_positions(changes[:1], places[:1]) is None
        assert axis_of_positions(0 * changes, places) is None


STRIDES = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        torch.manual_seed(0)
        self.body, self.out = nn.Sequential(*layers), nn.Linear(6, 1)

    def forward(self, x):
        return self.out(self.body(x).mean(2))

def valid(): return Network(nn.Conv1d(4, 6, 21), nn.Conv1d(6, 6, 1))  # 40 letters, 20 positions
def pooled(): return Network(nn.Conv1d(4, 6, 9), nn.AvgPool1d(4))  # 40 letters, 8 positions of 4
def padded(): return Network(nn.Conv1d(4, 6, 9, padding=4), nn.AvgPool1d(4))
def strided(): return Network(nn.Conv1d(4, 6, 5, 2, padding=2), nn.Conv1d(6, 6, 5, 2, padding=2))
def patches(): return Network(nn.Conv1d(4, 6, 8, 8), nn.Conv1d(6, 6, 3, padding=1))
def long():
    return Network(nn.Conv1d(4, 6, 8, padding="same"), nn.ReLU(), nn.MaxPool1d(2),
                   nn.Conv1d(6, 6, 8, padding="same"), nn.ReLU(), nn.MaxPool1d(5))
def short(): return Network(nn.Conv1d(4, 6, 7), nn.MaxPool1d(50))  # 300 letters, 5 positions of 50

class Ungraded(Network):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)

def ungraded(): return Ungraded(nn.Conv1d(4, 6, 9), nn.AvgPool1d(4))
def wide(): return Network(nn.Conv1d(4, 6, 39, padding=19), nn.Conv1d(6, 6, 39, padding=19), nn.MaxPool1d(5))
"""


@pytest.mark.parametrize(
    ("name", "n", "stride"),
    [
        ("valid", 40, 0), ("pooled", 40, 0), ("padded", 40, 4), ("strided", 40, 4), ("patches", 40, 8), ("wide", 40, 5),
        ("long", 1000, 10), ("short", 300, 0),
        ("ungraded", 40, 5),  # which cannot be told
    ],
)  # fmt: skip
def test_positions_of_unpadded_convolutions_are_of_no_letters(tmp_path, name, n, stride):
    (tmp_path / "net.py").write_text(STRIDES)
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{tmp_path}/net.py:{name}"}
    network = HookedNetwork(source, Template(Alphabet("ACGT"), "N" * n), ["a"])
    assert network.site(f"body.{len(network.module.body) - 1}").stride == stride
