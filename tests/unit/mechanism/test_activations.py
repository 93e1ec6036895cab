"""Shards of activations are read as one, and know their model."""

import numpy as np
import pytest
from toy_network import DNA, TOY, draw

from shapsketch.mechanism import activations
from shapsketch.models import identity
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError


@pytest.fixture
def source(tmp_path):
    (tmp_path / "toy.py").write_text(TOY)
    return {"kind": "torch", "layout": "channels_first", "factory": f"{tmp_path}/toy.py:network"}


def test_draws_of_a_chain_are_of_the_chain():
    steps = np.full((4, 4), 0.25)
    steps[1] = [0.5, 0.25, 0.0, 0.25]  # no G after a C
    chain = Background.markov(DNA, np.full(4, 0.25), steps)
    texts = DNA.alphabet.decode(activations.draw(chain, 3, 0, 500))
    assert not any("CG" in text for text in texts)
    assert any("GC" in text for text in texts)
    assert DNA.alphabet.decode(activations.draw(chain, 3, 100, 200)) == texts[100:200]


def test_shards_are_read_as_one_and_know_their_model(source, tmp_path):
    network, codes = HookedNetwork(source, DNA, ["a", "b"]), draw(23)
    sites = [network.site("conv")]
    whole = activations.collect(network, codes, sites)["conv.out"]
    record = activations.describe(sites, identity(source), "none")
    paths = [str(tmp_path / f"{k}.safetensors") for k in range(3)]
    for path, rows in zip(paths, np.array_split(np.arange(23), 3), strict=True):
        activations.write_shard(path, activations.collect(network, codes[rows], sites), codes[rows], record)
    kept = activations.Activations(tuple(paths))
    assert kept.count == 23
    assert kept.sites == sites
    assert np.allclose(kept.read("conv.out"), whole, atol=1e-6)
    assert np.array_equal(kept.read("conv.out", 5, 20), kept.read("conv.out")[5:20])
    assert np.array_equal(kept.read("codes", 7, 9), codes[7:9])
    kept.check_model(identity(source))
    with pytest.raises(InputError, match="has the activations of another model"):
        kept.check_model(identity(source | {"dtype": "float64"}))
    with pytest.raises(InputError, match=r"has no activations of mix.out; it has conv.out"):
        kept.read("mix.out")
    other = activations.describe(sites, identity(source), "mean")
    activations.write_shard(paths[1], {"conv.out": whole[:3]}, codes[:3], other)
    with pytest.raises(InputError, match=r"1.safetensors has activations of another model or other modules than"):
        activations.Activations(tuple(paths)).record  # noqa: B018
    (tmp_path / "1.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="is damaged or no safetensors file"):
        activations.Activations(tuple(paths)).rows  # noqa: B018
