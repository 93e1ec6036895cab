"""What comes before a change is not computed again, and the answer is the same to the bit."""

import pytest
import torch
from toy_network import DNA, draw

from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.models.replay import remember, replayed

NETWORK = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix, self.runs = nn.Linear(4, 4), 0

    def forward(self, x):
        self.runs += 1
        return x + torch.tanh(self.mix(x)), x

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.act = nn.Linear(4, 4), nn.ReLU()
        self.blocks = nn.ModuleList([Block() for _ in range(4)])
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            h, skip = block(self.act(x))
            x = h
            x += skip  # in the place of what the block gave
        return self.head(x.mean(1))

def network():
    return Network()
"""


@pytest.fixture
def network(tmp_path):
    (tmp_path / "blocks.py").write_text(NETWORK)
    source = {"kind": "torch", "layout": "channels_last", "factory": f"{tmp_path}/blocks.py:network"}
    return HookedNetwork(source, DNA, ["y"])


def test_a_push_gives_the_same_bits_and_runs_only_what_follows(network):
    x, site = network.onehot(draw(20)), network.site("blocks.2")
    later = network.site("blocks.3")
    memory = remember(network, x, [later, site])
    assert set(memory) == {"embed", "blocks.0", "blocks.1", "blocks.2"}  # act runs four times
    runs = [block.runs for block in network.module.blocks]
    for push in (0.0, 0.5, -2.0, 0.5):
        changes = {one: lambda _given, made, push=push: made + push for one in (site, later)}
        with torch.no_grad(), network.replaced(changes):
            whole = network.run(x)
            with replayed(network, memory):
                assert torch.equal(network.run(x), whole)
    assert [block.runs - before for block, before in zip(network.module.blocks, runs, strict=True)] == [4, 4, 4, 8]
    assert "forward" not in vars(network.module.blocks[0])


def test_without_memory_nothing_is_replayed(network):
    x = network.onehot(draw(3))
    with torch.no_grad(), replayed(network, {}):
        assert torch.equal(network.run(x), network.run(x))
