"""Checks of Shapley values are unbiased."""

import numpy as np
import pytest

from shapsketch.masks import explain_game
from shapsketch.masks.checks import combine, pair_masks, pair_units, walk_masks, walk_orders, walk_units
from shapsketch.masks.plan import make_mask_plan


def test_units_are_unbiased():
    """The mean over all orders of walks, and over many pairs, is the Shapley value of the residual."""
    rng = np.random.default_rng(0)
    cells = rng.normal(size=32)
    value = lambda masks: cells[masks @ (1 << np.arange(5)[::-1])]  # noqa: E731
    exact_fit = explain_game(value, make_mask_plan(5, 32, noisy=False))
    whole = float(cells[-1])
    walks = walk_units(walk_orders(1, 5, 4000), value(walk_masks(1, 5, 4000)), whole)
    masks = pair_masks(1, 5, 4000)
    pairs = pair_units(masks, value(masks), whole)
    for units in (walks, pairs):
        error = units.std(0) / np.sqrt(4000)
        assert (np.abs(units.mean(0) - exact_fit.values) < 4 * error).all()
        assert units.sum(1) == pytest.approx(whole - cells[0])


@pytest.mark.parametrize("noise", [0.1, 1.0, 5.0])
def test_corrections_beside_doubts_do_no_harm_and_their_errors_hold(noise):
    """Corrections whose standard errors are so many times those of the fit, of 300 players of which 30 act.

    Half of what is missed of the value function are interactions, which few values hear of.
    """
    players, units, held, told, alone, corrected = 300, 80, [], [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        spread = np.where(np.arange(players) < 30, 1.0, 0.02)  # squares of the fit's errors
        errors = np.sqrt(spread) * rng.normal(size=players)
        doubts = spread * (rng.chisquare(1, players) + 1)
        drawn = errors + noise * np.sqrt(spread.mean() * units) * rng.normal(size=(units, players))
        checked = combine(drawn, np.zeros(units), 0.0, doubts, missed=2 * players * spread.mean() / 6)
        held.append(np.abs(checked.values - errors) <= 1.96 * checked.errors)
        told.append(np.mean(checked.errors**2))
        alone.append(np.mean(errors**2))
        corrected.append(np.mean((checked.values - errors) ** 2))
    assert np.mean(corrected) <= 1.02 * np.mean(alone)
    assert np.mean(held) >= 0.9
    assert np.mean(told) < 1.5**2 * np.mean(corrected)
    assert np.mean(np.array(held)[:, :30]) >= 0.85
    if noise < 1:
        assert np.mean(corrected) < 0.1 * np.mean(alone)


def test_errors_are_no_larger_than_what_a_good_fit_is_known_to_miss_allows():
    """Pairs that are much noisier than a fit errs, of 300 players of which 30 act; R2 is 0.9 and 0.4."""
    players, units, held, told, unbounded = 300, 15, [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        spread = np.where(np.arange(players) < 30, 1.0, 0.02)
        errors = np.sqrt(spread) * rng.normal(size=players)
        drawn = errors + 5 * np.sqrt(units) * rng.normal(size=(units, players))
        doubts, missed = spread * (rng.chisquare(1, players) + 1), 1.2 * players * spread.mean() / 6
        good, poor, alone = (
            combine(drawn, np.zeros(units), 0.0, some, missed, signal=signal)
            for some, signal in ((doubts, 10 * missed), (doubts, missed / 0.6), (None, None))
        )
        held.append(np.abs(good.values - errors) <= 1.96 * good.errors)
        told.append(np.mean(good.errors**2) / np.mean((good.values - errors) ** 2))
        unbounded.append(np.mean(alone.errors**2) / np.mean((alone.values - errors) ** 2))
        assert np.array_equal(good.values, alone.values)
        assert np.mean(poor.errors**2) > 0.9 * np.mean(alone.errors**2)
    assert np.sqrt(np.mean(unbounded)) > 5
    assert 1 < np.sqrt(np.mean(told)) < 2
    assert np.mean(held) >= 0.95
    assert np.mean(np.array(held)[:, :30]) >= 0.9


def test_corrections_that_contradict_the_hold_out_masks_are_believed():
    """Masks that show nothing of what is missed, whose bound would be nothing: errors stay as large as units differ."""
    rng = np.random.default_rng(0)
    errors = rng.normal(size=100)
    drawn = errors + rng.normal(size=(12, 100))
    checked = combine(drawn, np.zeros(12), 0.0, np.ones(100), 1e-9, signal=1.0)
    assert np.mean(np.abs(checked.values - errors) <= 1.96 * checked.errors) >= 0.9
