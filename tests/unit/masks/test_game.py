"""Players and games of sequences: segments, windows, what is kept and what is drawn."""

import numpy as np
import pytest
from mask_cases import SEQUENCE, TEMPLATE

from shapsketch.masks.game import Players, SequenceGame, is_fixed
from shapsketch.masks.plan import make_mask_plan
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


def test_players_are_positions_or_segments():
    positions = Players.build(TEMPLATE)
    assert positions.count == 38
    assert (positions.owners < 0).nonzero()[0].tolist() == [30, 31]
    wide = Players.build(TEMPLATE, 8)
    assert wide.names == ["1-8", "9-16", "17-24", "25-32", "33-40"]
    assert wide.sizes.tolist() == [8, 8, 8, 6, 8]
    values = np.arange(1.0, 6)
    assert wide.spread(values).sum() == pytest.approx(values.sum())
    assert wide.spread(values)[30] == 0
    listed = Players.build(TEMPLATE, [[3, 4], [10, 12]])
    assert (listed.owners >= 0).nonzero()[0].tolist() == [2, 3, 9, 10, 11]
    window = Players.build(TEMPLATE, window=[29, 34])
    assert window.names == ["29", "30", "33", "34"]
    assert (window.owners >= 0).nonzero()[0].tolist() == [28, 29, 32, 33]


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ([[5, 9], [9, 12]], r"lists the segment \[9, 12\], after position 9"),
        ([[35, 41]], "within the template's 40 positions"),
        ([[31, 32]], "which has no free position"),
    ],
)
def test_wrong_segments_are_named(segments, sentence):
    with pytest.raises(InputError, match=sentence):
        Players.build(TEMPLATE, segments)


@pytest.mark.parametrize(
    ("window", "sentence"),
    [
        ([31, 32], r"the window \[31, 32\], which has no free position"),
        ([0, 5], "a window is .first, last., 1-based, within the template's 40 positions"),
        ([9, 5], "1-based, within"),
        ([5, 41], "the template's 40 positions"),
    ],
)
def test_wrong_windows_are_named(window, sentence):
    with pytest.raises(InputError, match=sentence):
        Players.build(TEMPLATE, window=window)


@pytest.mark.parametrize(
    ("positions", "segments", "window", "sentence"),
    [
        (50_000, None, None, r"^50000 free positions are to be masked one by one, and at most 4094 .*\{segments: 13\}"),
        (50_000, 12, None, r"50000 positions into 4167 segments of 12 .*: set it to \{segments: 13\} or more"),
        (10_000, [[k, k] for k in range(1, 5001)], None, "^explain.masks.players lists 5000 segments"),
        (
            10_000,
            None,
            [101, 5100],
            r"the window \[101, 5100\], whose 5000 free positions .*: narrow it, or .*ments: 10\}",
        ),
    ],
)
def test_too_many_players_are_called_what_they_are(positions, segments, window, sentence):
    template = Template(TEMPLATE.alphabet, f"N{{{positions}}}")
    with pytest.raises(InputError, match=sentence):
        Players.build(template, segments, window)
    assert Players.build(template, 13).count <= 4094


def test_a_game_keeps_what_is_present_and_draws_the_rest(model):
    background, players = Background.uniform(TEMPLATE), Players.build(TEMPLATE, 8)
    plan = make_mask_plan(players.count, 128 * 400, draws=400)
    codes = TEMPLATE.to_local(TEMPLATE.alphabet.encode([SEQUENCE]))[0]
    game = SequenceGame(background, players, plan, codes)
    values = game.means(game.ask(model, model.batch_size))[:, 0]
    assert model.evaluations == plan.evaluations <= 128 * 400
    masks = plan.masks.astype(bool)
    kept = masks[:, np.maximum(players.owners, 0)] | (players.owners < 0)
    letters = np.array(list(SEQUENCE)) == "G"
    first, second = (kept[:, a:b].all(1) + (~kept[:, a:b]).all(1) / 4 ** (b - a) for a, b in ((4, 8), (23, 26)))
    simple = masks[:, [0, 2, 3]].all(1) & masks.any(1)
    wanted = 0.2 * np.where(kept, letters, 0.25).sum(1)
    assert np.abs(values - wanted)[~masks[:, 0]].max() < 0.15
    assert np.abs(values - wanted - 2 * first * second)[simple].max() < 0.15


@pytest.mark.parametrize(("letters", "rate", "fixed"), [(38, 1e-9, True), (2114, 1e-9, True), (38, 1e-5, False)])
def test_a_background_of_next_to_no_mutations_is_one_sequence_however_long(letters, rate, fixed):
    template = Template(TEMPLATE.alphabet, f"N{{{letters}}}")
    background = Background.mutated(template, "A" * letters, rate)
    assert is_fixed(background, Players.build(template)) == fixed
