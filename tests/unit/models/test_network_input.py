"""What networks are given: layouts by the names of axes, halves."""

import numpy as np
import pytest
from token_cases import CODES, TEMPLATE, network

from shapsketch.models import Model


@pytest.mark.parametrize("layout", [[1, "letter", "position"], ["position", 1, "letter"], ["letter", "position", 1, 1]])
def test_layouts_by_the_names_of_axes(tmp_path, layout):
    values = Model(network(tmp_path, "Flat", layout=layout), TEMPLATE, ["y"])(CODES)[:, 0]
    letters = layout.index("letter") < layout.index("position")
    order = 5 * CODES.astype(int) + np.arange(5) if letters else 4 * np.arange(5) + CODES
    assert values.tolist() == order.sum(1).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(tmp_path, dtype):
    full = Model(network(tmp_path, "Half", layout="channels_first"), TEMPLATE, ["y"])(CODES)
    half = Model(network(tmp_path, "Half", layout="channels_first", dtype=dtype), TEMPLATE, ["y"])(CODES)
    assert 0 < np.abs(half - full).max() < (1e-2 if dtype == "bfloat16" else 1e-3)
