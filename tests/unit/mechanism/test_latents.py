"""Latents: what they are, beside a toy model whose features are known."""

import numpy as np
import planted
import pytest
import torch

from shapsketch.mechanism import activations, concepts, latents, measures
from shapsketch.mechanism.replacement import predict_replaced
from shapsketch.mechanism.training import Training, train
from shapsketch.models.hooked_network import HookedNetwork
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "N" * planted.N)
MODULES = ("first", "second")


def draw(count, start=0):
    return activations.draw(Background.uniform(TEMPLATE), 0, start, start + count)


@pytest.fixture(scope="module")
def known(root):
    """The planted network, a cross-layer transcoder of it, and its sites."""
    source = {"kind": "torch", "layout": "channels_first", "factory": f"{root}/tests/planted.py:network"}
    network = HookedNetwork(source, TEMPLATE, ["y"])
    reads, writes = (tuple(network.site(m, end) for m in MODULES) for end in ("in", "out"))
    kept = activations.collect(network, draw(3000), [*reads, *writes])
    flat = [[kept[s.key].reshape(-1, s.width) for s in sites] for sites in (reads, writes)]
    settings = Training(kind="transcoder", latents=6, k=2, steps=1500, batch=512, rate=1e-2, dead_after=5000)
    return network, train(*flat, (reads, writes), settings), flat


def test_the_planted_model_is_what_it_says(known):
    network, _, _ = known
    texts = ["TGAAAA", "AGAAAA", "TGTGAA", "GGGGGG", "TTTTTT"]
    wanted = [5, 2, 10, 12, 0]
    assert np.allclose(network.predict(TEMPLATE.alphabet.encode(texts))[:, 0], wanted, atol=1e-5)


def test_planted_features_are_latents(known):
    network, dictionary, _ = known
    g, t, both = planted.directions_of(network)
    first, second = (w[0] / w[0].norm(dim=1, keepdim=True) for w in dictionary.w_dec)
    assert (first @ g).max() > 0.95
    assert (first @ t).max() > 0.95
    assert (second @ both).max() > 0.95
    codes = draw(500, 10_000)
    clean, made = network.predict(codes), predict_replaced(network, dictionary, codes)
    assert measures.fvu(clean, made) < 0.01


def test_what_a_latent_adds_is_what_was_planted(known):
    network, _, _ = known
    dictionary = planted.exact_dictionary(network)
    codes = draw(400, 20_000)
    texts = TEMPLATE.alphabet.decode(codes)
    coded = latents.Coded.of(network, dictionary, [f"s{k}" for k in range(400)], codes)
    mean, square = latents.effects(network, dictionary, coded, 1000)
    pairs, guanines = (np.array([text.count(word) for text in texts]) for word in ("TG", "G"))
    assert np.isclose(mean[2, 0], 3 * pairs[pairs > 0].mean())
    assert np.isclose(square[2, 0], 3 * np.sqrt(np.mean(pairs**2)))
    assert np.isclose(mean[0, 0], (2 * guanines + 3 * pairs)[guanines > 0].mean())  # without g no conjunction
    assert np.isnan(mean[3, 0])
    assert square[3, 0] == 0
    found = latents.matrix_of(coded, coded.latents[1][:, :, 0], 1, 2, TEMPLATE.alphabet, "1.0")
    assert found.consensus == "TG"
    assert latents.matrix_of(coded, coded.latents[1][:, :, 1], 1, 2, TEMPLATE.alphabet, "1.1") is None
    table = latents.latent_table(dictionary, coded, ["y"], (mean, square), {"1.0": found}, np.ones(1), 5).to_pylist()
    row = table[2]
    assert (row["latent"], row["module"], row["consensus"], row["influenced"]) == ("1.0", "second", "TG", "y")
    assert np.isclose(row["density"], pairs.sum() / (400 * planted.N))
    assert row["windows"] == min(pairs.sum(), latents.MAX_WINDOWS)
    assert all(coded.names[k] == name for k, name in zip(row["top_rows"], row["top_ids"], strict=True))
    text = texts[row["top_rows"][0]]
    assert text[row["top_positions"][0] - 2 : row["top_positions"][0]] == "TG"
    assert table[3]["density"] == 0
    assert table[3]["effect_y"] is None


def test_concepts_are_found_beside_their_controls(known):
    network, dictionary, _ = known
    codes = draw(1000, 40_000)
    texts = TEMPLATE.alphabet.decode(codes)
    labels = {"tg": concepts.label_letters("T(G)", texts, "tg"), "end": concepts.label_letters("(.)$", texts, "end")}
    coded = latents.Coded.of(network, dictionary, [""] * 1000, codes)
    kept = activations.collect(network, codes, [dictionary.reads[1]])[dictionary.reads[1].key]
    held = np.arange(1000) % 4 == 0
    random = np.random.default_rng(0).random((1000, 6, 6)) * (np.random.default_rng(1).random((1000, 6, 6)) > 0.5)
    rows = {row["concept"]: row for row in concepts.match(labels, coded.latents[1], kept, random, held)}
    assert rows["tg"]["f1"] > 0.98
    assert rows["tg"]["random_f1"] < 0.4
    assert rows["tg"]["position_f1"] < 0.4
    assert rows["end"]["position_f1"] == 1.0
    assert rows["end"]["f1"] < 0.6


def test_labels_are_those_of_the_expression():
    assert concepts.label_letters("TG", ["ATGTG", "TTTTT"], "x").tolist() == [[0, 1, 1, 1, 1], [0] * 5]
    assert concepts.label_letters("(?=T(GT))", ["ATGTG"], "x").tolist() == [[0, 0, 1, 1, 0]]
    with pytest.raises(InputError, match=r"The concept 'x' has an expression that cannot be read"):
        concepts.label_letters("(", ["A"], "x")
    with pytest.raises(InputError, match=r"matches no letter of the sequences"):
        concepts.label_letters("G", ["A"], "x")
    labels = np.array([True, True, False, False])
    assert np.allclose(concepts.f1(np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool), labels), [0.5, 0])


def test_a_dictionary_of_another_width_is_refused(known):
    network, dictionary, _ = known
    from dataclasses import replace

    wrong = replace(dictionary, reads=tuple(replace(site, width=5) for site in dictionary.reads))
    with pytest.raises(InputError, match=r"is of 5 numbers for first.in, and that module of .* has 12"):
        wrong.check_network(network)
    assert torch.is_tensor(dictionary.w_enc[0])
