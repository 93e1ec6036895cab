"""Circuits of a toy model whose edges are known."""

import numpy as np
import planted
import pytest
import torch

from shapsketch.mechanism import ablation, activations, circuits, games, rankings, viewer
from shapsketch.mechanism.replacement import encode_all
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "N" * planted.N)


@pytest.fixture(scope="module", params=["transcoder", "cross_layer"])
def known(root, request):
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    network = HookedNetwork(source, TEMPLATE, ["y"])
    return network, planted.exact_dictionary(network, request.param)


def test_the_planted_edges_are_found_with_their_weights(known):
    network, dictionary = known
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
    kept = viewer.viewer_json(graph, "planted", dictionary.names(), 1.0)
    assert {n["feature_type"] for n in kept["nodes"]} >= {"embedding", "logit", "cross layer transcoder"}
    ids = {n["node_id"] for n in kept["nodes"]}
    assert all(link["source"] in ids and link["target"] in ids for link in kept["links"])
    assert {"0_0_1", "0_1_0", "1_0_1", "3_0_5", "E_2_1", "E_3_0"} <= ids


def test_errors_are_nodes_and_lower_the_scores(known):
    network, dictionary = known
    from dataclasses import replace

    deaf = replace(dictionary, b_enc=(dictionary.b_enc[0], dictionary.b_enc[1] - 5))
    graph = circuits.trace(network, deaf, TEMPLATE.alphabet.encode(["TGAAAA"])[0], "y")
    errors = np.array(graph.kinds) == "error"
    assert np.isclose(graph.effects[-1, errors].sum(), 3, atol=1e-4)
    assert 0.3 < graph.scores()["replacement"] < 0.5
    assert graph.scores()["completeness"] < 0.9


def test_two_latents_keep_what_the_output_varies_by(known):
    network, dictionary = known
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 300)
    means = [z.mean(0) for z in encode_all(network, dictionary, codes)]
    curve = ablation.ablation_curve(network, dictionary, codes, means, np.array([0, 1, 2, 3]), [0, 1, 2, 4], 0)
    assert abs(curve[0]) < 1e-6
    assert 0.3 < curve[1] < 0.95  # 2 g
    assert curve[1] - 1e-6 < curve[2] < 0.999
    assert np.isclose(curve[3], 1, atol=1e-6)


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


def test_the_smallest_circuit_is_the_last_that_keeps_enough():
    assert ablation.needed([0, 0.9, 0.5, 0.85, 1], [0, 1, 2, 4, 8]) == 4
    assert ablation.needed([0, 0.1], [0, 1]) is None
    sizes = ablation.curve_sizes(512)
    assert sizes[:4] == [0, 1, 2, 3]
    assert sizes[-1] == 512


def test_an_autoencoder_has_no_circuit(known):
    network, dictionary = known
    from dataclasses import replace

    with pytest.raises(InputError, match="need dictionary.kind transcoder or cross_layer"):
        circuits.trace(network, replace(dictionary, kind="sae"), np.zeros(6, np.uint8), "y")


def test_rankings_put_what_matters_first(known):
    network, dictionary = known
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 100)
    means = [z.mean(0) for z in encode_all(network, dictionary, codes)]
    graphs = [circuits.trace(network, dictionary, one, "y") for one in codes[:10]]
    for found in (
        rankings.by_influence(graphs, dictionary),
        rankings.by_ablation(network, dictionary, codes, means, 0),
        rankings.by_gradient(network, dictionary, codes, means, 0),
    ):
        assert found.argmax() == 0
        assert found[3] == 0
    assert sorted(np.argsort(rankings.at_random(dictionary, 0))) == [0, 1, 2, 3]


def test_latents_as_players_share_the_conjunction(known):
    network, dictionary = known
    zero = [torch.zeros(planted.N, 2)] * 2
    codes = TEMPLATE.alphabet.encode(["TGAAAA"])[0]
    fit = games.explain_latents(network, dictionary, codes, zero, [0, 1], 0)
    assert np.allclose(fit.values, [2 + 1.5, 1.5], atol=1e-4)  # 2 g, and 3 shared out between g and t
    assert np.isclose(fit.base, 0, atol=1e-4)
    values = games.explain_latents(network, dictionary, codes, zero, [0, 1, 2], 0).values
    assert np.allclose(values, [2 + 1, 1, 1], atol=1e-4)


def test_pairs_of_latents_interact_as_planted(known):
    network, dictionary = known
    zero = [torch.zeros(planted.N, 2)] * 2
    codes = TEMPLATE.alphabet.encode(["TGAAAA", "TGATGA", "AAAAAA"])
    explained = games.explain_sequences(network, dictionary, codes, zero, [0, 1], 0)
    assert np.allclose(explained.pairs[:, 0], [3, 6, 0], atol=1e-4)  # g and t make the conjunction
    record = explained.record(["0.0", "0.1"])
    (pair,) = record["interactions"]
    assert pair["latents"] == ["0.0", "0.1"]
    assert np.isclose(pair["mean"], 3, atol=1e-4)
    assert np.isclose(pair["mean_error"], np.std([3, 6, 0], ddof=1) / np.sqrt(3), atol=1e-4)
    assert np.allclose(record["mean"], [(2 + 1.5) * 3 / 3, 1.5], atol=1e-4)
    assert (
        games.explain_sequences(network, dictionary, codes[:1], zero, [0, 1], 0).record(["a", "b"])["mean_error"]
        is None
    )
    three = games.explain_sequences(network, dictionary, codes[:1], zero, [0, 1, 2], 0)  # a product of three
    assert three.pairs.shape == (1, 3)
    assert np.ptp(three.pairs) < 1e-4


def test_influence_adds_up_along_paths(known):
    network, dictionary = known
    graph = circuits.trace(network, dictionary, TEMPLATE.alphabet.encode(["TGAAAA"])[0], "y")
    shares = graph.edge_influence
    assert np.isclose(shares[-1].sum(), 1)  # all that flows into the output
    inner = np.flatnonzero((graph.layer == 1) & (graph.latent >= 0))
    assert np.allclose(shares[inner].sum(1), graph.influence[inner], atol=1e-6)  # in at a latent, and out
    cumulative = graph.cumulative
    order = np.argsort(-graph.influence[:-1], kind="stable")
    assert (np.diff(cumulative[order]) >= 0).all()
    assert np.isclose(cumulative[:-1].max(), 1)
    few = viewer.viewer_json(graph, "x", dictionary.names(), 0.3)
    assert sum(n["feature_type"] == "embedding" for n in few["nodes"]) == planted.N
    assert [link["influence"] for link in few["links"]] == sorted(link["influence"] for link in few["links"])
