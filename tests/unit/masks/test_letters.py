"""What students say of letters: their mean effects over masks, and the values of players divided by them."""

import numpy as np
import pytest
import torch

from shapsketch.masks.explain import MaskExplainer, MaskSettings
from shapsketch.masks.game import Players
from shapsketch.masks.letters import letter_chances, student_letters, within_players
from shapsketch.masks.student import FOLDS, LetterNetwork, Students
from shapsketch.recovery.networks import letter_features
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.draws import Shuffles
from shapsketch.sequences.template import Template
from shapsketch.spectrum.interaction_tables import Listing

TEMPLATE = Template(Alphabet("ACGT"), "N" * 12 + "A" + "R" + "N" * 10)


def game_and_students(background):
    features = letter_features(TEMPLATE)
    network = LetterNetwork(TEMPLATE.n, features.shape[2], 2)
    network.start(torch.Generator().manual_seed(1))
    for layer in network.convolutions:  # steep enough for letters to matter, smooth enough for slopes to tell
        layer.weight.data *= 2
    students = Students((network.eval(),) * FOLDS, np.array([1.0, -1.0]), np.array([2.0, 5.0]), features, 0)
    explainer = MaskExplainer(["a", "b"], background, MaskSettings(segments=4, budget=500), Listing())
    return explainer.game("x", "ACGTTGCAACGT" + "A" + "G" + "TTACGGATCA"), students


def test_slopes_tell_what_changing_one_letter_does_on_average():
    game, students = game_and_students(Background.uniform(TEMPLATE))
    found = student_letters(students, game)
    assert found.shape == (2, TEMPLATE.n, 4)
    rng = np.random.default_rng(0)
    masks = (rng.random((400, game.players.count)) < rng.random((400, 1))).astype(np.uint8)
    points = game.compose(masks, np.uint64(5), np.arange(400))
    wanted = np.zeros_like(found)
    for i in TEMPLATE.free.tolist():
        changed = []
        for a in range(TEMPLATE.sizes[i]):
            points[:, i] = a
            changed.append(students.predict(0, points).mean(0))
        points = game.compose(masks, np.uint64(5), np.arange(400))
        wanted[:, i, : len(changed)] = (np.array(changed) - np.mean(changed, axis=0)).T
    for k in range(2):
        assert np.corrcoef(found[k].ravel(), wanted[k].ravel())[0, 1] > 0.9
        assert np.abs((found[k] * letter_chances(game, 4)).sum(1)).max() < 1e-9
    assert (found[:, 13, 2:] == 0).all() and (found[:, 12, 1:] == 0).all()  # R has two letters, A one
    assert (student_letters(students, game) == found).all()


def test_the_letters_of_each_player_add_up_to_its_value():
    game, students = game_and_students(Background.uniform(TEMPLATE))
    players, values = game.players, np.random.default_rng(2).normal(size=game.players.count)
    moved = within_players(student_letters(students, game)[0], players, game.codes, values)
    own = moved[np.arange(TEMPLATE.n), game.codes]
    free = players.owners >= 0
    assert np.bincount(players.owners[free], own[free]) == pytest.approx(values)
    assert own[12] == 0  # fixed
    single = Players.build(TEMPLATE)
    values = np.random.default_rng(3).normal(size=single.count)
    moved = within_players(student_letters(students, game)[0], single, game.codes, values)
    assert moved[TEMPLATE.free, game.codes[TEMPLATE.free]] == pytest.approx(values)


def test_chances_of_drawn_sequences_are_those_of_the_draws():
    free = Template(Alphabet("ACGT"), "N" * 24)
    explainer = MaskExplainer(["a"], Shuffles(free, False), MaskSettings(segments=4, budget=500), Listing())
    chances = letter_chances(explainer.game("x", "A" * 18 + "C" * 6), 4)
    assert chances.sum(1) == pytest.approx(np.ones(24))
    assert chances.mean(0) == pytest.approx([0.75, 0.25, 0, 0])
