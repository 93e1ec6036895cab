"""The planted network, with its exact dictionary or one that was trained."""

import planted
import pytest

from shapsketch.mechanism import activations
from shapsketch.mechanism.training import Training, train
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.background import Background

MODULES = ("first", "second")


@pytest.fixture(scope="session")
def network(root):
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    return HookedNetwork(source, planted.TEMPLATE, ["y"])


@pytest.fixture(scope="session")
def letters():
    return activations.draw(Background.uniform(planted.TEMPLATE), 0, 0, 200)


@pytest.fixture(scope="session", params=["transcoder", "cross_layer"])
def traced(network, request):
    """The network and its exact dictionary, of both kinds that circuits are read from."""
    return network, planted.exact_dictionary(network, request.param)


@pytest.fixture(scope="session")
def trained(network):
    """The network, a transcoder of it, and the vectors at its sites."""
    reads, writes = (tuple(network.site(m, end) for m in MODULES) for end in ("in", "out"))
    drawn = activations.draw(Background.uniform(planted.TEMPLATE), 0, 0, 3000)
    kept = activations.collect(network, drawn, [*reads, *writes])
    flat = [[kept[s.key].reshape(-1, s.width) for s in sites] for sites in (reads, writes)]
    settings = Training(kind="transcoder", latents=6, k=1, steps=200, batch=256, rate=0.04, dead_after=2000)
    return network, train(*flat, (reads, writes), settings), flat
