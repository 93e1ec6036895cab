"""Slow, obvious implementations that the fast ones are compared with."""

from itertools import chain, combinations, product

import numpy as np


def subsets(items):
    items = list(items)
    return chain.from_iterable(combinations(items, k) for k in range(len(items) + 1))


def all_codes(sizes):
    return np.array(list(product(*map(range, sizes))), np.uint8)


def coalition_values(cube, probabilities, x):
    """v(S) = E f(x_S, z_rest) for every S, by averaging the whole cube of values."""
    values = {}
    for s in subsets(range(cube.ndim)):
        averaged = cube
        for axis in reversed(range(cube.ndim)):
            averaged = (
                np.take(averaged, x[axis], axis)
                if axis in s
                else averaged @ probabilities[axis]
                if (axis == averaged.ndim - 1)
                else np.tensordot(averaged, probabilities[axis], (axis, 0))
            )
        values[s] = float(averaged)
    return values


def dividends(values):
    """a(T) = sum over R in T of (-1)^(|T|-|R|) v(R)."""
    return {t: sum((-1) ** (len(t) - len(r)) * values[r] for r in subsets(t)) for t in values}


def shapley_values(values, n):
    """The definition, over all orders of arrival in the form of weighted marginal contributions."""
    from math import factorial

    phi = np.zeros(n)
    for i in range(n):
        for s in subsets(set(range(n)) - {i}):
            weight = factorial(len(s)) * factorial(n - len(s) - 1) / factorial(n)
            phi[i] += weight * (values[tuple(sorted((*s, i)))] - values[s])
    return phi
