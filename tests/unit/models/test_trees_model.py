"""Trees read from files predict what LightGBM and XGBoost predict, and their dividends are exact."""

import json
import pickle
import zlib
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xgboost as xgb

from oracles import all_codes, coalition_values, shapley_values
from shapsketch.models import Model
from shapsketch.models.ensemble import Ensemble, Tree
from shapsketch.models.trees_model import read_ensemble
from shapsketch.recovery.exact_trees import exact_spectra
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

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


def values(path, layout, outputs=("y",), template=TEMPLATE, **keys):
    return Model({"kind": "trees", "path": str(path), "layout": layout, **keys}, template, outputs)(CODES)


def refused(path, layout, message, template=TEMPLATE, **keys):
    with pytest.raises(InputError, match=message) as caught:
        values(path, layout, template=template, **keys)
    assert "\n" not in str(caught.value)


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


def test_one_split_that_tells_nothing(tmp_path):
    """A few such splits are refused too, until the config says what the zeros are."""
    x = columns(CODES, "flat")
    x[:, 0] = np.where(x[:, 0] == 0, np.nan, 1)
    data = xgb.DMatrix(x, TARGET)
    booster = xgb.train({"max_depth": 6, "nthread": 1}, data, 10)
    booster.save_model(tmp_path / "m.json")
    refused(tmp_path / "m.json", "flat", "its .* splits send all letters the same way")
    assert np.isfinite(values(tmp_path / "m.json", "flat", zeros="value")).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lightgbm_of_missing_values(tmp_path, layout):
    x = columns(CODES, layout)
    x = np.where(x == 0, np.nan, x)
    settings = {"objective": "regression", "num_leaves": 11, "verbosity": -1, "num_threads": 1}
    booster = lgb.train(settings, lgb.Dataset(x, TARGET, params=settings), 15)
    booster.save_model(tmp_path / "m.txt")
    np.testing.assert_allclose(values(tmp_path / "m.txt", layout, zeros="missing")[:, 0], booster.predict(x), atol=1e-9)


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


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_categories_of_data_frames_are_in_their_own_order(tmp_path, library):
    """pandas sorts the letters; an alphabet in another order would exchange them."""
    letters = np.array(list("TGCA"))
    frame = pd.DataFrame({f"p{i}": pd.Categorical(letters[CODES[:, i]]) for i in range(6)})
    path = tmp_path / "m.txt"
    if library == "xgboost":
        booster = xgb.train({"max_depth": 3, "nthread": 1}, xgb.DMatrix(frame, TARGET, enable_categorical=True), 8)
        expected = booster.predict(xgb.DMatrix(frame, enable_categorical=True))
    else:
        booster = lgb.train({"verbosity": -1, "num_threads": 1}, lgb.Dataset(frame, TARGET), 8)
        expected = booster.predict(frame)
    booster.save_model(path if library == "lightgbm" else path.with_suffix(".json"))
    path = path if library == "lightgbm" else path.with_suffix(".json")
    other = Template(Alphabet("TGCA"), "NNNNNN")
    refused(path, "codes", "column 1 are A, C, G, T, in this order, and the alphabet is TGCA", template=other)
    found = Model({"kind": "trees", "path": str(path), "layout": "codes"}, TEMPLATE, ["y"])(3 - CODES)
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            pickle.dumps([1]),
            "is a pickle, which could run code when opened, and is not opened; save it with save_model",
        ),
        (zlib.compress(b"joblib"), "is a compressed pickle"),
        (b"CBM1....", "is a CatBoost model, which is not read; export it to ONNX"),
        (b"binf....", "in the binary format of old versions"),
        (b'[{"nodeid": 0}]', "is a dump of trees, which lacks their base value"),
        (b'{"oblivious_trees": []}', "it is CatBoost's JSON"),
        (b'{"tree_info": []}', "it is LightGBM's dump_model"),
    ],
)
def test_other_files_of_trees(tmp_path, content, message):
    (tmp_path / "m").write_bytes(content)
    refused(tmp_path / "m", "flat", message)


def test_what_is_left_of_an_ensemble_is_refused(deep, tmp_path):
    text = Path(deep["path"]).read_text()
    (tmp_path / "m.txt").write_text(text[: text.index("Tree=7")])
    refused(tmp_path / "m.txt", "flat", "it ends before its last tree")
    booster = xgb.train({"booster": "dart", "nthread": 1}, xgb.DMatrix(columns(CODES, "flat"), TARGET), 4)
    booster.save_model(tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    content["learner"]["gradient_booster"]["weight_drop"].pop()
    (tmp_path / "m.json").write_text(json.dumps(content))
    refused(tmp_path / "m.json", "flat", "it has 4 trees, 4 outputs of trees and 3 weights")
    (tmp_path / "folder.json").mkdir()
    refused(tmp_path / "folder.json", "flat", "is a folder")


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
    path = tmp_path / "m.txt"
    path.write_text(change(Path(deep["path"]).read_text()))
    with pytest.raises(InputError, match=message) as caught:
        read_ensemble({**deep, "path": str(path)}, TEMPLATE, ["y"])
    assert "\n" not in str(caught.value)
