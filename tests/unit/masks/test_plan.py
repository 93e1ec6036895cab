"""Which masks are asked, and which plans cannot be."""

import numpy as np
import pytest

from shapsketch.masks.plan import make_mask_plan
from shapsketch.settings.errors import InputError


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"players": 50, "budget": 90}, "at least 100 are needed"),
        ({"players": 50, "budget": 900, "draws": 10}, "90 values of 10 draws each; at least 1000 are needed.*or lower"),
        ({"players": 50, "budget": 5000, "estimator": "exact"}, "asks all 2\\^50 masks"),
        ({"players": 500, "budget": 500, "estimator": "fourier"}, "needs a larger lattice for 500 players"),
        ({"players": 5000, "budget": 5000}, "5000 players are to be masked, and at most 4094 can be"),
    ],
)
def test_impossible_plans_are_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        make_mask_plan(arguments.pop("players"), arguments.pop("budget"), **arguments)


def test_masks_of_every_size_are_asked_and_none():
    plan = make_mask_plan(40, 4000)
    sizes = plan.masks[plan.parts["sized_train"]].sum(1)
    assert np.bincount(np.minimum(sizes // 10, 3)) / len(sizes) == pytest.approx([0.25] * 4, abs=0.05)
    assert plan.nobody == 40
    assert not plan.masks[plan.parts["nobody"]].any()
    for kind in ("sized", "half"):
        first, second = plan.holdout(kind)
        assert np.array_equal(plan.masks[first], plan.masks[second])
        assert not set(range(*first.indices(len(plan.masks)))) & {*plan.fitted, *plan.validation}
    assert plan.evaluations == 4000


def test_students_of_many_players_learn_close_to_the_whole():
    """The share that stays is the largest of three uniform ones, three quarters on average; masks that score stay."""
    plain, tilted, few = (
        make_mask_plan(400, 4000),
        make_mask_plan(400, 4000, taught=True),
        make_mask_plan(40, 4000, taught=True),
    )
    sized = tilted.masks[tilted.parts["sized_train"]]
    assert (plain.tilted, tilted.tilted, few.tilted) == (False, True, False)
    assert len(sized) > 2 * len(tilted.masks[tilted.parts["plan"]])
    assert np.mean(sized.mean(1) > 0.5) == pytest.approx(1 - 0.5**3, abs=0.02)
    assert sized.mean() == pytest.approx(0.75, abs=0.01)
    for kind in ("sized", "half"):
        first, second = plain.holdout(kind)[0], tilted.holdout(kind)[0]
        assert np.array_equal(plain.masks[first], tilted.masks[second])
    assert tilted.evaluations == plain.evaluations == 4000


@pytest.mark.parametrize(("players", "units"), [(100, "pairs"), (40, "walks")])
def test_a_game_alone_walks_only_where_walks_are_many(players, units):
    alone, drawn = (make_mask_plan(players, 4000, drawn=is_drawn) for is_drawn in (False, True))
    assert drawn.walks == 1600 // players
    assert (alone.walks or alone.pairs) == (1600 // players if units == "walks" else 266)
    assert (alone.pairs > 0) == (alone.sized.train < alone.plan.count("train") + alone.plan.count("lattice"))
    assert alone.evaluations == drawn.evaluations == 4000
