"""Gradients are exact where the network is linear.

Covers also: integrated_gradients.
"""

import numpy as np
import pytest

from shapsketch.comparison import explain

METHODS = {"deep_shap": 8000, "deep_lift_shap": 8000, "integrated_gradients": 16}


@pytest.mark.parametrize(("name", "count"), METHODS.items())
def test_gradients_are_exact_where_the_network_is_linear(network, name, count):
    task = network("linear", count)
    answer, exact = explain(name, task), explain("exact", network("linear", count))
    error = 1e-5 if name == "integrated_gradients" else 0.02  # the others draw backgrounds, it has their mean
    assert np.abs(answer.values - exact.values).max() < error * np.ptp(exact.values)
    assert (answer.per_sequence <= count).all()
    assert "its own definition" in answer.note
