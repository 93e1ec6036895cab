"""XGBoost's trees predict what XGBoost predicts.

Covers also: ubjson.
"""

import json

import numpy as np
import pytest
import scipy.sparse
import xgboost as xgb
from tree_cases import CODES, LAYOUTS, TARGET, columns, refused, values


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "reg:squarederror", "base_score": 0.3},
        {"objective": "binary:logistic", "base_score": 0.2},
        {"objective": "count:poisson"},
        {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 2, "subsample": 0.6},
        {"objective": "reg:squarederror", "booster": "dart", "rate_drop": 0.4},
    ],
)
def test_xgboost(tmp_path, layout, settings):
    target = {"binary:logistic": np.clip(np.rint(TARGET), 0, 1), "multi:softprob": np.clip(np.rint(TARGET), 0, 2)}.get(
        settings["objective"], np.maximum(TARGET, 0)
    )
    data = xgb.DMatrix(columns(CODES, layout), target)
    booster = xgb.train({"max_depth": 4, "nthread": 1, "seed": 1, **settings}, data, 12)
    booster.save_model(tmp_path / "m.json")
    expected = booster.predict(data, output_margin=True)
    outputs = ("a", "b", "c") if "num_class" in settings else ("y",)
    np.testing.assert_allclose(
        values(tmp_path / "m.json", layout, outputs), expected.reshape(len(CODES), -1), atol=1e-5
    )


def test_xgboost_categories_and_early_stopping(tmp_path):
    data = xgb.DMatrix(CODES.astype(float), TARGET, feature_types=["c"] * 6, enable_categorical=True)
    settings = {"max_depth": 3, "nthread": 1, "max_cat_to_onehot": 1}
    xgb.train(settings, data, 10).save_model(tmp_path / "cat.json")
    assert any(tree["categories"] for tree in trees_of(tmp_path / "cat.json"))
    expected = xgb.Booster(model_file=tmp_path / "cat.json").predict(data)
    np.testing.assert_allclose(values(tmp_path / "cat.json", "codes")[:, 0], expected, atol=1e-5)
    x = columns(CODES, "flat")
    regressor = xgb.XGBRegressor(n_estimators=300, max_depth=5, learning_rate=0.5, early_stopping_rounds=3, n_jobs=1)
    regressor.fit(x[:500], TARGET[:500], eval_set=[(x[500:], TARGET[500:])], verbose=False)
    regressor.save_model(tmp_path / "stopped.json")
    assert len(trees_of(tmp_path / "stopped.json")) > regressor.best_iteration + 1
    np.testing.assert_allclose(values(tmp_path / "stopped.json", "flat")[:, 0], regressor.predict(x), atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("method", ["hist", "exact", "approx"])
def test_xgboost_of_sparse_matrices(tmp_path, layout, method):
    """What a sparse matrix leaves out is missing, and goes where each split sends missing values."""
    sparse = xgb.DMatrix(scipy.sparse.csr_matrix(columns(CODES, layout)), TARGET)
    booster = xgb.train({"max_depth": 4, "nthread": 1, "tree_method": method}, sparse, 12)
    booster.save_model(tmp_path / "m.json")
    expected = booster.predict(sparse)
    assert np.ptp(expected) > 2
    found = values(tmp_path / "m.json", layout, zeros="missing")[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    message = r"of its .* splits send all letters the same way, .*write zeros: missing into its source if this one was"
    refused(tmp_path / "m.json", layout, message)
    if layout != "codes":  # there, other letters than the first are told apart
        refused(tmp_path / "m.json", layout, "with zeros: value all .*; try zeros: missing", zeros="value")
    dense = xgb.DMatrix(columns(CODES, layout), TARGET)
    booster = xgb.train({"max_depth": 4, "nthread": 1, "tree_method": method}, dense, 12)
    booster.save_model(tmp_path / "d.json")
    for keys in ({}, {"zeros": "value"}):
        np.testing.assert_allclose(values(tmp_path / "d.json", layout, **keys)[:, 0], booster.predict(dense), atol=1e-5)
    if layout != "codes" and method != "exact":  # which sends missing values where zeros go
        refused(tmp_path / "d.json", layout, "with zeros: missing all .*; try zeros: value", zeros="missing")


@pytest.mark.parametrize(
    "objective",
    ["reg:squarederror", "reg:logistic", "binary:logistic", "binary:logitraw", "binary:hinge", "reg:absoluteerror",
     "reg:pseudohubererror", "reg:squaredlogerror", "reg:gamma", "reg:tweedie", "count:poisson", "survival:cox",
     "rank:pairwise"],
)  # fmt: skip
def test_base_values_before_the_link(tmp_path, objective):
    target = np.clip(np.rint(TARGET), 0, 1) + (0.1 if objective in ("reg:gamma", "survival:cox") else 0)
    data = xgb.DMatrix(columns(CODES, "flat"), target)
    if objective.startswith("rank"):
        data.set_group([100] * 30)
    base = {} if objective.startswith("rank") else {"base_score": 0.4}
    booster = xgb.train({"objective": objective, "max_depth": 3, "nthread": 1, **base}, data, 5)
    for suffix in ("json", "ubj"):
        booster.save_model(tmp_path / f"m.{suffix}")
        found = values(tmp_path / f"m.{suffix}", "flat")[:, 0]
        np.testing.assert_allclose(found, booster.predict(data, output_margin=True), atol=1e-5)


def test_binary_files_of_xgboost(tmp_path):
    data = xgb.DMatrix(CODES.astype(float), TARGET, feature_types=["c"] * 6, enable_categorical=True)
    booster = xgb.train({"max_depth": 3, "nthread": 1, "booster": "dart", "rate_drop": 0.3}, data, 8)
    booster.save_model(tmp_path / "m.ubj")
    booster.save_model(tmp_path / "m.json")
    expected = booster.predict(data)
    for suffix in ("ubj", "json"):
        np.testing.assert_allclose(values(tmp_path / f"m.{suffix}", "codes")[:, 0], expected, atol=1e-5)
    content = (tmp_path / "m.ubj").read_bytes()
    for cut in (content[:-1], content[: len(content) // 2], content[:2], content + b"x"):
        (tmp_path / "cut.ubj").write_bytes(cut)
        refused(tmp_path / "cut.ubj", "codes", "is damaged")


def trees_of(path):
    return json.loads(path.read_text())["learner"]["gradient_booster"]["model"]["trees"]
