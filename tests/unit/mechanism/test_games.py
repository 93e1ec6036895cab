"""Latents as players: what they share, and how pairs of them interact."""

import numpy as np
import planted
import torch
from planted import TEMPLATE

from shapsketch.mechanism import games


def test_latents_as_players_share_the_conjunction(traced):
    network, dictionary = traced
    zero = [torch.zeros(planted.N, 2)] * 2
    codes = TEMPLATE.alphabet.encode(["TGAAAA"])[0]
    fit = games.explain_latents(network, dictionary, codes, zero, [0, 1], 0)
    assert np.allclose(fit.values, [2 + 1.5, 1.5], atol=1e-4)  # 2 g, and 3 shared out between g and t
    assert np.isclose(fit.base, 0, atol=1e-4)
    values = games.explain_latents(network, dictionary, codes, zero, [0, 1, 2], 0).values
    assert np.allclose(values, [2 + 1, 1, 1], atol=1e-4)


def test_pairs_of_latents_interact_as_planted(traced):
    network, dictionary = traced
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
