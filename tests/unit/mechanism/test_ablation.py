"""How few latents keep what an output varies by."""

import json

import numpy as np
import pytest
from planted import TEMPLATE

from shapsketch.mechanism import ablation, activations
from shapsketch.mechanism.replacement import encode_all
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError


def test_two_latents_keep_what_the_output_varies_by(traced):
    network, dictionary = traced
    codes = activations.draw(Background.uniform(TEMPLATE), 0, 0, 300)
    means = [z.mean(0) for z in encode_all(network, dictionary, codes)]
    values = ablation.ablated(network, dictionary, codes, means, np.array([0, 1, 2, 3]), [0, 1, 2, 4], 0)
    clean = network.predict(codes)[:, 0]
    curve = ablation.kept_shares(clean, values)
    assert abs(curve[0]) < 1e-6
    assert 0.3 < curve[1] < 0.95  # 2 g
    assert curve[1] - 1e-6 < curve[2] < 0.999
    assert np.isclose(curve[3], 1, atol=1e-6)
    reverse = ablation.ablated(network, dictionary, codes, means, np.array([3, 2, 1, 0]), [0, 1, 2, 4], 0)
    curves = ablation.Curves([0, 1, 2, 4], clean, {"ablation": values, "gradient": reverse}, np.arange(len(clean)))
    record = curves.record(0)
    assert record["kept"]["ablation"] == curve.tolist()
    assert record["levels"]["ablation"]["80%"][0] == record["needed"]["ablation"]
    assert record["levels"]["gradient"]["95%"] == [4, 4, 4]
    assert record["area_gain"]["ablation"][1] > 0  # the order of what matters beats its reverse
    low, high = record["area"]["ablation"][1:]
    assert low < record["area"]["ablation"][0] < high
    assert "gradient" not in record["area_gain"]
    assert record["added"]["ablation"] == record["levels"]["ablation"]["80%"]  # without latents nothing is kept here


def test_what_passes_by_the_latents_is_not_counted_as_theirs():
    clean = np.linspace(-1, 1, 41)
    values = np.array([share * clean for share in (0.6, 0.8, 1.0)])  # without latents 0.84 of the variance is kept
    record = ablation.Curves([0, 1, 2], clean, {"gradient": values}, np.arange(len(clean))).record(0)
    assert np.allclose(record["kept"]["gradient"], [0.84, 0.96, 1])
    assert record["needed"]["gradient"] == 0
    assert record["added"]["gradient"] == [2, 2, 2]  # one latent adds 0.12 of 0.16


def test_few_sequences_and_steady_outputs_give_numbers():
    clean = np.array([1.0, 2.0])  # half of the resamples are of one sequence alone
    values = np.array([[1.5, 1.5], [1.0, 2.0]])
    record = ablation.Curves([0, 1], clean, {"gradient": values}, np.arange(len(clean))).record(0)
    json.dumps(record, allow_nan=False)
    assert record["kept"]["gradient"] == [0, 1]
    assert record["area"]["gradient"] == [0.5, 0.5, 0.5]
    outputs = np.array([[1, 1 + 1e-9, 1], [1, 1.1, 1], [0, 0, 0], [-1e-9, 0, 1e-9]])
    assert ablation.varies(outputs).tolist() == [False, True, False, True]


def test_intervals_are_those_of_clusters():
    draws = np.random.default_rng(0)
    clean = draws.normal(size=40)
    values = np.array([np.zeros(40), clean + draws.normal(size=40), clean])
    repeated = [np.repeat(part, 5, -1) for part in (clean, values)]
    once, alike, alone = (
        ablation.Curves([0, 1, 2], *part, clusters).record(0)["area"]["gradient"]
        for part, clusters in [
            ((clean, {"gradient": values}), np.arange(40)),
            ((repeated[0], {"gradient": repeated[1]}), np.repeat(np.arange(40), 5)),
            ((repeated[0], {"gradient": repeated[1]}), np.arange(200)),
        ]
    )
    assert np.allclose(once, alike)
    assert (alone[2] - alone[1]) < 0.7 * (alike[2] - alike[1])


def test_an_area_is_one_where_the_first_latent_does_it_all():
    assert np.isclose(ablation.area(np.array([0.7, 1, 1]), [0, 1, 3]), 0.75)  # half of the first of two doublings
    assert ablation.area(np.array([0.7, 0.7, 0.7]), [0, 1, 3]) == 0


def test_the_smallest_circuit_is_the_last_that_keeps_enough():
    assert ablation.needed([0, 0.9, 0.5, 0.85, 1], [0, 1, 2, 4, 8]) == 4
    assert ablation.needed([0, 0.1], [0, 1]) is None
    sizes = ablation.curve_sizes(512)
    assert sizes[:4] == [0, 1, 2, 3]
    assert sizes[-1] == 512


def test_outputs_that_do_not_vary_have_no_circuit(network, letters):
    assert ablation.varying(network, ["y"], (letters[:100], letters[100:])) == ["y"]
    same = np.repeat(letters[:1], 10, 0)
    for parts in ((letters, same), (same, letters), (letters, letters[:1])):
        assert ablation.varying(network, ["y"], parts) == []
    with pytest.raises(InputError, match="circuit.outputs names 'z', and the outputs of"):
        ablation.varying(network, ["z"], (letters,))
