"""Fits of games as a whole: planted games, noise, constants, every estimator.

Covers also: fits, scoring.
"""

import numpy as np
import pytest
from mask_cases import planted

from shapsketch.masks import explain_game, fit_values
from shapsketch.masks.explain import warnings_of
from shapsketch.masks.plan import make_mask_plan
from shapsketch.spectrum.metrics import r_squared


def fresh_r2(game, found, m):
    masks = np.random.default_rng(99).integers(0, 2, (2000, m)).astype(np.uint8)
    return r_squared(game(masks), found.parities.predict(masks))


@pytest.mark.parametrize(("m", "budget"), [(200, 4000), (1000, 8000)])
def test_parities_of_any_order_are_found_exactly(m, budget):
    """High orders without their parts, which no search from below can find: the coded lattice does."""
    game, _ = planted(m, 12, (3, 6), "parity")
    plan = make_mask_plan(m, budget, noisy=False)
    found = explain_game(game, plan)
    assert plan.plan.lattice.correct == 5
    assert fresh_r2(game, found, m) > 1 - 1e-10
    assert len(found.parities.supports) <= 13


def test_planted_interactions_are_found_exactly():
    game, truth = planted(200, 12, (1, 6), "product")
    found = explain_game(game, make_mask_plan(200, 5000, noisy=False))
    assert fresh_r2(game, found, 200) > 1 - 1e-10
    supports, values = found.parities.dividends
    rows = [tuple(s[s < 200].tolist()) for s in supports]
    strong = {s: v for s, v in zip(rows, values, strict=True) if s and abs(v) > 1e-4}
    assert strong.keys() == truth.keys()
    assert max(abs(strong[s] - truth[s]) for s in truth) < 1e-5


def test_noise_is_told_apart_from_what_is_missed():
    """R2 is that of the game, not of its noisy answers; the noise's share of the variance is told."""
    game, _ = planted(60, 8, (1, 3), "product")
    rng = np.random.default_rng(5)
    scale = game(rng.integers(0, 2, (4000, 60))).std()
    found = explain_game(lambda masks: game(masks) + scale * rng.normal(size=len(masks)), make_mask_plan(60, 6000))
    assert found.record["noise_share"] == pytest.approx(0.5, abs=0.12)
    low, high = found.record["r2_interval"]
    assert low < fresh_r2(game, found, 60) < high
    assert found.record["r2_of_draws"] == pytest.approx(0.5, abs=0.12)


def test_parities_without_weak_parts_are_found_in_the_noise_of_answers():
    """Only the lattice sees them, so a game whose noise no walk cancels leaves most of its masks to that."""
    game, _ = planted(200, 20, (3, 6), "parity")
    rng = np.random.default_rng(5)
    scale = 0.5 * game(rng.integers(0, 2, (4000, 200))).std()
    found = explain_game(lambda masks: game(masks) + scale * rng.normal(size=len(masks)), make_mask_plan(200, 8000))
    assert fresh_r2(game, found, 200) > 0.9
    assert found.record["order"] == 5


@pytest.mark.parametrize("value", [2.5, 0.0])
@pytest.mark.parametrize("estimator", ["auto", "dividends", "exact", "fourier", "regression", "trees"])
@pytest.mark.parametrize("noisy", [False, True])
def test_a_constant_game_has_no_parities(value, estimator, noisy):
    players, budget = (6, 3000) if estimator == "exact" else (50, 3000)
    plan = make_mask_plan(players, budget, noisy=noisy, estimator=estimator)
    found = explain_game(lambda masks: np.full(len(masks), value), plan, estimator=estimator)
    assert found.parities.empty == found.base == pytest.approx(value)
    assert len(found.parities.supports) == 1
    assert not found.values.any() and not found.errors.any()
    assert warnings_of(found, value, (value, value))[0] == "nothing"


def test_a_game_of_mean_zero_is_no_constant():
    """One player, -1 without it and 1 with it: one parity, beside the empty one."""
    found = explain_game(lambda masks: 2.0 * masks[:, 0] - 1, make_mask_plan(1, 100, noisy=False))
    assert (found.base, found.values.tolist()) == (-1, [2])
    assert warnings_of(found, 1, (-1, 1)) == []


@pytest.mark.parametrize("estimator", ["dividends", "fourier", "regression", "trees"])
def test_every_estimator_fits_and_repeats(estimator):
    game, _ = planted(40, 6, (1, 3), "product")
    plan = make_mask_plan(40, 3000, noisy=False, estimator=estimator)
    one, other = (explain_game(game, plan, estimator=estimator) for _ in range(2))
    assert one.record["estimator"] == estimator
    assert one.record["r2"] > 0.95
    assert np.array_equal(one.parities.coefficients, other.parities.coefficients)


def test_order_is_bounded():
    game, _ = planted(30, 6, (1, 6), "product")
    found = explain_game(game, make_mask_plan(30, 2000, noisy=False), max_order=2)
    assert found.parities.orders.max() <= 2


def test_a_whole_with_noise_is_no_certainty():
    game, _ = planted(60, 8, (1, 4), "product")
    truth, plan = game(np.ones((1, 60), np.uint8))[0], make_mask_plan(60, 3000)
    asked = []

    def noisy(masks):
        asked.append(len(masks))
        return game(masks) + np.random.default_rng(len(masks)).normal(size=len(masks))

    found = explain_game(noisy, plan)
    assert asked == [2, len(plan.masks)]
    answer, values = noisy(np.ones((2, 60), np.uint8)).mean(), noisy(plan.masks)
    assert np.array_equal(found.values, fit_values(plan, values, answer, whole_draws=2).values)
    wrong = truth + 4  # by four standard deviations
    certain, doubted = (fit_values(plan, values, wrong, whole_draws=draws).reconstruction for draws in (0, 1))
    assert certain == pytest.approx(wrong)
    assert abs(doubted - truth) < 1


def test_a_whole_without_noise_is_what_values_add_up_to():
    game, _ = planted(60, 8, (1, 4), "product")
    truth = game(np.ones((1, 60), np.uint8))[0]
    rng = np.random.default_rng(0)
    found = explain_game(
        lambda masks: game(masks) + rng.normal(size=len(masks)) * ~masks.all(1), make_mask_plan(60, 3000)
    )
    assert found.reconstruction == pytest.approx(truth)


def test_noise_alone_is_no_explanation():
    rng = np.random.default_rng(0)
    plan = make_mask_plan(8, 2000)
    found = fit_values(plan, rng.normal(size=len(plan.masks)), 0.0)
    assert len(found.parities.supports) == 1 or found.record["r2"] > 0
    flat = make_mask_plan(8, 2000)
    silent = fit_values(flat, np.full(len(flat.masks), 3.0), 3.0)
    assert silent.record["estimator"] == "constant"
    assert np.isnan(silent.record["r2"])
    assert not silent.values.any()
    assert "nothing" in warnings_of(silent, 3.0, (3.0, 3.0))
