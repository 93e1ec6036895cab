"""Concepts are found beside their controls."""

import numpy as np
import pytest
from planted import TEMPLATE

from shapsketch.mechanism import activations, concepts, latents
from shapsketch.sequences.background import Background
from shapsketch.settings.errors import InputError


def draw(count, start=0):
    return activations.draw(Background.uniform(TEMPLATE), 0, start, start + count)


def test_concepts_are_found_beside_their_controls(trained):
    network, dictionary, _ = trained
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
    assert rows["end"]["f1"] < 0.7  # which the position alone says


def test_a_concept_at_one_place_is_matched_at_that_place(trained):
    network, dictionary, _ = trained
    codes = draw(600, 60_000)
    texts = TEMPLATE.alphabet.decode(codes)
    labels = {"g": concepts.label_letters("G", texts, "g"), "g3": concepts.label_letters("(?<=^..)G", texts, "g3")}
    z = latents.Coded.of(network, dictionary, [""] * 600, codes).latents[0]
    held, chance = np.arange(600) % 4 == 0, np.random.default_rng(0).random((600, 6, 4))
    by_g, by_g3 = concepts.match(labels, z, chance, chance, held)
    assert (by_g["place"], by_g3["place"]) == (None, 3)
    assert by_g3["latent"] == by_g["latent"]
    assert min(by_g["f1"], by_g3["f1"]) > 0.98
    assert np.isclose(by_g3["position_f1"], 2 / (1 + 1 / labels["g3"][held, 2].mean()))  # of who always says yes
    assert by_g3["neuron_f1"] < 0.5


def test_labels_are_those_of_the_expression():
    assert concepts.label_letters("TG", ["ATGTG", "TTTTT"], "x").tolist() == [[0, 1, 1, 1, 1], [0] * 5]
    assert concepts.label_letters("(?=T(GT))", ["ATGTG"], "x").tolist() == [[0, 0, 1, 1, 0]]
    with pytest.raises(InputError, match=r"The concept 'x' has an expression that cannot be read"):
        concepts.label_letters("(", ["A"], "x")
    with pytest.raises(InputError, match=r"matches no letter of the sequences"):
        concepts.label_letters("G", ["A"], "x")
    labels = np.array([[True, True, False, False], [True, False, True, False]])
    assert np.allclose(concepts.f1(np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool), labels), [[0.5, 0], [1, 0]])


def test_concepts_are_expressions_or_files(tmp_path):
    (tmp_path / "sites.tsv").write_text("sequence_id\tposition\tconcept\nb\t2\tstart\n")
    asked = {"g": "G", "site": {"path": str(tmp_path / "sites.tsv")}}
    labels = concepts.read_concepts(asked, ["a", "b"], ["AG", "GT"])
    assert {name: marks.tolist() for name, marks in labels.items()} == {
        "g": [[0, 1], [1, 0]], "site.start": [[0, 0], [0, 1]],
    }  # fmt: skip


def test_random_latents_are_as_sparse_as_asked_and_the_same_again():
    x = np.random.default_rng(0).standard_normal((20, 5, 8)).astype(np.float32) + 3
    random = concepts.random_latents(x, 30, 4, 1)
    assert ((random > 0).sum(2) <= 4).all() and (random > 0).sum(2).mean() > 3.9
    assert np.array_equal(random, concepts.random_latents(x, 30, 4, 1))
    assert not np.array_equal(random, concepts.random_latents(x, 30, 4, 2))
    assert (concepts.random_latents(x, 30, 0, 1) > 0).sum(2).max() == 1


def test_the_best_feature_of_each_concept_is_the_one_that_counting_finds():
    draws = np.random.default_rng(0)
    features = draws.random((400, 300)).astype(np.float32) * (draws.random((400, 300)) < 0.3)
    held, labels = np.arange(400) % 4 == 0, np.array([features[:, 270] > 0.5, features[:, 3] > 0])
    best = concepts.best_features(features, labels, held)
    assert [one[:2] for one in best] == [(270, 1.0), (3, 1.0)]
    assert best[0][2] > 0.9
    assert best[1][2] == 1.0
    assert concepts.best_features(-features, labels, held, signed=True)[1][:2] == (3, -1.0)


@pytest.mark.parametrize("signed", [False, True])
def test_the_best_threshold_is_the_best_of_all_where_numbers_are_equal(signed):
    draws = np.random.default_rng(1)
    numbers = np.round(draws.standard_normal((7, 300)), 1)  # many are equal
    numbers[2] = -np.abs(numbers[2])  # never active
    labels = draws.random((3, 300)) < [[0.2], [0.02], [0.7]]
    limits = np.append(-np.inf, np.unique(numbers))
    tried = np.array([concepts.f1(limit < numbers.T, labels) for limit in (limits if signed else limits[limits >= 0])])
    for marks, scores, best in zip(
        labels, tried.swapaxes(0, 1), concepts.best_cuts(numbers, labels, signed), strict=True
    ):
        score, feature, limit = best
        assert np.isclose(score, scores.max())
        assert np.isclose(concepts.f1(limit < numbers[[feature]].T, marks[None])[0, 0], score)
    if not signed:
        assert concepts.best_cuts(numbers[[2]], labels) == [(-1.0, 0, np.inf)] * 3


def test_a_rare_concept_is_found_by_a_number_that_is_never_zero():
    rare = np.arange(1000) >= 995
    features = np.stack([np.zeros(1000), -np.arange(1000.0) - 9 * rare], 1)
    assert concepts.best_features(features, rare[None], np.arange(1000) % 2 == 0, signed=True) == [(1, -1.0, 1.0)]
