"""Nothing of a Keras graph is dropped: calls, models within models, own classes."""

import json

import h5py
import numpy as np
from keras_cases import ONEHOT, check, refused, values_of


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
