"""Networks of Keras, and what is read of their files."""

import json
import os
import warnings

import h5py
import numpy as np
import pytest
import torch

from shapsketch.models import Model
from shapsketch.models.keras_model import read_network
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore", DeprecationWarning)

TEMPLATE = Template(Alphabet("ACGT"), "N" * 6)

CODES = np.random.default_rng(0).integers(0, 4, (20, 6)).astype(np.uint8)

ONEHOT = np.eye(4, dtype=np.float32)[CODES]

SUFFIXES = ("h5", "keras")


def values_of(path, shape=None):
    network = read_network(str(path), torch.device("cpu"), torch.float64)
    with torch.inference_mode():
        result = network(torch.from_numpy(ONEHOT).double())
    return [part.numpy() for part in (result if isinstance(result, list) else [result])]


def check(keras, model, folder, atol=1e-5, randomize=True):
    """Compare both kinds of file with Keras itself."""
    draws = np.random.default_rng(1)
    if randomize:
        model.set_weights([np.abs(draws.normal(0.5, 0.3, w.shape)) for w in model.get_weights()])
    expected = model.predict(ONEHOT, verbose=0)
    for suffix in SUFFIXES:
        model.save(folder / f"m.{suffix}")
        found = values_of(folder / f"m.{suffix}")
        for a, b in zip(found, expected if isinstance(expected, list) else [expected], strict=True):
            np.testing.assert_allclose(a, b, atol=atol, rtol=1e-5)


def refused(path, message):
    with pytest.raises(InputError, match=message) as caught:
        Model({"kind": "keras_h5", "path": str(path), "layout": "channels_last"}, TEMPLATE, ["y"])
    assert "\n" not in str(caught.value)


def edited(keras, folder, edit, layer=None):
    """An HDF5 file of two layers, whose configuration or arrays were edited."""
    layers = keras.layers
    model = keras.Sequential([layers.Input((6, 4)), layer or layers.Conv1D(3, 2, name="c"), layers.Dense(1, name="d")])
    model.save(folder / "m.h5")
    with h5py.File(folder / "m.h5", "a") as file:
        config = json.loads(file.attrs["model_config"])
        edit(file, {entry["config"]["name"]: entry for entry in config["config"]["layers"]})
        file.attrs["model_config"] = json.dumps(config)
    return folder / "m.h5"


def path_of(file, layer, name):
    """Where an array of a layer lies in a file."""
    group = f"model_weights/{layer}"
    return next(f"{group}/{n}" for n in file[group].attrs["weight_names"] if n.endswith(name))
