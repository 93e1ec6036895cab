"""Boosted trees on masks become parities exactly."""

import lightgbm as lgb
import numpy as np
import pytest
from mask_cases import all_masks

from shapsketch.masks.boosting import SETTINGS, tree_parities


def test_trees_become_parities_exactly():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (800, 7)).astype(np.uint8)
    values = masks[:, 0] * masks[:, 1] + masks[:, 2] - masks[:, 3] * (1 - masks[:, 4]) * 1.0
    booster = lgb.train(SETTINGS | {"max_depth": 4}, lgb.Dataset(masks, values, params=SETTINGS), 20)
    parities = tree_parities(booster.model_to_string(), 7, 4)
    assert np.abs(parities.predict(all_masks(7)) - booster.predict(all_masks(7))).max() < 1e-12
    alone = lgb.train(SETTINGS, lgb.Dataset(masks, np.ones(800), params=SETTINGS), 1)
    assert tree_parities(alone.model_to_string(), 7, 4).predict(all_masks(7)) == pytest.approx(1.0)
