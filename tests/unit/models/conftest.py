"""Keras itself, on PyTorch; a file of functions."""

import os
import warnings

import pytest
from function_cases import CODE

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.simplefilter("ignore", DeprecationWarning)


@pytest.fixture(scope="module")
def keras():
    import keras

    keras.utils.set_random_seed(0)
    return keras


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(CODE)
    return path
