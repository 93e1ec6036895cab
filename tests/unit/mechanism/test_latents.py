"""Latents: what they are, beside a toy model whose features are known.

Covers also: replacement.
"""

import numpy as np
import planted
import pytest
import torch
from planted import TEMPLATE

from shapsketch.mechanism import activations, latents, measures
from shapsketch.mechanism.replacement import predict_replaced
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError


def draw(count, start=0):
    return activations.draw(Background.uniform(TEMPLATE), 0, start, start + count)


def test_the_planted_model_is_what_it_says(trained):
    network, _, _ = trained
    texts = ["TGAAAA", "AGAAAA", "TGTGAA", "GGGGGG", "TTTTTT"]
    wanted = [5, 2, 10, 12, 0]
    assert np.allclose(network.predict(TEMPLATE.alphabet.encode(texts))[:, 0], wanted, atol=1e-5)


def test_planted_features_are_latents(trained):
    network, dictionary, _ = trained
    g, t, both = planted.directions_of(network)
    first, second = (w[0] / w[0].norm(dim=1, keepdim=True) for w in dictionary.w_dec)
    assert (first @ g).max() > 0.95
    assert (first @ t).max() > 0.95
    assert (second @ both).max() > 0.95
    codes = draw(500, 10_000)
    clean, made = network.predict(codes), predict_replaced(network, dictionary, codes)
    assert measures.fvu(clean, made) < 0.01


def test_what_a_latent_adds_is_what_was_planted(trained):
    network, _, _ = trained
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


def test_latents_of_pooled_vectors_are_those_of_the_pooled_vectors(trained):
    network, _, _ = trained
    dictionary, codes = planted.exact_dictionary(network), draw(50, 30_000)
    for pool, reduce in (("mean", np.mean), ("max", np.max)):
        coded = latents.Coded.of(network, dictionary, [f"s{k}" for k in range(50)], codes, pool)
        for layer, site in enumerate(dictionary.reads):
            vectors = reduce(activations.collect(network, codes, [site])[site.key], axis=1, keepdims=True)
            expected = dictionary.encode(layer, torch.from_numpy(vectors)).numpy()
            assert coded.latents[layer].shape == (50, 1, dictionary.latents)
            assert np.allclose(coded.latents[layer], expected, atol=1e-5)
    table = latents.latent_table(dictionary, coded, ["y"], None, {}, np.ones(1), 5).to_pylist()
    assert table[0]["density"] > 0
    assert {row["influence"] for row in table} == {row["effect_y"] for row in table} == {None}


def test_a_dictionary_of_another_width_is_refused(trained):
    network, dictionary, _ = trained
    from dataclasses import replace

    wrong = replace(dictionary, reads=tuple(replace(site, width=5) for site in dictionary.reads))
    with pytest.raises(InputError, match=r"is of 5 numbers for first.in, and that module of .* has 12"):
        wrong.check_network(network)
    assert torch.is_tensor(dictionary.w_enc[0])
