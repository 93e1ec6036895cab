"""Slow, obvious implementations that the fast ones are compared with."""

from itertools import chain, combinations, product

import numpy as np

from shapsketch.recovery import recover
from shapsketch.sampling.design import make_plan
from shapsketch.sampling.sketch import Sketch
from shapsketch.sequences.alphabet import Alphabet
from shapsketch.sequences.background import Background
from shapsketch.sequences.template import Template

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


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


def random_function(n, q, uniform, seed):
    """A random function on all of q^n, its background, and its exact spectrum."""
    rng = np.random.default_rng(seed)
    template = Template(Alphabet(LETTERS[:q]), "X" * n if q == 20 else "*" * n)
    background = Background.uniform(template)
    if not uniform:
        background = Background.from_weights(template, rng.uniform(0.2, 1, (n, q)))
    plan = make_plan({}, ["y"], background, budget=max(q**n, 100), design="exhaustive")
    codes = plan.queries(0, plan.size)
    values = rng.normal(size=len(codes))
    spectrum = recover(Sketch(plan, codes, values[:, None]), 0).spectrum
    return spectrum, codes, values


def shapiq_index(dividends, n, index, top):
    """The index of a game by shapiq: from its dividends where its converter knows it, else from all coalitions."""
    import shapiq
    from shapiq.game_theory.moebius_converter import MoebiusConverter

    if index in MoebiusConverter.valid_indices:
        moebius = shapiq.InteractionValues(
            values=np.array([0.0, *dividends.values()]),
            index="Moebius",
            max_order=n,
            n_players=n,
            min_order=0,
            interaction_lookup={(): 0} | {s: k + 1 for k, s in enumerate(dividends)},
            baseline_value=0.0,
        )
        return MoebiusConverter(moebius)(index=index, order=top)

    def game(coalitions):
        return np.array([sum(a for s, a in dividends.items() if all(c[list(s)])) for c in coalitions])

    return shapiq.ExactComputer(game, n)(index=index, order=top)
