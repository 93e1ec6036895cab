"""Steering, on a toy model whose features are known."""

import numpy as np
import planted
from planted import TEMPLATE

from shapsketch.mechanism import latents, steering
from shapsketch.models.hooked_network import HookedNetwork


def test_holding_a_latent_moves_the_output_by_the_planted_amount(network, letters):
    dictionary, codes = planted.exact_dictionary(network), letters
    clean = network.predict(codes)[:, 0]
    texts = TEMPLATE.alphabet.decode(codes)
    pairs = np.array([text.count("TG") for text in texts])
    for value in (0.0, 1.0, 2.5):
        moved = steering.clamped(network, dictionary, codes, "1.0", value)[:, 0]
        assert np.allclose(moved - clean, 3 * (planted.N * value - pairs), atol=1e-4)
    rows = steering.dose_response(network, dictionary, codes, ["1.0"], [0, 2])
    assert np.isclose(rows[1]["change"], 3 * (2 * planted.N - pairs.mean()), atol=1e-4)
    assert rows[0]["change_low"] < rows[0]["change"] < rows[0]["change_high"]


def test_networks_in_half_precision_are_steered(network, letters):
    half, codes = HookedNetwork({**network.source, "dtype": "bfloat16"}, TEMPLATE, ["y"]), letters[:20]
    dictionary = planted.exact_dictionary(network)
    moved, wanted = (steering.clamped(one, dictionary, codes, "1.0", 2.5) for one in (half, network))
    assert np.allclose(moved, wanted, rtol=0.02)
    effects = np.arange(1.0, 5.0)[:, None]
    halves = codes[::2], codes[1::2]
    made, pushed = (steering.compare(one, dictionary, *halves, effects, 0)[0]["change"] for one in (half, network))
    assert np.isclose(made, pushed, rtol=0.05)


def test_a_planted_latent_beats_its_controls(network, letters):
    dictionary, codes = planted.exact_dictionary(network), letters
    coded = latents.Coded.of(network, dictionary, [""] * len(codes), codes)
    effects, _ = latents.effects(network, dictionary, coded, 50)
    row = steering.compare(network, dictionary, codes[::2], codes[1::2], effects, 0)[0]
    assert row["latent"] in ("1.0", "0.0")
    assert row["wins"] == 1
    assert row["change"] > row["means_change"]
    assert np.isclose(row["change"], 3 * planted.N * row["length"], rtol=0.4)
