"""Trains against brute force: values, indices, tables, truncation.

Covers also: train_kernels.
"""

from itertools import combinations

import numpy as np
import pytest
from train_cases import CASES, random_train

from oracles import all_codes, coalition_values, dividends, shapiq_index, shapley_values
from shapsketch.spectrum.indices import VALUES, WEIGHTS
from shapsketch.spectrum.trains import Train, listed_supports


@pytest.mark.parametrize(("n", "q", "rank"), CASES)
def test_everything_equals_brute_force(n, q, rank):
    train, background = random_train(n, q, rank, seed=n)
    codes = all_codes([q] * n)
    cube = train.predict(codes).reshape((q,) * n)
    p = background.local
    scale = np.abs(cube).max()
    rows = codes[np.random.default_rng(1).choice(len(codes), min(3, len(codes)), replace=False)]
    top = min(n, 4)
    listed = min(top, 3)
    supports = [tuple(s[s >= 0].tolist()) for s in listed_supports(n, listed)]
    found = train.interactions(rows, list(WEIGHTS), top, listed)
    values = train.shapley_values(rows)
    for k, x in enumerate(rows):
        v = coalition_values(cube, p, x)
        a = dividends(v)
        assert abs(v[()] - train.mean) < 1e-10 * scale
        assert np.abs(values[k] - shapley_values(v, n)).max() < 1e-10 * scale
        for number, index in enumerate(WEIGHTS):
            own_top = 1 if index in VALUES else top
            for column, s in enumerate(supports):
                truth = 0.0
                if len(s) <= own_top:
                    above = [t for t in a if set(s) <= set(t)]
                    truth = sum(float(WEIGHTS[index](len(s), len(t), own_top)) * a[t] for t in above)
                assert abs(found[number, k, column] - truth) < 1e-10 * scale, (index, s)
        for size in range(1, n + 1):
            for s in list(combinations(range(n), size))[:5]:
                assert abs(train.table(s)[tuple(x[list(s)])] - a[s]) < 1e-10 * scale


@pytest.mark.parametrize("index", [i for i in WEIGHTS if i not in VALUES])
def test_indices_equal_those_of_shapiq(index):
    train, _ = random_train(8, 3, 5, seed=2)
    x = np.array([[0, 2, 1, 1, 0, 2, 2, 0]], np.uint8)
    a = {s: float(train.table(s)[tuple(x[0, list(s)])]) for k in range(1, 9) for s in combinations(range(8), k)}
    expected = shapiq_index(a, 8, index, 3)
    found = train.interactions(x, [index], 3)[0, 0]
    for support, value in zip(listed_supports(8, 3), found, strict=True):
        assert value == pytest.approx(expected[tuple(support[support >= 0].tolist())], abs=1e-9)


@pytest.mark.parametrize("max_order", [1, 2, 3])
def test_truncated_trains_have_the_dividends_up_to_an_order(max_order):
    train, _ = random_train(6, 3, 4)
    truncated = train.truncate(max_order)
    for size in range(7):
        for s in combinations(range(6), size):
            expected = train.table(s) if size <= max_order else np.zeros([3] * size)
            assert np.allclose(truncated.table(s), expected, atol=1e-12)
    codes = all_codes([3] * 6)[::7]
    by_terms = sum(
        train.table(s)[tuple(codes[:, s].T)] for size in range(max_order + 1) for s in combinations(range(6), size)
    )
    assert np.allclose(truncated.predict(codes), by_terms, atol=1e-12)
    found = truncated.shapley_values(codes).sum(1)
    assert np.allclose(found, by_terms - train.mean, atol=1e-10)


@pytest.mark.parametrize(("n", "q", "rank"), [(1, 4, 1), (6, 3, 4), (9, 4, 6)])
def test_predictions_by_order_are_those_of_truncated_trains(n, q, rank):
    train, _ = random_train(n, q, rank)
    codes = np.random.default_rng(0).integers(0, q, (300, n)).astype(np.uint8)
    found = train.predict_by_order(codes, 5)
    for order, predicted in enumerate(found):
        np.testing.assert_allclose(predicted, train.truncate(order).predict(codes), rtol=1e-11, atol=1e-12)


def test_predictions_by_order_under_a_markov_chain_are_those_of_truncated_trains():
    rng = np.random.default_rng(2)
    cores = [np.eye(a, b)[:, None] + 0.4 * rng.normal(size=(a, 3, b)) for a, b in ((1, 3), (3, 3), (3, 2), (2, 1))]
    steps = rng.dirichlet(np.ones(3), (3, 3))
    train = Train.of_chain(cores, steps[0, 0], list(steps))
    codes = all_codes([3] * 4)
    for order, predicted in enumerate(train.predict_by_order(codes, 3)):
        np.testing.assert_allclose(predicted, train.truncate(order).predict(codes), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("n", "rank"), [(50, 6), (200, 6)])
def test_values_add_up_in_long_trains(n, rank):
    train, _ = random_train(n, 4, rank, spread=0.3)
    codes = np.random.default_rng(3).integers(0, 4, (200, n)).astype(np.uint8)
    effects = train.predict(codes) - train.mean
    missed = np.abs(train.shapley_values(codes).sum(1) - effects)
    assert (missed <= 1e-10 * np.maximum(np.abs(effects), train.scale)).all()
    assert train.nodes < n  # and this was not by using them all


def test_hypothetical_values_and_mutations_are_those_of_changed_sequences():
    train, _ = random_train(6, 4, 5)
    codes = all_codes([4] * 6)[::97]
    hypothetical, mutations = train.hypothetical_values(codes, 4), train.mutations(codes)
    for i in range(6):
        for letter in range(4):
            changed = codes.copy()
            changed[:, i] = letter
            assert np.allclose(train.shapley_values(changed)[:, i], hypothetical[:, i, letter], atol=1e-9)
            assert np.allclose(train.predict(changed), mutations[:, i, letter], atol=1e-10)


def test_averaged_letters_are_means_of_sequences():
    train, _ = random_train(5, 4, 4)
    letters = [np.vstack([np.eye(4), [0.5, 0, 0.5, 0]])] * 5
    code = np.array([[0, 4, 2, 1, 3]], np.uint8)
    both = np.array([[0, 0, 2, 1, 3], [0, 2, 2, 1, 3]], np.uint8)
    expanded = train.expand(letters)
    assert np.allclose(expanded.predict(code), train.predict(both).mean())
    assert np.allclose(expanded.shapley_values(code)[0], train.shapley_values(both).mean(0), atol=1e-9)


@pytest.mark.parametrize("index", ["FSII", "SII", "STII", "FBII", "k-SII"])
def test_supports_of_order_four_equal_their_definition(index):
    train, _ = random_train(7, 2, 4)
    x = np.array([[0, 1, 1, 0, 1, 0, 1]], np.uint8)
    a = {s: train.table(s)[tuple(x[0, list(s)])] for k in range(8) for s in combinations(range(7), k)}
    supports = np.array(list(combinations(range(7), 4)))
    found = train.derivatives(x, supports, index, 4)[0]
    for s, value in zip(supports, found, strict=True):
        truth = sum(float(WEIGHTS[index](4, len(t), 4)) * a[t] for t in a if set(s) <= set(t))
        assert abs(value - truth) < 1e-10 * max(abs(v) for v in a.values())
