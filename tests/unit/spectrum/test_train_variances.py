"""Variances of trains equal brute force."""

from itertools import combinations

import numpy as np
import pytest
from train_cases import CASES, random_train

from shapsketch.spectrum.train_variances import covariance_by_order, support_variances, total_shares
from shapsketch.spectrum.trains import Train, listed_supports


@pytest.mark.parametrize(("n", "q", "rank"), CASES)
def test_variances_equal_brute_force(n, q, rank):
    train, background = random_train(n, q, rank, seed=n)
    other, _ = random_train(n, q, max(1, rank - 1), seed=n + 100)
    p = background.local
    expected, expected_by_order = {}, np.zeros(n + 1)
    shares = np.zeros(n)
    for size in range(n + 1):
        for s in combinations(range(n), size):
            first, second = train.table(s), Train.build(_cores(other, q), background.local).table(s)
            weights = np.ones(())
            for i in s:
                weights = np.multiply.outer(weights, p[i])
            expected[s] = (weights * first**2).sum()
            cross = (weights * first * second).sum()
            expected_by_order[size] += cross
            shares[list(s)] += cross
    other = Train.build(_cores(other, q), background.local)
    assert np.allclose(covariance_by_order(train, other, p), expected_by_order, rtol=1e-10, atol=1e-12)
    assert np.allclose(total_shares(train, other, p), shares, rtol=1e-10, atol=1e-12)
    top = min(n, 3)
    listed = [tuple(s[s >= 0].tolist()) for s in listed_supports(n, top)]
    assert np.allclose(support_variances(train, p, top), [expected[s] for s in listed], rtol=1e-10, atol=1e-12)


def _cores(train, q):
    return [
        train.cores[i, :q, : train.ranks[i], : train.ranks[i + 1]].transpose(1, 0, 2) for i in range(len(train.cores))
    ]
