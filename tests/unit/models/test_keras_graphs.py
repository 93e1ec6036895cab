"""Nothing of a Keras graph is dropped: operators, calls, settings and weights are read as by Keras, or refused."""

import io
import json
import os
import warnings
import zipfile

import h5py
import numpy as np
import pytest
import torch

from shapsketch.models import Model, identity
from shapsketch.models.keras_model import read_network
from shapsketch.models.keras_operators import OPERATORS as OPERATORS_READ
from shapsketch.models.layouts import check_shape
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore", DeprecationWarning)
TEMPLATE = Template(Alphabet("ACGT"), "N" * 6)
CODES = np.random.default_rng(0).integers(0, 4, (20, 6)).astype(np.uint8)
ONEHOT = np.eye(4, dtype=np.float32)[CODES]
SUFFIXES = ("h5", "keras")

OPERATORS = """
1 - x; x - 1; x * 2; 2 * x; x + 5; x / 2; 2 / x; -x; abs(x - 1); x**2; 2**x; x**0.5; x - y; x + y; x * y; x / y; x**y
ops.maximum(x, 1); ops.minimum(x, 0.7); ops.maximum(0.7, x); ops.multiply(x, 3); ops.subtract(1, x); ops.add(x1=x, x2=2)
ops.maximum(x, y); ops.average(x, axis=1); ops.average(x, axis=-1); ops.average(x, axis=-1, weights=W); x * W
ops.exp(x); ops.expm1(x); ops.log(x); ops.log1p(x); ops.log2(x); ops.log10(x); ops.sqrt(x); ops.rsqrt(x); ops.square(x)
ops.reciprocal(x); ops.sign(x - 1); ops.erf(x); ops.sin(x); ops.cos(x); ops.arctan(x); ops.logaddexp(x, y)
ops.sigmoid(x); ops.log_sigmoid(x); ops.tanh(x); ops.softplus(x); ops.softsign(x); ops.relu(x - 1); ops.relu6(9 * x)
ops.selu(x - 1); ops.silu(x); ops.leaky_relu(x - 1, 0.1); ops.elu(x - 1, 0.5); ops.gelu(x)
ops.gelu(x, approximate=False)
ops.softmax(x, axis=1); ops.softmax(x); ops.log_softmax(x, axis=1); ops.clip(x, 0.5, 1); ops.where(x > y, x, 0.0)
ops.where(x >= 1, x, y); ops.where(x < 1, 2.0, y); ops.mean(x, axis=1); ops.sum(x, axis=(1, 2)); ops.max(x, axis=2)
ops.min(x, axis=1, keepdims=True); ops.logsumexp(x, axis=1); ops.concatenate([x, y], axis=1); ops.stack([x, y], axis=1)
ops.stack([x, y], axis=-1); ops.expand_dims(x, 1); ops.expand_dims(x, -1); ops.squeeze(ops.expand_dims(x, 1), 1)
ops.reshape(x, (-1, 24)); ops.reshape(x, (-1, 4, 6)); ops.transpose(x, (0, 2, 1)); ops.flip(x, axis=1); x[:, 0]
 x[..., 1:2]; x[:, None]; x[:, 1:5:2, -1]; x[:, -2:]; ops.flip(x, axis=(1, 2))
ops.matmul(x, ops.transpose(y, (0, 2, 1))); ops.cast(x, "float32")
"""
EXPRESSIONS = [e.strip() for e in OPERATORS.replace("\n", ";").split(";") if e.strip()]


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(0)
    return keras


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


def two(keras):
    """An input and two positive tensors of its shape."""
    inputs = keras.Input((6, 4))
    dense = [keras.layers.Dense(4, activation="sigmoid")(inputs) + 0.3 for _ in range(2)]
    return inputs, *dense


def evaluated(expression, keras, x, y):
    return eval(expression, {"x": x, "y": y, "ops": keras.ops, "W": np.linspace(1, 2, 4).astype(np.float32)})


def test_operators(keras, tmp_path):
    inputs, x, y = two(keras)
    outputs = [evaluated(expression, keras, x, y) for expression in EXPRESSIONS]
    model = keras.Model(inputs, outputs)
    model.set_weights([np.random.default_rng(1).normal(0, 0.5, w.shape) for w in model.get_weights()])
    expected = model.predict(ONEHOT, verbose=0)
    for suffix in SUFFIXES:
        model.save(tmp_path / f"m.{suffix}")
        found = values_of(tmp_path / f"m.{suffix}")
        for expression, a, b in zip(EXPRESSIONS, found, expected, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5, rtol=1e-4, err_msg=f"{expression} {suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x - ops.mean(x)", "'mean.*' works along the axis None of 3, the first of which is the batch"),
        ("ops.flip(x, axis=0)", "works along the axis 0 of 3"),
        ("ops.softmax(x, axis=0)", "works along the axis 0 of 3"),
        ("ops.concatenate([x, y], axis=0)", "works along the axis 0 of 3"),
        ("ops.einsum('bij,bij->bi', x, y)", "is a Einsum, and only the layers and operators"),
        ("ops.cumsum(x, axis=1)", "is a Cumsum, and only the layers and operators"),
        ("ops.max(x, axis=1, initial=3.0)", "has initial 3.0, which is not read"),
        ("ops.cast(x, 'int32')", "makes int32 of its input"),
    ],
)
def test_operators_that_are_refused(keras, tmp_path, expression, message, suffix):
    inputs, x, y = two(keras)
    keras.Model(inputs, evaluated(expression, keras, x, y)).save(tmp_path / f"m.{suffix}")
    refused(tmp_path / f"m.{suffix}", message)


def test_the_sign_of_one_minus(keras, tmp_path):
    inputs = keras.Input((6, 4))
    y = 1 - keras.layers.Dense(1, activation="sigmoid")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, y)
    model.save(tmp_path / "m.h5")
    source = {"kind": "keras_h5", "path": str(tmp_path / "m.h5"), "layout": "channels_last"}
    np.testing.assert_allclose(Model(source, TEMPLATE, ["y"])(CODES), model.predict(ONEHOT, verbose=0), atol=1e-6)


def test_models_inside_models_shared_and_called_twice(keras, tmp_path):
    layers = keras.layers
    start = keras.Input((6, 4))
    inner = keras.Model(start, layers.Dense(3, name="own")(layers.Dropout(0.2)(start)), name="inner")
    sequence = keras.Sequential([layers.Dense(2), layers.BatchNormalization(scale=False)], name="sequence")
    two_ends = keras.Model(start, [layers.Dense(2, name="left")(start), layers.Dense(2, name="right")(start)])
    inputs = keras.Input((6, 4))
    once, twice = sequence(inner(inputs)), sequence(inner(layers.Activation("relu")(keras.ops.flip(inputs, axis=1))))
    left, right = two_ends(inputs)
    joined = layers.Concatenate()([once, twice - once, left - 3 * right])
    body = layers.Dense(2, activation=layers.LeakyReLU(0.1))(layers.LayerNormalization()(layers.PReLU()(joined)))
    check(keras, keras.Model(inputs, [inner(layers.ZeroPadding1D(0)(inputs)), body, sequence(inner(inputs))]), tmp_path)


def test_an_activation_with_weights(keras, tmp_path):
    layers = keras.layers
    check(keras, keras.Sequential([layers.Input((6, 4)), layers.Dense(3, activation=layers.PReLU())]), tmp_path)


def test_layers_of_the_same_kind_keep_their_own_weights(keras, tmp_path):
    """In an archive they are numbered, in the order of the model and not of their making."""
    layers = keras.layers
    made = [layers.Dense(4, name=name) for name in ("z", "b", "a")]
    inputs = keras.Input((6, 4))
    check(keras, keras.Model(inputs, made[1](made[2](made[0](inputs)))), tmp_path)
    x = made[2](inputs)
    check(keras, keras.Model(inputs, [made[1](inputs), layers.Add()([x, made[0](inputs)])]), tmp_path)


def test_merging_tensors_of_fewer_axes(keras, tmp_path):
    """Keras adds the axes behind that of the batch, where broadcasting would add them before."""
    layers = keras.layers
    inputs = keras.Input((6, 4))
    vector = layers.GlobalMaxPooling1D()(inputs)
    merged = [kind()([inputs, vector]) for kind in (layers.Add, layers.Multiply, layers.Subtract, layers.Average)]
    check(keras, keras.Model(inputs, merged), tmp_path)


LAYERS = {
    "ReLU": lambda L: L.ReLU(0.8, 0.1, 0.4),
    "ReLU6": lambda L: L.ReLU(6.0),
    "ReLU at its threshold": lambda L: L.ReLU(threshold=1.0),
    "LeakyReLU": lambda L: L.LeakyReLU(0.05),
    "PReLU": lambda L: L.PReLU(shared_axes=[1]),
    "Softmax": lambda L: L.Softmax(axis=1),
    "BatchNormalization": lambda L: L.BatchNormalization(center=False, epsilon=0.1),
    "BatchNormalization of all": lambda L: L.BatchNormalization(axis=2),
    "LayerNormalization": lambda L: L.LayerNormalization(center=False, epsilon=0.1),
    "LayerNormalization without weights": lambda L: L.LayerNormalization(center=False, scale=False),
    "Dense on three axes": lambda L: L.Dense(2, use_bias=False),
    "GlobalMaxPooling1D": lambda L: L.GlobalMaxPooling1D(keepdims=True),
    "GlobalAveragePooling1D": lambda L: L.GlobalAveragePooling1D(keepdims=True),
    "UpSampling1D": lambda L: L.UpSampling1D(3),
    "Identity": lambda L: L.Identity(),
    "celu": lambda L: L.Activation("celu"),
    "log_softmax": lambda L: L.Activation("log_softmax"),
    "BatchNormalization of the first axis": lambda L: L.BatchNormalization(axis=1),
    "Conv1D, channels first": lambda L: L.Conv1D(3, 2, strides=2, padding="same", data_format="channels_first"),
    "MaxPooling1D, channels first": lambda L: L.MaxPooling1D(3, data_format="channels_first"),
    "AveragePooling1D, channels first": lambda L: L.AveragePooling1D(3, 2, data_format="channels_first"),
    "GlobalMaxPooling1D, channels first": lambda L: L.GlobalMaxPooling1D(data_format="channels_first"),
    "GlobalAveragePooling1D, kept": lambda L: L.GlobalAveragePooling1D("channels_first", keepdims=True),
    "ZeroPadding1D, channels first": lambda L: L.ZeroPadding1D((1, 2), data_format="channels_first"),
    "Flatten, channels first": lambda L: L.Flatten(data_format="channels_first"),
    "Conv1D in half precision": lambda L: L.Conv1D(3, 2, dtype="bfloat16"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_settings_of_layers(keras, tmp_path, name):
    layers = keras.layers
    atol = 0.05 if "half" in name else 1e-5
    check(keras, keras.Sequential([layers.Input((6, 4)), LAYERS[name](layers)]), tmp_path, atol)


REFUSED = {
    "BatchNormalization renorm": (lambda L: L.BatchNormalization(renorm=True), "has renorm True"),
    "LayerNormalization axis": (lambda L: L.LayerNormalization(axis=(1, 2)), r"has axis \[1, 2\]"),
    "RMS": (lambda L: L.LayerNormalization(rms_scaling=True), "has rms_scaling True"),
    "Softmax": (lambda L: L.Softmax(axis=(1, 2)), r"has axis \[1, 2\]"),
    "Softmax of the batch": (lambda L: L.Softmax(axis=0), "works along the axis 0 of 3"),
    "activation": (lambda L: L.Dense(1, activation="hard_sigmoid"), "has the activation 'hard_sigmoid', which is not"),
    "Masking": (lambda L: L.Masking(), "is a Masking"),
    "GRU": (lambda L: L.GRU(2, go_backwards=True), "is a GRU"),
    "Bidirectional": (lambda L: L.Bidirectional(L.LSTM(2)), "is a Bidirectional"),
    "TimeDistributed": (lambda L: L.TimeDistributed(L.Dense(2)), "is a TimeDistributed"),
    "Lambda": (lambda L: L.Lambda(lambda x: x), "is a Lambda"),
    "int8": (lambda L: L.Dense(1, dtype="int8_from_float32"), "has the dtype .*only floating-point|no array|shape"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", REFUSED)
def test_settings_that_are_refused(keras, tmp_path, name, suffix):
    layers = keras.layers
    make, message = REFUSED[name]
    keras.Sequential([layers.Input((6, 4)), make(layers)]).save(tmp_path / f"m.{suffix}")
    refused(tmp_path / f"m.{suffix}", message)


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


def test_arguments_of_calls_that_are_refused(keras, tmp_path):
    layers = keras.layers
    inputs = keras.Input((6, 4))
    keras.Model(inputs, layers.Dropout(0.5)(inputs, training=True)).save(tmp_path / "dropout.h5")
    refused(tmp_path / "dropout.h5", "its layer 'dropout.*' is called with training=True, which is not read")
    keras.Model(inputs, layers.Softmax()(inputs, mask=inputs > 0)).save(tmp_path / "mask.h5")
    refused(tmp_path / "mask.h5", "is called with mask=Ref")


def test_own_classes_are_refused(keras, tmp_path):
    class Dense(keras.layers.Dense):
        def call(self, x):
            return super().call(x) * 2

    keras.Sequential([keras.layers.Input((6, 4)), Dense(2, name="mine")]).save(tmp_path / "m.keras")
    refused(tmp_path / "m.keras", "its layer 'mine' is of the class Dense of .*, which is not Keras's own")

    class Subclassed(keras.Model):
        def call(self, x):
            return x

    model = Subclassed()
    model(ONEHOT)
    model.save(tmp_path / "s.keras")
    refused(tmp_path / "s.keras", "it is a Subclassed, neither Sequential nor Functional")


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


def cut(file, layer):
    """Take the name of the last array of a layer out of its list."""
    group = file[f"model_weights/{layer}"]
    group.attrs["weight_names"] = list(group.attrs["weight_names"])[:-1]


def path_of(file, layer, name):
    """Where an array of a layer lies in a file."""
    group = f"model_weights/{layer}"
    return next(f"{group}/{n}" for n in file[group].attrs["weight_names"] if n.endswith(name))


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


def test_weights_that_would_broadcast(keras, tmp_path):
    """One number for all channels where there must be one for each."""

    def edit(file, config):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            path = path_of(file, "b", name)
            del file[path]
            file[path] = np.ones(1, np.float32)

    path = edited(keras, tmp_path, edit, keras.layers.BatchNormalization(name="b"))
    refused(path, "its layer 'b' has weights for 1 channels, and its input has 4")


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


@pytest.mark.parametrize(
    "key", [np.s_[:, ::-1], np.s_[:, ::-1, ::-1], np.s_[..., 0], np.s_[:, 1:5:2, None], np.s_[:, -2, ::-2], np.s_[...]]
)
def test_pieces_of_sequences_as_numpy_takes_them(key):
    """TensorFlow steps backwards too, which PyTorch does not."""
    found = OPERATORS_READ["GetItem"](torch.from_numpy(ONEHOT), list(key) if isinstance(key, tuple) else key)
    np.testing.assert_array_equal(found, ONEHOT[key])


def test_keras_2_graphs(tmp_path):
    """Keras 2 writes calls as lists, and the calls of a model inside a model from 1."""
    kernel, inner = np.arange(8.0).reshape(4, 2), np.ones((4, 4)) - np.eye(4)

    def layer(kind, name, calls, **config):
        return {"class_name": kind, "name": name, "config": {"name": name, "trainable": True, **config},
                "inbound_nodes": calls}  # fmt: skip

    def start(name):
        return {"class_name": "InputLayer", "name": name, "inbound_nodes": [],
                "config": {"batch_input_shape": [None, 6, 4], "dtype": "float32", "sparse": False, "ragged": False,
                           "name": name}}  # fmt: skip

    nested = {"layers": [start("i"), layer("Dense", "n", [[["i", 0, 0, {}]]], units=4, use_bias=False)],
              "input_layers": [["i", 0, 0]], "output_layers": [["n", 0, 0]], "name": "m"}  # fmt: skip
    layers = [
        start("x"),
        {"class_name": "Functional", "name": "m", "config": nested,
         "inbound_nodes": [[["x", 0, 0, {"training": False}]], [["m", 1, 0, {}]]]},
        layer("Add", "a", [[["m", 1, 0, {}], ["m", 2, 0, {}]]]),
        layer("Dense", "d", [[["a", 0, 0, {}]]], units=2, use_bias=False, activation="linear"),
    ]  # fmt: skip
    config = {"class_name": "Functional", "config": {
        "name": "f", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["d", 0, 0]]}}  # fmt: skip

    def save():
        with h5py.File(tmp_path / "m.h5", "w") as file:
            file.attrs["model_config"] = json.dumps(config)
            weights = file.create_group("model_weights")
            weights.attrs["layer_names"] = ["x", "m", "a", "d"]
            for name, stored in (("x", {}), ("m", {"n/kernel:0": inner}), ("a", {}), ("d", {"d/kernel:0": kernel})):
                weights.create_group(name).attrs["weight_names"] = list(stored)
                for path, array in stored.items():
                    weights[name][path] = array.astype(np.float32)
        return tmp_path / "m.h5"

    (found,) = values_of(save())
    np.testing.assert_allclose(found, (ONEHOT @ inner + ONEHOT @ inner @ inner) @ kernel, atol=1e-6)
    layers[2] = layer("TFOpLambda", "t", [["m", 2, 0, {"y": 2.0, "name": None}]], function="math.multiply")
    layers[3]["inbound_nodes"] = [[["t", 0, 0, {}]]]
    refused(save(), "its layer 't' is a TFOpLambda")
    layers[2] = layer("Dropout", "t", [[["m", 2, 0, {"training": True}]]], rate=0.5)
    refused(save(), "its layer 't' is called with training=True")
