"""Clusters are held out whole."""

import numpy as np

from shapsketch.mechanism.clusters import few_clusters, find_clusters, held_out, resampled_weights


def test_clusters_are_held_out_whole():
    draws = np.random.default_rng(0)
    leaders = draws.integers(0, 4, (30, 20)).astype(np.uint8)
    codes = np.repeat(leaders, 5, 0)
    codes[np.arange(150), draws.integers(0, 20, 150)] = 3  # one letter each
    clusters = find_clusters(codes, 0.8)
    assert (clusters.reshape(30, 5) == clusters.reshape(30, 5)[:, :1]).all()
    held = held_out(clusters, 0, 0)
    assert 0 < held.sum() <= 30
    assert all(len(set(held[clusters == c])) == 1 for c in set(clusters))
    assert np.array_equal(find_clusters(codes, 2.0), np.arange(150))


def test_clusters_are_resampled_whole():
    values = np.random.default_rng(1).normal(size=50)
    repeated, clusters = np.repeat(values, 4), np.repeat(np.arange(50)[::-1], 4)
    weights = resampled_weights(clusters, np.random.default_rng(0), 4000)
    assert np.allclose(weights.sum(1), 1)
    assert np.array_equal(weights[:, ::4], weights[:, 3::4])
    error = values.std() / 50**0.5
    assert np.isclose((weights @ repeated).std(), error, rtol=0.05)
    assert (resampled_weights(np.zeros(200, int), np.random.default_rng(0), 9) @ repeated).std() > 0  # of sequences
    assert few_clusters(np.repeat(np.arange(10), 3)) == ""
    assert few_clusters(np.zeros(5, int)) == (
        "the 5 held-out sequences are of 1 cluster, so that intervals say little of other sequences"
    )
    alone = resampled_weights(np.arange(200), np.random.default_rng(0), 4000)
    assert np.isclose((alone @ repeated).std(), error / 2, rtol=0.05)  # as if each told something of its own
    assert np.allclose(
        alone[0], np.bincount(np.random.default_rng(0).integers(0, 200, (4000, 200))[0], minlength=200) / 200
    )
