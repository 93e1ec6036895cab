"""Every layer of Keras has its own weights, and none is left over.

Covers also: keras_entry.
"""

import numpy as np
from keras_cases import check, edited, path_of, refused


def test_layers_of_the_same_kind_keep_their_own_weights(keras, tmp_path):
    """In an archive they are numbered, in the order of the model and not of their making."""
    layers = keras.layers
    made = [layers.Dense(4, name=name) for name in ("z", "b", "a")]
    inputs = keras.Input((6, 4))
    check(keras, keras.Model(inputs, made[1](made[2](made[0](inputs)))), tmp_path)
    x = made[2](inputs)
    check(keras, keras.Model(inputs, [made[1](inputs), layers.Add()([x, made[0](inputs)])]), tmp_path)


def test_weights_that_would_broadcast(keras, tmp_path):
    """One number for all channels where there must be one for each."""

    def edit(file, config):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            path = path_of(file, "b", name)
            del file[path]
            file[path] = np.ones(1, np.float32)

    path = edited(keras, tmp_path, edit, keras.layers.BatchNormalization(name="b"))
    refused(path, "its layer 'b' has weights for 1 channels, and its input has 4")
