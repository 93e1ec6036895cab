"""Whatever looks into networks computes the same on a second device, and nothing there meets what is not there.

The second device is one that computes on the processor; where there is a GPU, it is that, too.
"""

from contextlib import nullcontext

import numpy as np
import planted
import planted_masked
import pytest
import torch
from second_device import DEVICE, second_device

from shapsketch.masks.student import train_students
from shapsketch.mechanism import (
    ablation,
    activations,
    circuits,
    design,
    games,
    latents,
    measures,
    nodes,
    rankings,
    steering,
)
from shapsketch.mechanism.replacement import encode_all
from shapsketch.mechanism.training import Training, train
from shapsketch.models import Model
from shapsketch.models.dictionary import Dictionary, as_numpy
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.recovery import networks
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

LONG = Template(Alphabet("ACGT"), "N" * 200)
CODES = activations.draw(Background.uniform(planted.TEMPLATE), 0, 0, 24)


CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@pytest.fixture(params=[pytest.param(second_device, id="stand-in"), pytest.param(nullcontext, id="cuda", marks=CUDA)])
def both(root, tmp_path, request):
    """What a function of a source and its dictionary's path gives on the processor, and on the second device."""

    def compare(function, module=planted, factory="untied", **keys):
        source = {"kind": "torch", "factory": f"{module.__file__}:{factory}", **keys}
        network = HookedNetwork(source, Template(Alphabet("ACGT"), "N" * module.N), ["y"])
        module.exact_dictionary(network).save(tmp_path / "d.safetensors")
        wanted = function(source, tmp_path / "d.safetensors")
        with request.param():
            made = function({**source, "device": "cuda"}, tmp_path / "d.safetensors")
        return made, wanted

    return compare


def mechanism(source, path):
    network = HookedNetwork(source, Template(Alphabet("ACGT"), "N" * planted.N), ["y"])
    dictionary = Dictionary.of_network(path, network)
    assert {t.device.type for t in (*dictionary.w_enc, *dictionary.w_dec[0])} == {network.device.type}
    return network, dictionary, [z.mean(0) for z in encode_all(network, dictionary, CODES)]


def traced(source, path):
    network, dictionary, _ = mechanism(source, path)
    graphs = [circuits.trace(network, dictionary, codes, "y") for codes in CODES[:2]]
    return [array for g in graphs for array in (g.effects, g.rest, g.activation, g.position, g.latent)]


def ranked(source, path):
    network, dictionary, means = mechanism(source, path)
    first = rankings.by_ablation(network, dictionary, CODES, means, 0)
    order = np.argsort(-first)
    return [
        first,
        rankings.by_gradient(network, dictionary, CODES, means, 0),
        rankings.by_selection(network, dictionary, CODES, means, 0, first),
        ablation.ablated(network, dictionary, CODES, means, order, [0, 1, 4], 0),
    ]


def played(source, path):
    network, dictionary, means = mechanism(source, path)
    made = games.explain_sequences(network, dictionary, CODES[:2], means, [0, 1, 2], 0)
    return [made.values, made.pairs, made.bases]


def named(source, path):
    network, dictionary, means = mechanism(source, path)
    watched = nodes.Watched.of(network, dictionary, CODES, np.arange(len(CODES)), 0)
    found = nodes.strongest_nodes(network, dictionary, watched, means, 0)
    rows = [[node["position"], node["effect"], node["size"], node["f1"]] for node in found if node["size"] > 1e-4]
    return [np.array(sorted(rows))]  # their order is rounding's where a G and the T before it do the same


def steered(source, path):
    network, dictionary, _ = mechanism(source, path)
    coded = latents.Coded.of(network, dictionary, [""] * len(CODES), CODES)
    effects = latents.effects(network, dictionary, coded, 10)[0]
    (row,) = steering.compare(network, dictionary, CODES[::2], CODES[1::2], effects, 0)
    doses = steering.dose_response(network, dictionary, CODES, ["1.0"], [0, 2])
    changes = [row[key] for key in ("length", "change", "random_change", "means_change", "gain")]
    return [effects, np.array(changes), np.array([dose["change"] for dose in doses])]


def measured(source, path):
    network, dictionary, _ = mechanism(source, path)
    kept = activations.collect(network, CODES, [*dictionary.reads, *dictionary.writes])
    reads, writes = (
        [kept[s.key].reshape(-1, s.width) for s in sites] for sites in (dictionary.reads, dictionary.writes)
    )
    pairs = list(zip(reads, writes, strict=True))
    layers = measures.score_vectors(dictionary, pairs, pairs, 0)
    means = {site: torch.from_numpy(y.mean(0)) for site, y in zip(dictionary.writes, writes, strict=True)}
    outputs = measures.score_outputs(network, dictionary, CODES, np.arange(len(CODES)), means, 0)
    return [np.array([[layer["fvu"], *layer["controls"].values()] for layer in layers]), np.array(outputs["recovered"])]


def sketched(source, path):
    asked = {**source, "kind": "latents", "dictionary": str(path), "pool": "max"}
    return [Model(asked, planted.TEMPLATE, ["0.0", "1.0"])(CODES)]


@pytest.mark.parametrize("function", [traced, ranked, played, named, steered, measured, sketched])
def test_a_second_device_gives_the_same(both, function):
    made, wanted = both(function, layout="channels_first")
    for one, other in zip(made, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_designs_are_pushed_on_a_second_device(both):
    def designed(source, path):
        template = Template(Alphabet("ACGT"), "N" * planted_masked.N)
        network = HookedNetwork(source, template, ["x"])
        dictionary = Dictionary.of_network(path, network)
        codes = activations.draw(Background.uniform(template), 0, 0, 30)
        plan = design.Plan(mutations=2, designs=10, latents=2, strengths=[1])
        pushes = design.directions(network, dictionary, codes, (codes == 2).sum(1).astype(float), plan, 0)
        scores = design.letter_scores(network, codes[0], pushes["latents"])
        return [scores, *(vector for push in pushes.values() for vector in push.values())]

    tokens = {"vocabulary": ["A", "C", "G", "T", "mask"], "mask": "mask"}
    made, wanted = both(designed, planted_masked, "network", input="tokens", tokens=tokens)
    for one, other in zip(made, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("variant", ["relu", "topk", "batch_topk"])
def test_dictionaries_are_trained_on_a_second_device(both, variant):
    def trained(source, path):
        network = HookedNetwork(source, planted.TEMPLATE, ["y"])
        site = network.site("first")
        vectors = activations.collect(network, CODES, [site])[site.key].reshape(-1, site.width)
        settings = Training(kind="transcoder", variant=variant, latents=8, k=2, steps=20, batch=64, dead_after=100)
        made = train([vectors], [vectors], ((site,), (site,)), settings, device=str(network.device))
        return [as_numpy(made.w_enc[0]), as_numpy(made.w_dec[0][0])]

    made, wanted = both(trained, layout="channels_first")
    for one, other in zip(made, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@CUDA
def test_students_trained_twice_on_a_gpu_are_the_same():
    codes, values = activations.draw(Background.uniform(LONG), 0, 0, 2000), np.sin(np.arange(2000.0))[:, None]
    folds = [np.arange(1000), values[:1000], np.arange(1000, 2000), values[1000:]]

    def trained():
        made = train_students(LONG, lambda rows: codes[rows], folds, 0)
        return [as_numpy(t) for network in made.networks for t in network.parameters()]

    assert all(np.array_equal(one, other) for one, other in zip(trained(), trained(), strict=True))


@pytest.fixture
def settled():
    """What PyTorch is told of arithmetic on GPUs; put back at the end."""
    flags = (torch.backends.cuda.matmul, "allow_tf32"), (torch.backends.cudnn, "allow_tf32")
    flags = (*flags, (torch.backends.cudnn, "deterministic"))
    before = [getattr(module, name) for module, name in flags]
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = True, True
    torch.backends.cudnn.deterministic = False
    yield lambda: [getattr(module, name) for module, name in flags]
    for (module, name), value in zip(flags, before, strict=True):
        setattr(module, name, value)


def test_students_are_trained_in_full_precision_on_a_gpu(settled, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert settled() == [True, True, False]
    assert networks.device().type == "cuda"
    assert settled() == [False, False, True]


def test_the_second_device_refuses_what_a_second_device_refuses():
    with second_device():
        there = torch.ones(2, 3).to(DEVICE)
        assert torch.equal((there * 2 + torch.tensor(1.0)).cpu(), torch.full((2, 3), 3.0))
        there[:, 0] = torch.zeros(2)
        assert there[torch.tensor([1])].sum().item() == 2
        for mixed in (
            lambda: there + torch.ones(3),
            lambda: there @ torch.ones(3),
            lambda: torch.cat([there, torch.ones(2, 3)]),
        ):
            with pytest.raises(RuntimeError, match="same device"):
                mixed()
        with pytest.raises(RuntimeError):
            there.numpy()
