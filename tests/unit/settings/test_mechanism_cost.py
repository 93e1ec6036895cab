"""What an entry of `mechanism` costs: passes as the stages take them."""

import pytest

from shapsketch.settings.mechanism_cost import mechanism_rows, training_seconds

DICTIONARY = {
    "kind": "cross_layer", "variant": "topk", "latents": 10, "k": 2, "steps": 100, "batch": 50, "seeds": 3,
}  # fmt: skip
ENTRY = {
    "shards": 2, "pool": "none", "dictionary": DICTIONARY, "latents": {"sequences": 100, "effects": 4}, "concepts": {},
}  # fmt: skip
SHAPE = {"bytes_per_sequence": 1, "letters": 6, "outputs": 4, "positions": [6, 6], "widths": [8, 8]}
RATE = {"seconds_per_evaluation": 0.5, "load_seconds": 3.0, "evaluations": 1}


def passes(entry):
    return {row["stage"].split()[0]: row for row in mechanism_rows("inside", ENTRY | entry, 1000, SHAPE, RATE)}


def test_stages_are_those_that_the_entry_asks_for():
    rows = passes({})
    assert list(rows) == ["activations", "dictionaries", "measures", "latents", "report"]
    assert (rows["activations"]["evaluations"], rows["activations"]["jobs"]) == (1000, 2)
    assert rows["activations"]["job_seconds"] == pytest.approx(250 + 3 + 10)
    assert rows["dictionaries"]["jobs"] == 6  # three seeds, and as many transcoders of single layers
    assert rows["measures"]["evaluations"] == 200 * 6 * 4
    assert rows["latents"]["evaluations"] == 200 + 20 * 4 * 2  # as they are, and with each of 20 latents taken away
    assert passes({"concepts": {"g": "G"}})["latents"]["evaluations"] == 360 + 1000
    assert passes({"pool": "mean"})["measures"]["evaluations"] == 0
    sae = passes({"dictionary": DICTIONARY | {"kind": "sae"}})
    assert sae["dictionaries"]["jobs"] == 3


def test_circuits_grow_with_latents_and_outputs():
    circuit = {"sequences": 30, "graphs": 0, "players": 3, "explained": 5}
    few, many = (passes({"circuit": circuit | more})["circuits"]["evaluations"] for more in ({"outputs": ["a"]}, {}))
    assert many == pytest.approx(4 * few, abs=2)
    assert few > 2 * 30 * (20 + 222)
    steer = passes({"steer": {"sequences": 50, "latents": 2, "doses": [0, 1]}})["steering"]
    assert steer["evaluations"] == 50 * (4 * 21 + 8 + 3)
    assert passes({"design": {"draws": 2, "strengths": [1, 2]}})["designs"]["evaluations"] == 6 * 17


def test_training_takes_about_what_was_measured():
    # CPU seconds of `make benchmark-mechanism` and `make benchmark-antibodies`, within a factor of two and a half
    bedict = DICTIONARY | {"latents": 256, "k": 8, "steps": 8000, "batch": 1024}
    assert 80 / 2.5 < training_seconds(bedict, [64, 64]) < 80 * 2.5
    antiberty = DICTIONARY | {"latents": 2048, "k": 32, "steps": 1000, "batch": 1024}
    assert 118 / 2.5 < training_seconds(antiberty, [512]) < 118 * 2.5
    assert 206 / 2.5 < training_seconds(antiberty | {"variant": "matryoshka"}, [512]) < 206 * 2.5
