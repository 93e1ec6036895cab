"""Indices of a train: the same weights as of tables, as weights on a polynomial's values at a few points.

For a support S let Delta_S(t) = sum over T containing S of a(T) t^(|T| - |S|): the derivative by the players of S of
the multilinear extension (Owen 1972), every other player being present with probability t. An interaction index is I(S)
= sum w(|S|, |T|) a(T), so it is a linear functional of this polynomial, the one that maps t^u to w(|S|, |S| + u). A
train gives Delta_S at any t for the price of one product of matrices; this module gives the points and the weights.
"""

from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
from scipy.special import eval_legendre, roots_jacobi

from .indices import WEIGHTS, Index


def radau_nodes(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the Gauss-Radau rule on [0, 1] that has 0 as its first node.

    It integrates polynomials of degree 2 count - 2 exactly (Abramowitz & Stegun 1964, 25.4.31).

    Args:
        count: of nodes, at least 1.

    Returns:
        (count,) float64 nodes, ascending, and their weights, which sum to 1.
    """
    if count == 1:
        return np.zeros(1), np.ones(1)
    x, weights = roots_jacobi(count - 1, 0, 1)
    return np.append(0.0, (1 + x) / 2), np.append(1 / count**2, weights / (1 + x) / 2)


INTEGRALS = ("SV", "SII", "STII", "FSII")  # of Delta_S(t), but for its value at 0, which is a node


def nodes_needed(index: Index, max_order: int, values_nodes: int, n: int) -> int:
    """Return how many nodes an index needs where Shapley values need `values_nodes` for the same error.

    The rule for these integrates degrees up to 2 values_nodes - 2. STII and FSII integrate a weight of degree 2
    max_order - 2 at most beside Delta_S; what is no integral needs a node more than the degree. n nodes are exact for
    all.
    """
    count = values_nodes + max_order - 1 if index in INTEGRALS else 2 * values_nodes - 1
    return min(count, n)


def index_weights(index: Index, order: int, max_order: int, nodes: int) -> np.ndarray:
    """Return the weights of Delta_S at `radau_nodes` that give an index of supports of one order.

    They are exact where Delta_S has a degree below `nodes`; for indices that are integrals, twice that.

    Args:
        index: an interaction index.
        order: |S|, at least 1.
        max_order: the top order of the index, at least `order`.
        nodes: of the rule.

    Returns:
        (nodes,) float64.
    """
    t, weights = radau_nodes(nodes)
    moments = np.array(_legendre_moments(index, order, max_order, nodes))
    degrees = np.arange(nodes)
    return weights * (eval_legendre(degrees, 2 * t[:, None] - 1) @ ((2 * degrees + 1) * moments))


@lru_cache(maxsize=256)
def _legendre_moments(index: Index, order: int, max_order: int, count: int) -> tuple[float, ...]:
    """What the functional makes of the first Legendre polynomials on [0, 1], in rational arithmetic."""
    powers = [Fraction(WEIGHTS[index](order, order + u, max_order)) for u in range(count)]
    return tuple(
        float(sum((-1) ** (k + u) * comb(k, u) * comb(k + u, u) * powers[u] for u in range(k + 1)))
        for k in range(count)
    )
