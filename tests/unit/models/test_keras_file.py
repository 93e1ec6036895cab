"""Files of Keras: the shape that they declare, archives, what contradicts itself."""

import io
import os
import zipfile

import h5py
import numpy as np
import pytest
from keras_cases import CODES, ONEHOT, TEMPLATE, edited, path_of, refused, values_of

from shapsketch.models import Model, identity, keras_model
from shapsketch.models.layouts import check_shape
from shapsketch.settings.errors import InputError

os.environ.setdefault("KERAS_BACKEND", "torch")


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_keras_files(tmp_path, suffix):
    import keras

    layers = keras.layers
    path = tmp_path / f"m.{suffix}"
    keras.Sequential([layers.Input((13, 4)), layers.Flatten(), layers.Dense(1)]).save(path)
    assert keras_model.declared_input_shape(str(path)) == (13, 4)
    x = keras.Input((None, 4))
    keras.Model(x, layers.GlobalMaxPooling1D()(x)).save(path)
    assert keras_model.declared_input_shape(str(path)) == (None, 4)
    inputs = [keras.Input((13, 4)), keras.Input((13, 4))]
    keras.Model(inputs, layers.Add()(inputs)).save(path)
    assert keras_model.declared_input_shape(str(path)) is None
    undeclared = keras.Sequential([layers.Flatten(), layers.Dense(1)])
    undeclared.build((None, 13, 4))
    undeclared.save(path)
    assert keras_model.declared_input_shape(str(path)) in (None, (13, 4))


def model_with_branches(keras):
    layers = keras.layers
    inputs = keras.Input((6, 4))
    x = layers.Conv1D(3, 2, activation="relu")(inputs)
    inner = keras.Sequential([keras.Input((5, 3)), layers.Dense(4), layers.BatchNormalization()])
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Concatenate()([x, inner(x)]))))
    draws = np.random.default_rng(1)
    model.set_weights([np.abs(draws.normal(0.5, 0.3, w.shape)) for w in model.get_weights()])
    return model


def weights_alone(whole, path):
    """As Keras 2 writes them: the weights of a whole model in HDF5, without its configuration."""
    with h5py.File(whole) as source, h5py.File(path, "w") as target:
        for name in source["model_weights"]:
            source.copy(source["model_weights"][name], target)
        for key, value in source["model_weights"].attrs.items():
            target.attrs[key] = value


@pytest.mark.parametrize("kind", ["keras 3", "keras 2", "whole"])
def test_weights_with_their_architecture_beside_them(keras, tmp_path, kind):
    model = model_with_branches(keras)
    (tmp_path / "model.json").write_text(model.to_json())
    model.save(tmp_path / "whole.h5")
    path = tmp_path / {"keras 3": "m.weights.h5", "keras 2": "m.h5", "whole": "whole.h5"}[kind]
    if kind == "keras 3":
        model.save_weights(path)
    elif kind == "keras 2":
        weights_alone(tmp_path / "whole.h5", path)
    source = {
        "kind": "keras_h5", "path": str(path), "config": str(tmp_path / "model.json"), "layout": "channels_last",
    }  # fmt: skip
    np.testing.assert_allclose(Model(source, TEMPLATE, ["a", "b"])(CODES), model.predict(ONEHOT, verbose=0), atol=1e-4)
    assert check_shape(source, TEMPLATE)
    assert str(tmp_path / "model.json") in identity(source)["files"]
    with pytest.raises(InputError, match=r"takes sequences of the shape \(6, 4\); .* set layout: channels_last"):
        check_shape(source | {"layout": "channels_first"}, TEMPLATE)


def test_architectures_that_do_not_fit_their_weights(keras, tmp_path):
    model = model_with_branches(keras)
    model.save_weights(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    other = keras.Sequential([keras.Input((6, 4)), keras.layers.Conv1D(5, 2), keras.layers.Flatten()])
    (tmp_path / "model.json").write_text(other.to_json())
    (tmp_path / "broken.json").write_text("{")
    base = {"kind": "keras_h5", "path": str(tmp_path / "m.weights.h5"), "layout": "channels_last"}
    for changes, sentence in (
        ({}, "has no model configuration: name the file that has it, .* by config: model.json"),
        ({"config": str(tmp_path / "model.json")}, "cannot be rebuilt: its weights at layers/input_layer are those of"),
        ({"config": str(tmp_path / "broken.json")}, "broken.json is no architecture of Keras"),
        ({"config": str(tmp_path / "none.json")}, "none.json is no architecture of Keras"),
        (
            {"config": str(tmp_path / "model.json"), "path": str(tmp_path / "m.keras")},
            "holds a whole model, its architecture too; leave config",
        ),
    ):
        with pytest.raises(InputError, match=sentence) as told:
            Model(base | changes, TEMPLATE, ["a", "b"])
        assert "\n" not in str(told.value)


def cut(file, layer):
    """Take the name of the last array of a layer out of its list."""
    group = file[f"model_weights/{layer}"]
    group.attrs["weight_names"] = list(group.attrs["weight_names"])[:-1]


EDITS = {
    "a setting of another version": (
        lambda f, c: c["c"]["config"].update(spectral=2.0), "its layer 'c' has spectral 2.0, which is not read"),
    "the number of filters": (lambda f, c: c["c"]["config"].update(filters=4), r"array 'kernel' of shape \(2, 4, 3\)"),
    "the width": (lambda f, c: c["c"]["config"].update(kernel_size=[3]), r"and \(3, any, 3\) is needed"),
    "the units": (lambda f, c: c["d"]["config"].update(units=2), "the array 'kernel' of shape"),
    "no bias": (lambda f, c: c["d"]["config"].update(use_bias=False), "array d/.*/bias belongs to no layer"),
    "a bias": (lambda f, c: cut(f, "d"), "'d' has no array 'bias'"),
    "a layer less": (lambda f, c: c["d"].update(class_name="Identity", config={"name": "d"}), "and 1 more belongs"),
    "the same name": (lambda f, c: c["d"]["config"].update(name="c"), "two of its layers have the same name"),
    "a list of strides": (lambda f, c: c["c"]["config"].update(strides=[1, 2]), r"has strides \[1, 2\], and one"),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_files_that_contradict_themselves(keras, tmp_path, name):
    edit, message = EDITS[name]
    refused(edited(keras, tmp_path, edit), message)


def test_arrays_elsewhere_and_bombs(keras, tmp_path):
    def external(file, config):
        with h5py.File(tmp_path / "other.h5", "w") as other:
            other["kernel"] = np.ones((3, 1), np.float32)
        path = path_of(file, "d", "kernel")
        del file[path]
        file[path] = h5py.ExternalLink(str(tmp_path / "other.h5"), "kernel")

    refused(edited(keras, tmp_path, external), "has no array 'kernel' in the file|lack")

    def huge(file, config):
        file["model_weights"].create_dataset("huge", (1 << 40,), "f4", chunks=(1 << 20,))

    refused(edited(keras, tmp_path, huge), "declared to hold .* bytes, in a file of")

    def circle(file, config):
        file["model_weights/d/again"] = file["model_weights"]

    assert values_of(edited(keras, tmp_path, circle))[0].shape == (20, 5, 1)


def test_archives_that_are_no_model(keras, tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    refused(path, "a zip archive without config.json and model.weights.h5")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(1 << 28))
    refused(path, "unpacks to 268,435,458 bytes, more than a Keras model can hold")
    path.write_bytes(b"PK\x03\x04 broken")
    refused(path, "is not a Keras model in HDF5 or a .keras archive")
    (tmp_path / "saved_model").mkdir()
    refused(tmp_path / "saved_model", "is a folder; a SavedModel is not read")
    layers = keras.layers
    keras.Sequential([layers.Input((6, 4)), layers.Dense(2, name="a"), layers.Dense(2, name="b")]).save(path)
    renamed(path, "a", "z")
    refused(path, "its weights at layers/dense are those of 'z', and 'a' was expected")


def renamed(path, old, new):
    """Change the name that the weights of a layer carry in an archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "a") as file:
        group = next(file[f"layers/{n}/vars"] for n in file["layers"] if file[f"layers/{n}/vars"].attrs["name"] == old)
        group.attrs["name"] = new
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, content.getvalue() if name == "model.weights.h5" else part)
