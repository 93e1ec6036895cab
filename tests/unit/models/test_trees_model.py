"""Trees read from files: which file is what, what is left of an ensemble, what is damaged.

Covers also: ensemble, tree_features, trees_arrays.
"""

import json
import pickle
import zlib
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import tree_cases
import xgboost as xgb
from tree_cases import CODES, TARGET, TEMPLATE, columns, refused, values

from shapsketch.models import Model
from shapsketch.models.trees_model import read_ensemble
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    return tree_cases.deep(tmp_path_factory.mktemp("deep"))


def test_one_split_that_tells_nothing(tmp_path):
    """A few such splits are refused too, until the config says what the zeros are."""
    x = columns(CODES, "flat")
    x[:, 0] = np.where(x[:, 0] == 0, np.nan, 1)
    data = xgb.DMatrix(x, TARGET)
    booster = xgb.train({"max_depth": 6, "nthread": 1}, data, 10)
    booster.save_model(tmp_path / "m.json")
    refused(tmp_path / "m.json", "flat", "its .* splits send all letters the same way")
    assert np.isfinite(values(tmp_path / "m.json", "flat", zeros="value")).all()


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
