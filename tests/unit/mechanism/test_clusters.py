"""Clusters are held out whole."""

import numpy as np

from shapsketch.mechanism.clusters import find_clusters, held_out


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
