"""Steering and probes, on a toy model whose features are known."""

import numpy as np
import planted
import pytest

from shapsketch.mechanism import activations, latents, probes, steering
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "N" * planted.N)


@pytest.fixture(scope="module")
def known(root):
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    network = HookedNetwork(source, TEMPLATE, ["y"])
    return network, planted.exact_dictionary(network), activations.draw(Background.uniform(TEMPLATE), 0, 0, 200)


def test_holding_a_latent_moves_the_output_by_the_planted_amount(known):
    network, dictionary, codes = known
    clean = network.predict(codes)[:, 0]
    texts = TEMPLATE.alphabet.decode(codes)
    pairs = np.array([text.count("TG") for text in texts])
    for value in (0.0, 1.0, 2.5):
        moved = steering.clamped(network, dictionary, codes, "1.0", value)[:, 0]
        assert np.allclose(moved - clean, 3 * (planted.N * value - pairs), atol=1e-4)
    rows = steering.dose_response(network, dictionary, codes, ["1.0"], [0, 2])
    assert np.isclose(rows[1]["change"], 3 * (2 * planted.N - pairs.mean()), atol=1e-4)
    assert rows[0]["change_low"] < rows[0]["change"] < rows[0]["change_high"]


def test_a_planted_latent_beats_its_controls(known):
    network, dictionary, codes = known
    coded = latents.Coded.of(network, dictionary, [""] * len(codes), codes)
    effects, _ = latents.effects(network, dictionary, coded, 50)
    row = steering.compare(network, dictionary, codes, effects, 0)[0]
    assert row["latent"] in ("1.0", "0.0")
    assert row["wins"] == 1
    assert row["change"] > row["means_change"]
    assert np.isclose(row["change"], 3 * planted.N * row["length"], rtol=0.4)


def test_a_probe_learns_a_planted_feature_from_few_labels(known):
    network, dictionary, codes = known
    labels = network.predict(codes)[:, 0]
    coded = latents.Coded.of(network, dictionary, [], codes)
    features = {
        "latents": np.concatenate([probes.pool(z) for z in coded.latents], 1),
        "onehot": probes.onehot(codes, 4),
        "composition": probes.composition(codes, 4),
    }
    held = np.arange(len(codes)) % 2 == 0
    rows = probes.probe(features, labels, held, [24, 96, 10_000], 6, 0)
    assert {row["labels"] for row in rows} == {24, 96}
    by = {(row["labels"], row["features"]): row for row in rows}
    assert by[96, "latents"]["score"] > 0.95
    assert by[96, "composition"]["gain_low"] > 0.0
    assert by[96, "onehot"]["gain"] > 0
    own = [dictionary.names()[:2], dictionary.names()[2:]]
    names = [f"{kind} of {name}" for layer in own for kind in ("mean", "max") for name in layer]
    assert probes.strongest(features["latents"], labels, names, 2)[0][0].startswith("mean")


def test_ridge_and_scores_are_right():
    draws = np.random.default_rng(0)
    x = draws.standard_normal((60, 5))
    y = x @ [1.0, -2, 0, 0, 3] + 7
    weights, intercept = probes.fit_ridge(x, y)
    assert np.allclose(weights, [1, -2, 0, 0, 3], atol=1e-2)
    assert np.isclose(intercept, 7, atol=1e-2)
    assert probes.score(np.array([3.0, 2, 1]), np.array([30.0, 20, 10]), False) == pytest.approx(1)
    assert probes.score(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0, 1, 1]), True) == 0.75
    assert np.isnan(probes.interval(np.array([1.0]))[1])
