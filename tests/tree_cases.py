"""Trees of LightGBM and XGBoost, and what is read of their files."""

import lightgbm as lgb
import numpy as np
import pytest

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
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


def deep(folder):
    """The source of a LightGBM model of depth 6 over 6 positions."""
    path = folder / "m.txt"
    settings = {"objective": "regression", "num_leaves": 40, "min_data_in_leaf": 3, "verbosity": -1, "num_threads": 1}
    lgb.train(settings, lgb.Dataset(columns(CODES, "flat"), TARGET), 8).save_model(path)
    return {"kind": "trees", "path": str(path), "layout": "flat"}
