"""Circuits of a toy model whose edges are known.

Covers also: viewer.
"""

from dataclasses import replace

import numpy as np
import planted
import pytest
import torch
from planted import TEMPLATE

from shapsketch.mechanism import circuits, viewer
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.settings.errors import InputError


def test_the_planted_edges_are_found_with_their_weights(traced):
    network, dictionary = traced
    graph = circuits.trace(network, dictionary, TEMPLATE.alphabet.encode(["TGAAAA"])[0], "y")
    node = {
        (kind, int(layer), int(at), int(latent)): k
        for k, (kind, layer, at, latent) in enumerate(
            zip(graph.kinds, graph.layer, graph.position, graph.latent, strict=True)
        )
    }
    g, t, both, out = (
        node[key] for key in [("latent", 0, 1, 0), ("latent", 0, 0, 1), ("latent", 1, 1, 0), ("output", 2, 5, 0)]
    )
    effects = graph.effects
    assert np.isclose(graph.value, 5, atol=1e-5)
    assert np.isclose(effects[out, both], 3, atol=1e-4)
    assert np.isclose(effects[out, g], 2, atol=1e-4)
    assert np.isclose(effects[out, t], 0, atol=1e-4)
    assert np.isclose(effects[both, g], 1, atol=1e-4)
    assert np.isclose(effects[both, t], 1, atol=1e-4)
    assert np.isclose(graph.rest[both], -1, atol=1e-4)  # the bias
    assert np.isclose(effects[g, node["token", -1, 1, 2]], 1, atol=1e-4)
    assert np.isclose(effects[t, node["token", -1, 0, 3]], 1, atol=1e-4)
    strong = np.argwhere(np.abs(effects) > 1e-3)
    assert len(strong) == 6  # and no other edge
    assert all(value > 0.999 for value in graph.scores().values())
    assert np.isclose(effects[out].sum() + graph.rest[out], graph.value, atol=1e-4)
    says = [
        {"letter": "G", "place": 2, "f1": 1.0, "chance_f1": 0.25} if kind == "latent" else None for kind in graph.kinds
    ]
    kept = viewer.viewer_json(graph, "planted", dictionary.names(), says, 1.0)
    assert next(n["clerp"] for n in kept["nodes"] if n["node_id"] == "0_0_1") == (
        "latent 0.0: G at 2 (F1 1.00, by chance 0.25)"
    )
    assert {n["feature_type"] for n in kept["nodes"]} >= {"embedding", "logit", "cross layer transcoder"}
    ids = {n["node_id"] for n in kept["nodes"]}
    assert all(link["source"] in ids and link["target"] in ids for link in kept["links"])
    (said,) = [n["clerp"] for n in kept["nodes"] if n["is_target_logit"]]
    assert said == 'Output "y = 5" (p=1.000)'  # circuit-tracer's page reads what follows (p=
    assert len({n["jsNodeId"] for n in kept["nodes"] if n["feature_type"] != "cross layer transcoder"}) == sum(
        n["feature_type"] != "cross layer transcoder" for n in kept["nodes"]
    )
    assert {"0_0_1", "0_1_0", "1_0_1", "3_0_5", "E_2_1", "E_3_0"} <= ids


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_circuits_of_a_network_in_half_precision_are_those_up_to_rounding(network, dtype):
    half = HookedNetwork({**network.source, "dtype": dtype}, TEMPLATE, ["y"])
    dictionary, codes = planted.exact_dictionary(network), TEMPLATE.alphabet.encode(["TGAAAA"])[0]
    dictionary = replace(dictionary, thresholds=(torch.full((2,), 0.1),) * 2)  # above rounding
    made, wanted = (circuits.trace(one, dictionary, codes, "y") for one in (half, network))
    assert made.kinds == wanted.kinds
    assert np.isclose(made.value, 5, atol=0.05)
    assert np.allclose(made.effects, wanted.effects, atol=0.05)
    assert np.allclose(made.rest, wanted.rest, atol=0.05)


def test_errors_are_nodes_and_lower_the_scores(traced):
    network, dictionary = traced
    deaf = replace(dictionary, b_enc=(dictionary.b_enc[0], dictionary.b_enc[1] - 5))
    graph = circuits.trace(network, deaf, TEMPLATE.alphabet.encode(["TGAAAA"])[0], "y")
    errors = np.array(graph.kinds) == "error"
    assert np.isclose(graph.effects[-1, errors].sum(), 3, atol=1e-4)
    assert 0.3 < graph.scores()["replacement"] < 0.5
    assert graph.scores()["completeness"] < 0.9


def test_squares_of_half_precision_do_not_overflow_when_normalisation_is_frozen():
    x, norm = 1000 * torch.randn(1, 4, 8).half(), torch.nn.LayerNorm(8).half()
    with circuits.frozen():
        made = norm(x)
    assert made.dtype == torch.float16
    assert torch.allclose(made, norm(x), atol=1e-2)


def test_frozen_attention_and_normalisation_are_linear():
    x = torch.randn(1, 4, 8, requires_grad=True)
    norm, pattern = torch.nn.LayerNorm(8), torch.randn(1, 4, 4)
    with circuits.frozen():
        made = (pattern + x @ x.transpose(1, 2)).softmax(-1) @ norm(x)
        made.sum().backward()
    plain = (pattern + x @ x.transpose(1, 2)).softmax(-1) @ norm(x)
    assert torch.allclose(made, plain, atol=1e-5)
    assert torch.allclose((x.grad * x).sum(), made.sum(), atol=1e-4)  # linear in x, but for biases of zero
    with circuits.frozen(), pytest.raises(InputError, match="scaled_dot_product_attention hides it"):
        torch.nn.functional.scaled_dot_product_attention(x, x, x)
    for other in (torch.nn.GroupNorm(2, 4), torch.nn.InstanceNorm1d(4)):
        with circuits.frozen(), pytest.raises(InputError, match="need normalisation that can be held, and .*_norm is"):
            other(x)


@pytest.mark.parametrize(
    "norm", [torch.nn.LayerNorm(8), torch.nn.LayerNorm((4, 8)), torch.nn.RMSNorm(8), torch.nn.RMSNorm(8, eps=0.5)]
)
def test_normalisation_is_held(norm):
    x, push = torch.randn(1, 4, 8, generator=torch.Generator().manual_seed(0)), torch.randn(1, 4, 8)
    with circuits.frozen():
        made, moved = torch.autograd.functional.jvp(norm, x, push)
    assert torch.allclose(made, norm(x), atol=1e-5)
    axes = tuple(range(-len(norm.normalized_shape), 0))
    centred = isinstance(norm, torch.nn.LayerNorm)
    from_mean = [v - v.mean(axes, keepdim=True) if centred else v for v in (x, push)]
    eps = torch.finfo(x.dtype).eps if norm.eps is None else norm.eps
    divisor = (from_mean[0].square().mean(axes, keepdim=True) + eps).sqrt()
    assert torch.allclose(moved, from_mean[1] / divisor, atol=1e-5)


ARRANGED = """
import sys
sys.path.insert(0, {tests!r})
import planted

class Arranged(planted.Planted):
    def forward(self, x):
        x = x.reshape(len(x), {shape}){turned}
        return super().forward(x)

def network():
    return Arranged().eval()
"""


@pytest.mark.parametrize(
    ("layout", "shape", "turned"),
    [
        ("channels_last", "6, 4", ".transpose(1, 2)"),
        ("flat", "6, 4", ".transpose(1, 2)"),
        (["position", "letter"], "6, 4", ".transpose(1, 2)"),
        ([1, "position", "letter"], "6, 4", ".transpose(1, 2)"),
        (["letter", 1, "position"], "4, 6", ""),
    ],
)
def test_letters_are_at_their_positions_in_every_layout(traced, root, tmp_path, layout, shape, turned):
    network, dictionary = traced
    (tmp_path / "net.py").write_text(ARRANGED.format(tests=str(root / "tests"), shape=shape, turned=turned))
    source = {"kind": "torch", "layout": layout, "factory": f"{tmp_path}/net.py:network"}
    other, codes = HookedNetwork(source, TEMPLATE, ["y"]), TEMPLATE.alphabet.encode(["TGAGTG"])[0]
    made, wanted = (circuits.trace(one, dictionary, codes, "y") for one in (other, network))
    assert np.allclose(made.effects, wanted.effects, atol=1e-5)
    assert np.abs(wanted.effects[:, np.array(wanted.kinds) == "token"]).max() > 0.9


def test_modules_of_other_positions_have_no_circuit(traced):
    network, dictionary = traced
    dictionary = replace(dictionary, reads=(dictionary.reads[0], replace(dictionary.reads[1], first=1)))
    with pytest.raises(InputError, match="same number of positions"):
        circuits.trace(network, dictionary, np.zeros(6, np.uint8), "y")


def test_an_autoencoder_has_no_circuit(traced):
    network, dictionary = traced
    from dataclasses import replace

    with pytest.raises(InputError, match="need dictionary.kind transcoder or cross_layer"):
        circuits.trace(network, replace(dictionary, kind="sae"), np.zeros(6, np.uint8), "y")


def test_influence_adds_up_along_paths(traced):
    network, dictionary = traced
    graph = circuits.trace(network, dictionary, TEMPLATE.alphabet.encode(["TGAAAA"])[0], "y")
    shares = graph.edge_influence
    assert np.isclose(shares[-1].sum(), 1)  # all that flows into the output
    inner = np.flatnonzero((graph.layer == 1) & (graph.latent >= 0))
    assert np.allclose(shares[inner].sum(1), graph.influence[inner], atol=1e-6)  # in at a latent, and out
    cumulative = graph.cumulative
    order = np.argsort(-graph.influence[:-1], kind="stable")
    assert (np.diff(cumulative[order]) >= 0).all()
    assert np.isclose(cumulative[:-1].max(), 1)
    few = viewer.viewer_json(graph, "x", dictionary.names(), [None] * len(graph.kinds), 0.3)
    assert sum(n["feature_type"] == "embedding" for n in few["nodes"]) == planted.N
    assert [link["influence"] for link in few["links"]] == sorted(link["influence"] for link in few["links"])
