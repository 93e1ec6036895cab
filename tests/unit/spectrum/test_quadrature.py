"""Quadrature: the rule integrates polynomials exactly, and indices of polynomials are what their weights say."""

import numpy as np
import pytest

from shapsketch.spectrum.indices import VALUES, WEIGHTS
from shapsketch.spectrum.quadrature import index_weights, nodes_needed, radau_nodes


@pytest.mark.parametrize("count", [1, 2, 3, 6, 12])
def test_the_rule_integrates_up_to_its_degree(count):
    nodes, weights = radau_nodes(count)
    assert nodes[0] == 0
    assert (np.diff(nodes) > 0).all()
    for degree in range(2 * count - 1):
        assert weights @ nodes**degree == pytest.approx(1 / (degree + 1), abs=1e-13)
    if count < 6:  # later the difference is below rounding
        assert abs(weights @ nodes ** (2 * count - 1) - 1 / (2 * count)) > 1e-9  # and no further


@pytest.mark.parametrize("index", WEIGHTS)
@pytest.mark.parametrize(("order", "top"), [(1, 1), (1, 3), (2, 3), (3, 3)])
def test_a_power_gets_the_weight_of_its_order(index, order, top):
    """Delta_S(t) = t^u is a single dividend of order |S| + u, which the index weighs by w(|S|, |S| + u)."""
    if index in VALUES and top > 1:
        return
    count = 9
    nodes, _ = radau_nodes(count)
    weights = index_weights(index, order, top, count)
    for power in range(count):
        assert weights @ nodes**power == pytest.approx(float(WEIGHTS[index](order, order + power, top)), abs=1e-9)


def test_no_more_nodes_than_positions_are_needed():
    assert nodes_needed("SV", 1, 5, 100) == 5
    assert nodes_needed("FSII", 3, 5, 100) == 7
    assert nodes_needed("BII", 2, 5, 100) == 9
    assert nodes_needed("BII", 2, 5, 6) == 6
