"""Checks of Shapley values are unbiased."""

import numpy as np
import pytest

from shapsketch.masks import explain_game
from shapsketch.masks.checks import pair_masks, pair_units, walk_masks, walk_orders, walk_units
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
