"""LightGBM's trees predict what LightGBM predicts."""

import lightgbm as lgb
import numpy as np
import pytest
from tree_cases import CODES, LAYOUTS, TARGET, columns, values


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "regression"},
        {"objective": "regression", "zero_as_missing": True},
        {"objective": "binary"},
        {"objective": "multiclass", "num_class": 3},
        {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"objective": "regression", "boosting": "dart", "drop_rate": 0.5},
    ],
)
def test_lightgbm(tmp_path, layout, settings):
    target = TARGET if settings["objective"] == "regression" else np.clip(np.rint(TARGET), 0, 2)
    target = np.minimum(target, 1) if settings["objective"] == "binary" else target
    settings = {"num_leaves": 11, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1, **settings}
    x = columns(CODES, layout)
    booster = lgb.train(settings, lgb.Dataset(x, target, params=settings), 20)
    booster.save_model(tmp_path / "m.txt")
    expected = booster.predict(x, raw_score="boosting" not in settings)  # a forest's raw scores are not averaged
    outputs = ("a", "b", "c") if settings["objective"] == "multiclass" else ("y",)
    np.testing.assert_allclose(values(tmp_path / "m.txt", layout, outputs), expected.reshape(len(x), -1), atol=1e-9)


def test_lightgbm_categories(tmp_path):
    settings = {"objective": "regression", "min_data_per_group": 5, "cat_smooth": 0, "verbosity": -1, "num_threads": 1}
    data = lgb.Dataset(CODES.astype(float), TARGET, categorical_feature=list(range(6)), params=settings)
    booster = lgb.train(settings, data, 15)
    booster.save_model(tmp_path / "m.txt")
    assert "num_cat=0" not in (tmp_path / "m.txt").read_text().split("Tree=1")[0]
    np.testing.assert_allclose(
        values(tmp_path / "m.txt", "codes")[:, 0], booster.predict(CODES.astype(float)), atol=1e-9
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lightgbm_of_missing_values(tmp_path, layout):
    x = columns(CODES, layout)
    x = np.where(x == 0, np.nan, x)
    settings = {"objective": "regression", "num_leaves": 11, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(x, TARGET, params=settings), 15)
    booster.save_model(tmp_path / "m.txt")
    np.testing.assert_allclose(values(tmp_path / "m.txt", layout, zeros="missing")[:, 0], booster.predict(x), atol=1e-9)
