"""Probes of few labels."""

import numpy as np
import planted
import pytest

from shapsketch.mechanism import latents, probes


def test_a_probe_learns_a_planted_feature_from_few_labels(network, letters):
    dictionary, codes = planted.exact_dictionary(network), letters
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
