"""Keras HDF5 files rebuilt without Keras agree with Keras itself."""

import json

import h5py
import numpy as np
import pytest

from shapsketch.models import Model
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.template import Template
from shapsketch.settings.errors import InputError

TEMPLATE = Template(Alphabet("ACGT"), "N" * 13)
CODES = np.random.default_rng(0).integers(0, 4, (40, 13)).astype(np.uint8)


def check(keras, model, path, outputs=("y",), atol=1e-5):
    """Give all weights other values than at the start, save, and compare."""
    draws = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([np.abs(draws.normal(0.5, 0.3, w.shape)) for w in layer.get_weights()])
    model.save(path)
    expected = model.predict(np.eye(4, dtype=np.float32)[CODES], verbose=0)
    source = {"kind": "keras_h5", "path": str(path), "layout": "channels_last", "dtype": "float64"}
    values = Model(source, TEMPLATE, outputs)(CODES)
    expected = np.column_stack(expected if isinstance(expected, list) else [expected])
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(values / scale, expected / scale, atol=atol, rtol=0)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 3, 1), (3, 1, 2)])
def test_convolutions(keras, tmp_path, padding, stride, dilation, groups):
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((13, 4)),
        layers.Conv1D(6, 4, strides=stride, dilation_rate=dilation, padding=padding, groups=groups, activation="tanh"),
        layers.Flatten(),
        layers.Dense(1),
    ])  # fmt: skip
    check(keras, model, tmp_path / "m.h5")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("width", "stride"), [(2, None), (3, 2), (4, 1)])
@pytest.mark.parametrize("kind", ["MaxPooling1D", "AveragePooling1D"])
def test_poolings(keras, tmp_path, kind, width, stride, padding):
    if kind == "AveragePooling1D" and padding == "same":
        pytest.skip("Keras on PyTorch repeats the edge where TensorFlow leaves the padding out of the average")
    layers = keras.layers
    pool = getattr(layers, kind)(width, stride, padding)
    check(
        keras,
        keras.Sequential([layers.Input((13, 4)), layers.Conv1D(3, 2), pool, layers.Flatten(), layers.Dense(1)]),
        tmp_path / "m.h5",
    )


@pytest.mark.parametrize(("width", "stride"), [(2, 2), (3, 2), (4, 1)])
def test_average_pooling_leaves_the_padding_out(width, stride):
    import torch

    from shapsketch.models.keras_entry import Entry
    from shapsketch.models.keras_file import Stored
    from shapsketch.models.keras_layers import build
    from shapsketch.models.keras_weights import Store, Weights

    x = np.random.default_rng(0).normal(size=(2, 13, 3))
    length = -(-13 // stride)
    left = max((length - 1) * stride + width - 13, 0) // 2
    starts = [k * stride - left for k in range(length)]
    expected = np.stack([x[:, max(s, 0) : s + width].mean(1) for s in starts], 1)
    config = {"name": "pool", "pool_size": [width], "strides": [stride], "padding": "same"}
    weights = Weights(Store(Stored({}, {}, None, {}), torch.device("cpu"), torch.float64))
    values = build(Entry("AveragePooling1D", config, weights))(torch.from_numpy(x))
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_layers_without_and_with_few_weights(keras, tmp_path):
    layers = keras.layers
    model = keras.Sequential([
        layers.Input((13, 4)), layers.ZeroPadding1D((2, 1)), layers.Conv1D(5, 3, use_bias=False), layers.PReLU(),
        layers.BatchNormalization(epsilon=0.01), layers.LeakyReLU(negative_slope=0.2), layers.SpatialDropout1D(0.3),
        layers.Cropping1D((1, 2)), layers.ELU(0.7), layers.GaussianNoise(0.1), layers.ReLU(2.0, 0.1, 0.2),
        layers.Permute((2, 1)), layers.Reshape((11, 5)), layers.Dense(4, activation="gelu"),
        layers.BatchNormalization(scale=False, center=False), layers.Activation("softplus"), layers.Softmax(),
        layers.GlobalMaxPooling1D(), layers.Dropout(0.5), layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    check(keras, model, tmp_path / "m.h5")


@pytest.mark.parametrize(
    "name",
    ["linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "mish", "sigmoid", "tanh",
     "softmax", "softplus", "softsign", "exponential"],
)  # fmt: skip
def test_activations(keras, tmp_path, name):
    layers = keras.layers
    body = [layers.Input((13, 4)), layers.Flatten(), layers.Dense(3), layers.BatchNormalization()]
    check(keras, keras.Sequential([*body, layers.Activation(name), layers.Dense(1)]), tmp_path / "m.h5")


def test_functional_models_with_branches_a_shared_layer_and_two_outputs(keras, tmp_path):
    layers = keras.layers
    inputs = keras.Input((13, 4))
    shared = layers.Conv1D(4, 3, padding="same", activation="relu")
    once = shared(inputs)
    twice = shared(once)
    merged = [kind()([once, twice]) for kind in (layers.Add, layers.Multiply, layers.Subtract, layers.Average)]
    merged += [layers.Maximum()([once, twice]), layers.Minimum()([once, twice])]
    joined = layers.Concatenate()([*merged, inputs])
    pooled = layers.GlobalAveragePooling1D()(joined)
    outputs = [layers.Dense(1, name="load")(pooled), layers.Dense(1, name="decay", activation="softplus")(pooled)]
    check(keras, keras.Model(inputs, outputs), tmp_path / "m.h5", ("load", "decay"))


def refused(path, message, template=TEMPLATE):
    source = {"kind": "keras_h5", "path": str(path), "layout": "channels_last"}
    with pytest.raises(InputError, match=message) as caught:
        Model(source, template, ["y"])
    assert "\n" not in str(caught.value)


def test_layers_that_are_not_read(keras, tmp_path):
    layers = keras.layers
    keras.Sequential([layers.Input((13, 4)), layers.LSTM(3), layers.Dense(1)]).save(tmp_path / "lstm.h5")
    refused(tmp_path / "lstm.h5", "its layer 'lstm.*' is a LSTM, and only .* are read; export the model to ONNX")
    code = "e30="  # what a Lambda holds is marshalled byte code; it must not even be looked at
    keras.Sequential([layers.Input((13, 4)), layers.Flatten(), layers.Dense(1, name="f")]).save(tmp_path / "lambda.h5")
    with h5py.File(tmp_path / "lambda.h5", "a") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1] = {"class_name": "Lambda", "config": {"name": "f", "function": [code]}}
        file.attrs["model_config"] = json.dumps(config)
    refused(tmp_path / "lambda.h5", "its layer 'f' is a Lambda")


def test_files_that_are_no_whole_model(keras, tmp_path):
    refused(tmp_path / "no.h5", "does not exist")
    (tmp_path / "text.h5").write_text("not HDF5")
    refused(tmp_path / "text.h5", "is not a Keras model in HDF5")
    h5py.File(tmp_path / "empty.h5", "w").close()
    refused(tmp_path / "empty.h5", "has no model configuration: name the file that has it")
    layers = keras.layers
    inputs = [keras.Input((13, 4)), keras.Input((2,))]
    joined = layers.Concatenate()([layers.Flatten()(inputs[0]), inputs[1]])
    keras.Model(inputs, layers.Dense(1)(joined)).save(tmp_path / "two.h5")
    refused(tmp_path / "two.h5", "it takes 2 inputs, and one is needed")
    model = keras.Sequential([layers.Input((13, 4)), layers.Flatten(), layers.Dense(1)])
    model.save(tmp_path / "cut.h5")
    with h5py.File(tmp_path / "cut.h5", "a") as file:
        name = next(n for n in file["model_weights"] if n.startswith("dense"))
        file["model_weights"][name].attrs["weight_names"] = []
    refused(tmp_path / "cut.h5", "has no array 'kernel' in the file")
