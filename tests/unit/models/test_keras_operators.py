"""Keras's operators are read as by Keras, or refused."""

import numpy as np
import pytest
import torch
from keras_cases import CODES, ONEHOT, SUFFIXES, TEMPLATE, refused, values_of

from shapsketch.models import Model
from shapsketch.models.keras_operators import OPERATORS as OPERATORS_READ

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


@pytest.mark.parametrize(
    "key", [np.s_[:, ::-1], np.s_[:, ::-1, ::-1], np.s_[..., 0], np.s_[:, 1:5:2, None], np.s_[:, -2, ::-2], np.s_[...]]
)
def test_pieces_of_sequences_as_numpy_takes_them(key):
    """TensorFlow steps backwards too, which PyTorch does not."""
    found = OPERATORS_READ["GetItem"](torch.from_numpy(ONEHOT), list(key) if isinstance(key, tuple) else key)
    np.testing.assert_array_equal(found, ONEHOT[key])
