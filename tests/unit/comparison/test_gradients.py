"""Gradients are exact where the network is linear.

Covers also: integrated_gradients.
"""

import numpy as np
import pytest

from shapsketch.comparison import explain


@pytest.mark.parametrize(("name", "count"), [("deep_shap", 8000), ("integrated_gradients", 16)])
def test_gradients_are_exact_where_the_network_is_linear(network, name, count):
    task = network("linear", count)
    answer, exact = explain(name, task), explain("exact", network("linear", count))
    error = 0.02 if name == "deep_shap" else 1e-5  # the one draws backgrounds, the other has their mean
    assert np.abs(answer.values - exact.values).max() < error * np.ptp(exact.values)
    assert (answer.per_sequence <= count).all()
    assert "its own definition" in answer.note
