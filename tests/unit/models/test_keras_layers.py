"""Keras layers are read as by Keras, or refused.

Covers also: keras_merging.
"""

import pytest
from keras_cases import SUFFIXES, check, refused


def test_an_activation_with_weights(keras, tmp_path):
    layers = keras.layers
    check(keras, keras.Sequential([layers.Input((6, 4)), layers.Dense(3, activation=layers.PReLU())]), tmp_path)


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
