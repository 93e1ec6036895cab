"""Networks that are watched and changed while they run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import token_cases
import torch
from toy_network import DNA, TOY, draw

from shapsketch.mechanism import activations
from shapsketch.models import Model
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


@pytest.fixture
def source(tmp_path):
    (tmp_path / "toy.py").write_text(TOY)
    return {"kind": "torch", "layout": "channels_first", "factory": f"{tmp_path}/toy.py:network"}


def test_sites_are_what_modules_take_and_give(source):
    network = HookedNetwork(source, DNA, ["a", "b"])
    sites = [network.site("conv"), network.site("conv", "in"), network.site("pool"), network.site("head", "in")]
    assert [(s.positions, s.width, s.stride, s.channels_first, s.flat) for s in sites] == [
        (8, 6, 1, True, False), (8, 4, 1, True, False), (4, 6, 2, True, False), (1, 5, 0, False, True),
    ]  # fmt: skip
    codes = draw(50)
    kept = activations.collect(network, codes, sites, batch=7)
    assert np.array_equal(kept["conv.in"], np.eye(4, dtype=np.float32)[codes])
    with torch.no_grad():
        conv = network.module.conv(torch.from_numpy(np.eye(4, dtype=np.float32)[codes]).transpose(1, 2))
    assert np.allclose(kept["conv.out"], conv.transpose(1, 2), atol=1e-6)
    assert np.allclose(kept["head.in"][:, 0] @ network.module.head.weight.T.numpy() + network.module.head.bias.numpy(),
                       Model(source, DNA, ["a", "b"])(codes), atol=1e-5)  # fmt: skip
    averaged = activations.collect(network, codes, sites[:1], pool="mean", precision="float16")
    assert averaged["conv.out"].dtype == np.float16
    assert np.allclose(averaged["conv.out"][:, 0], kept["conv.out"].mean(1), atol=2e-3)
    names = [row["module"] for row in network.modules()]
    assert names == ["conv", "shared", "pool", "mix", "shared", "head"]
    assert network.modules()[0] | {"parameters": 0} == {
        "module": "conv", "type": "Conv1d", "input": "4 x 8", "output": "6 x 8", "parameters": 0,
    }  # fmt: skip


SQUARE = """
import torch
from torch import nn

class Square(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu = nn.Conv1d(4, 8, 3, padding="same"), nn.ReLU()
        self.block, self.pool, self.pooled = nn.Identity(), nn.MaxPool1d(2), nn.Identity()
        self.short, self.mixed, self.last, self.late = nn.Identity(), nn.Identity(), nn.Linear(8, 8), nn.Identity()

    def forward(self, x):
        h = self.relu(self.conv(x))
        h = self.block(h.transpose(1, 2))
        p = self.pooled(self.pool(h.transpose(1, 2)))
        p = self.short(p.transpose(1, 2))
        m = self.mixed(h.sum((1, 2))[:, None, None] * torch.arange(64.0).reshape(8, 8))
        return self.late(self.last(m).transpose(0, 1)).sum((0, 2))[:, None] + p.sum((1, 2))[:, None]

def network():
    return Square()
"""


def test_positions_are_told_from_as_many_channels_by_letters_that_change(tmp_path):
    (tmp_path / "square.py").write_text(SQUARE)
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{tmp_path}/square.py:network"}
    network = HookedNetwork(source, DNA, ["y"])
    sites = [network.site(name) for name in ("conv", "relu", "block", "last")] + [network.site("block", "in")]
    assert [(s.positions, s.width, s.channels_first) for s in sites] == [
        (8, 8, True), (8, 8, True), (8, 8, False), (8, 8, False), (8, 8, False),
    ]  # fmt: skip
    kept = activations.collect(network, draw(20), sites)
    assert np.array_equal(kept["relu.out"], np.maximum(kept["conv.out"], 0))
    assert np.array_equal(kept["block.out"], kept["relu.out"])
    assert (network.site("pool").positions, network.site("pool").stride) == (4, 2)
    for name, sentence in [
        ("pooled", r"of shape \(8, 4\) .* and no axis of it has 8 positions \(that of 8 holds channels\); set"),
        ("short", r"of shape \(4, 8\) .* and no axis of it has 8 positions \(that of 8 holds channels\); set"),
        ("mixed", "has as many channels as positions, 8, and letters that change do not tell which are which"),
        ("late", "has another axis than that of the sequences first"),
    ]:
        with pytest.raises(InputError, match=sentence):
            network.site(name)


def test_outputs_are_those_of_the_model(source):
    codes = draw(30)
    for outputs in (["a", "b"], {"b": {"column": 1, "transform": {"power": 1.0}}}):
        own = source | ({"select": outputs} if isinstance(outputs, dict) else {})
        values = HookedNetwork(source | own, DNA, list(outputs)).predict(codes) if len(outputs) == 2 else None
        if values is not None:
            assert np.allclose(values, Model(own, DNA, list(outputs))(codes), atol=1e-6)
    own = source | {"select": {"b": {"column": 1}}}
    assert np.allclose(HookedNetwork(own, DNA, ["b"]).predict(codes), Model(own, DNA, ["b"])(codes), atol=1e-6)


def test_tokens_of_padding_are_hidden_as_from_the_model(tmp_path):
    source = token_cases.places(tmp_path, attention="attention_mask")
    values = Model(source, token_cases.TEMPLATE, ["y"])(token_cases.CODES)
    assert np.allclose(HookedNetwork(source, token_cases.TEMPLATE, ["y"]).predict(token_cases.CODES), values)
    del source["tokens"]["attention"]
    assert not np.allclose(HookedNetwork(source, token_cases.TEMPLATE, ["y"]).predict(token_cases.CODES), values)


def test_a_change_of_a_module_reaches_the_output(source):
    network = HookedNetwork(source, DNA, ["a", "b"])
    site, codes = network.site("conv"), draw(20)
    clean = network.predict(codes)
    with network.replaced({site: lambda given, made: made}):
        assert np.allclose(network.predict(codes), clean, atol=1e-6)
    with network.replaced({site: lambda given, made: torch.zeros_like(made)}):
        silent = network.predict(codes)
    assert np.ptp(silent, axis=0).max() < 1e-6 < np.ptp(clean, axis=0).min()
    assert np.array_equal(network.predict(codes), clean)  # nothing is left behind


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_networks_in_half_precision_are_looked_into(source, dtype):
    full, network = HookedNetwork(source, DNA, ["a", "b"]), HookedNetwork(source | {"dtype": dtype}, DNA, ["a", "b"])
    codes = draw(30)
    clean = network.predict(codes)
    assert np.array_equal(clean, Model(source | {"dtype": dtype}, DNA, ["a", "b"])(codes))
    assert np.allclose(clean, full.predict(codes), atol=1e-2)
    assert network.modules() == full.modules()
    sites = [network.site("conv"), network.site("head", "in")]
    kept, wanted = (activations.collect(one, codes, sites) for one in (network, full))
    for key, vectors in kept.items():
        assert vectors.dtype == np.float32
        assert 0 < np.abs(vectors - wanted[key]).max() < 2e-2
    with network.replaced({sites[0]: lambda given, made: made}):
        assert np.allclose(network.predict(codes), clean, atol=5e-3)  # which convolutions round otherwise
    own = {"dtype": dtype, "select": {"a": {"column": 0, "transform": {"power": 1.0}}}}
    values = HookedNetwork(source | own, DNA, ["a"]).forward(network.onehot(codes))
    assert values.dtype == torch.float32
    assert np.array_equal(values[:, 0].detach().numpy(), clean[:, 0])


def test_special_tokens_are_left_out_and_put_back(tmp_path):
    (tmp_path / "tokens.py").write_text(
        "import torch\nfrom torch import nn\nclass Tokens(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.body = nn.Identity()\n"
        "    def forward(self, x):\n        end = torch.full_like(x[:, :1], 7.0)\n"
        "        return self.body(torch.cat([end, x, 2 * end], 1)).sum((1, 2))[:, None]\n"
        "def network():\n    return Tokens()\n"
    )
    source = {"kind": "torch", "layout": "channels_last", "factory": f"{tmp_path}/tokens.py:network"}
    network = HookedNetwork(source, DNA, ["a"])
    with pytest.raises(InputError, match=r"no axis of it has 8 positions; set special_tokens"):
        network.site("body")
    site = network.site("body", special=(1, 1))
    kept = activations.collect(network, draw(5), [site])
    assert kept["body.out"].max() == 1.0
    with network.replaced({site: lambda given, made: 0 * made}):
        assert np.allclose(network.predict(draw(5)), 3 * 7 * 4)


def test_mistakes_are_told(source, tmp_path):
    network = HookedNetwork(source, DNA, ["a", "b"])
    for name, sentence in [
        ("convs", "has no module 'convs'; did you mean 'conv'?"),
        ("zzz", "it has conv, pool, mix, shared, head, unused"),
        ("shared", "runs 2 times when a sequence is asked; it must run once"),
        ("unused", "does not run when a sequence is asked"),
    ]:
        with pytest.raises(InputError) as told:
            network.site(name)
        assert sentence in str(told.value)
    with pytest.raises(InputError, match="has none to name: give a source of the kind torch with factory"):
        HookedNetwork({"kind": "torch", "path": "m.pt2", "layout": "flat"}, DNA, ["a"])
    with pytest.raises(InputError, match="looks into one pass of one network, and .* has reverse_complement; leave it"):
        HookedNetwork(source | {"reverse_complement": True}, DNA, ["a"])


IN_PLACE = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.mix, self.out = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 1)
        self.act, self.inplace = nn.ReLU(inplace), inplace

    def forward(self, x):
        x = self.embed(x)
        y = self.mix(input=x)
        if self.inplace:
            y += x
        else:
            y = y + x
        return self.out(self.act(y).mean(1))

class Head(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        torch.manual_seed(0)
        self.mix, self.act, self.out = nn.Linear(32, 6), nn.ReLU(inplace), nn.Linear(6, 1)

    def forward(self, x):
        return self.out(self.act(self.mix(x.flatten(1))))

class Again(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix, self.out = nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x, times=2):
        return self(self.mix(x), times - 1) if times else self.out(x.mean(1))

class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.again = Again()

    def forward(self, x):
        return self.again(x)

def again(): return Outer()
def plain(): return Network(False)
def in_place(): return Network(True)
def plain_head(): return Head(False)
def in_place_head(): return Head(True)
"""


@pytest.mark.parametrize("kind", ["", "_head"])
def test_what_a_network_does_in_place_is_not_what_its_modules_give(tmp_path, kind):
    (tmp_path / "net.py").write_text(IN_PLACE)
    source, codes, kept, pushed = {"kind": "torch", "layout": "channels_last"}, draw(20), [], []
    for name in ("plain", "in_place"):
        network = HookedNetwork({**source, "factory": f"{tmp_path}/net.py:{name}{kind}"}, DNA, ["a"])
        sites = [network.site("mix"), network.site("mix", "in"), network.site("act", "in")]
        kept.append(activations.collect(network, codes, sites))
        given = torch.full((20, sites[0].positions, 6), -1.0)
        with network.replaced({sites[0]: lambda x, y, given=given: given}), network.watched(sites) as seen:
            pushed.append(network.predict(codes))
        assert given.unique().tolist() == [-1.0]
        assert torch.equal(seen["mix.out"], given)
        assert "mix" in [row["module"] for row in network.modules()]
    for key, values in kept[0].items():
        assert np.array_equal(values, kept[1][key])
        assert (values < 0).any() or key == "mix.in"
    assert np.array_equal(*pushed)


def test_a_module_may_call_itself(tmp_path):
    (tmp_path / "net.py").write_text(IN_PLACE)
    source = {"kind": "torch", "layout": "channels_last", "factory": f"{tmp_path}/net.py:again"}
    network = HookedNetwork(source, DNA, ["a"])
    assert [row["module"] for row in network.modules()].count("again") == 3
    with pytest.raises(InputError, match="'again' of .* runs 3 times"):
        network.site("again")


def test_bedict_gives_its_published_predictions(root, shared):
    folder = shared / "bedict_abemax"
    source = {
        "kind": "torch", "layout": "channels_last", "factory": f"{root}/tests/onehot_bedict.py:network",
        "path": f"{folder}/bedict_abemax_weights.npz",
    }  # fmt: skip
    table = pd.read_csv(folder / "reference_predictions.csv")
    template = Template(Alphabet("ACTG"), "N" * 20)
    network = HookedNetwork(source, template, [f"p{k}" for k in range(1, 21)])
    given = 1 / (1 + np.exp(-network.predict(template.alphabet.encode(table["sequence"]))))
    assert np.abs(given - table.drop(columns="sequence").to_numpy()).max() < 2e-6
    site = network.site("trfunit_pipeline.0.MLP", "in")
    assert (site.positions, site.width, site.stride) == (20, 64, 1)


def test_the_embedded_network_with_its_modules_answers_as_the_saved_program():
    root = Path(__file__).parents[3]
    folder = root / "resources/models/guide_cnn"
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{folder}/network.py:network"}
    network = HookedNetwork(source, Template(Alphabet("ACGT"), "N" * 25 + "GGNNN"), ["activity"])
    known = pd.read_csv(folder / "reference_predictions.csv")
    codes = network.template.alphabet.encode(known["sequence"].tolist())
    assert np.allclose(network.predict(codes)[:, 0], known["prediction"], atol=1e-5)
    assert [row["module"] for row in network.modules()] == ["motifs", "mixing"]
