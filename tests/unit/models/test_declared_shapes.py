"""What model files say themselves of the shape of a sequence."""

import os

import pytest
import torch

from shapsketch.models import keras_model, torch_model
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


def test_programs(tmp_path):
    class Sum(torch.nn.Module):
        def forward(self, x):
            return x.flatten(1).sum(1)

    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=2)
    path = str(tmp_path / "m.pt2")
    for shapes, expected in (({0: batch}, (5, 4)), ({0: batch, 1: length}, (None, 4)), (None, (5, 4))):
        dynamic = None if shapes is None else (shapes,)
        torch.export.save(torch.export.export(Sum(), (torch.zeros(2, 5, 4),), dynamic_shapes=dynamic), path)
        assert torch_model.declared_input_shape(path) == expected
    torch.jit.trace(Sum(), torch.zeros(2, 5, 4)).save(path)
    assert torch_model.declared_input_shape(path) is None
    with pytest.raises(InputError, match="does not exist"):
        torch_model.declared_input_shape(str(tmp_path / "no.pt2"))
