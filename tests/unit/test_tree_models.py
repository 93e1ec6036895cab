"""Trees read from files predict what LightGBM and XGBoost predict, and their dividends are exact."""

import json

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from oracles import all_codes, coalition_values, shapley_values
from shapsketch.alphabet import Alphabet
from shapsketch.background import Background
from shapsketch.errors import InputError
from shapsketch.models import Model
from shapsketch.models.ensemble import Ensemble, Tree
from shapsketch.models.trees_model import read_ensemble
from shapsketch.recovery.ensemble import exact_spectra
from shapsketch.template import Template

TEMPLATE = Template(Alphabet("ACGT"), "N" * 6)
DRAWS = np.random.default_rng(3)
CODES = DRAWS.integers(0, 4, (3000, 6)).astype(np.uint8)
TARGET = (CODES[:, 1] == 2) * 1.0 + (CODES[:, 0] == CODES[:, 4]) * 2.0 + DRAWS.normal(0, 0.1, len(CODES))
LAYOUTS = ("flat", "channels_first", "codes")


def columns(codes, layout):
    onehot = np.eye(4)[codes]
    match layout:
        case "codes":
            return codes.astype(float)
        case "flat":
            return onehot.reshape(len(codes), -1)
    return onehot.transpose(0, 2, 1).reshape(len(codes), -1)


def values(path, layout, outputs=("y",)):
    return Model({"kind": "trees", "path": str(path), "layout": layout}, TEMPLATE, outputs)(CODES)


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


def trees_of(path):
    return json.loads(path.read_text())["learner"]["gradient_booster"]["model"]["trees"]


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """A LightGBM model of depth 6 over 6 positions."""
    path = tmp_path_factory.mktemp("deep") / "m.txt"
    settings = {"objective": "regression", "num_leaves": 40, "min_data_in_leaf": 3, "verbosity": -1, "num_threads": 1}
    lgb.train(settings, lgb.Dataset(columns(CODES, "flat"), TARGET), 8).save_model(path)
    return {"kind": "trees", "path": str(path), "layout": "flat"}


@pytest.mark.parametrize("pattern", ["NNNNNN", "NCNRNN"])
@pytest.mark.parametrize("background", ["uniform", "skewed"])
def test_dividends_are_exact(deep, pattern, background):
    template = Template(Alphabet("ACGT"), pattern)
    weights = {"A": 1, "C": 2, "G": 3, "T": 4}
    background = (
        Background.uniform(template) if background == "uniform" else Background.from_frequencies(template, weights)
    )
    ensemble = read_ensemble(deep, template, ["y"])
    ((intercept, terms),) = exact_spectra(ensemble, background)
    local = all_codes(tuple(template.sizes))
    truth = ensemble.predict(template.to_alphabet(local))[:, 0]
    np.testing.assert_allclose(intercept + terms.predict(local), truth, atol=1e-9)
    cube = truth.reshape(template.sizes)
    for x in local[:: len(local) // 5]:
        game = coalition_values(cube, background.local, x)
        np.testing.assert_allclose(terms.shapley_values(x[None])[0], shapley_values(game, template.n), atol=1e-9)


def test_orders_can_be_limited(deep):
    ensemble, background = read_ensemble(deep, TEMPLATE, ["y"]), Background.uniform(TEMPLATE)
    ((intercept, terms),) = exact_spectra(ensemble, background)
    ((same, limited),) = exact_spectra(ensemble, background, max_order=2)
    assert terms.orders.max() > 3
    assert limited.orders.max() == 2
    assert same == intercept
    kept = terms.select(terms.orders <= 2)
    np.testing.assert_allclose(limited.predict(CODES), kept.predict(CODES), atol=1e-12)
    ((_, few),) = exact_spectra(ensemble, background, most_cells=3000)
    assert 1 <= few.orders.max() < terms.orders.max()


def test_long_paths_end_in_time():
    """One tree that asks for all of 30 positions in turn: 2^30 dividends, of which the lower orders are kept."""
    template = Template(Alphabet("ACGT"), "N" * 30)
    inner = np.arange(30)
    tree = Tree(
        np.append(inner, np.full(31, -1)),
        np.tile(np.arange(4) < 2, (61, 1)),
        np.append(np.append(inner[1:], 60), np.zeros(31, int)),
        np.append(30 + inner, np.zeros(31, int)),
        np.append(np.zeros(30), np.arange(31.0)),
    )
    ensemble = Ensemble.collect([tree], [0], np.zeros(1))
    assert ensemble.depth == 30
    ((intercept, terms),) = exact_spectra(ensemble, Background.uniform(template))
    assert terms.orders.max() == 3
    assert intercept == pytest.approx(sum(leaf * 0.5 ** (leaf + 1) for leaf in range(30)) + 30 * 0.5**30)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("max_feature_idx=23", "max_feature_idx=91"), "it has 92 features, and 6 positions"),
        (lambda text: text.replace("is_linear=0", "is_linear=1"), "its leaves hold linear models"),
        (lambda text: text.replace("split_feature=", "split_feature=77 "), "is damaged|asks for the feature 77 of 24"),
        (lambda text: text.replace("left_child=1 ", "left_child=0 ", 1), "is damaged: a node is reached twice"),
        (lambda text: text.replace("left_child=1 ", "left_child=5000 ", 1), "leads out of its tree|is damaged"),
        (lambda text: "forest\n" + text, "neither a LightGBM text model nor an XGBoost JSON model"),
        (lambda text: '{"learner": {}}', "is damaged .KeyError"),
        (
            lambda text: (
                '{"learner": {"gradient_booster": {"name": "gblinear", "model": {}}, "learner_model_param": {}}}'
            ),
            "a booster of the kind gblinear, which has no trees",
        ),
    ],
)
def test_files_that_are_not_as_they_should_be(deep, tmp_path, change, message):
    from pathlib import Path

    path = tmp_path / "m.txt"
    path.write_text(change(Path(deep["path"]).read_text()))
    with pytest.raises(InputError, match=message) as caught:
        read_ensemble({**deep, "path": str(path)}, TEMPLATE, ["y"])
    assert "\n" not in str(caught.value)
