"""Clusters of similar sequences, so that what is measured is measured on sequences unlike those that were fitted."""

import numpy as np

HELD_OUT_SHARE = 0.2
FEW_CLUSTERS = 10  # whose intervals say little


def find_clusters(codes: np.ndarray, identity: float) -> np.ndarray:
    """Cluster sequences greedily, as CD-HIT does: each joins the first leader that it is like, or leads.

    Args:
        codes: (N, n) uint8 letter codes.
        identity: the share of equal letters, place by place, from which on sequences are alike; above 1, none are.

    Returns:
        (N,) int64 numbers of clusters, in the order of their leaders.
    """
    count, n = codes.shape
    clusters = np.arange(count)
    if identity > 1 or not count:
        return clusters
    leaders, wanted, leading = np.empty_like(codes), identity * n - 1e-9, 0
    for row in range(count):  # each leader depends on all before
        alike = (leaders[:leading] == codes[row]).sum(1) >= wanted
        if alike.any():
            clusters[row] = alike.argmax()
        else:
            leaders[leading], clusters[row] = codes[row], leading
            leading += 1
    return clusters


def held_out(clusters: np.ndarray, seed: int, stream: int, share: float = HELD_OUT_SHARE) -> np.ndarray:
    """Choose whole clusters until a share of the sequences is held out.

    Args:
        clusters: (N,) of `find_clusters`.
        seed, stream: of the choice, see `sequences.rng`.
        share: of the sequences.

    Returns:
        (N,) bool; at least one sequence on either side where there is more than one cluster.
    """
    from ..sequences.rng import generator

    sizes = np.bincount(clusters)
    order = generator(seed, stream).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]
    chosen = order[before + sizes[order] <= max(share * len(clusters), sizes[order[0]])]
    if len(chosen) == len(sizes):
        chosen = chosen[:-1]
    return np.isin(clusters, chosen)


def resampled_weights(clusters: np.ndarray, random: np.random.Generator, resamples: int) -> np.ndarray:
    """Draw clusters with replacement, as many as there are: the bootstrap of clusters (Field & Welsh 2007).

    Args:
        clusters: (N,) of each sequence; those of one cluster tell about the same, and are drawn together. Where all
            are of one, sequences are drawn: an interval says how they differ, and nothing of other clusters.
        random: what they are drawn from.
        resamples: how many times.

    Returns:
        (resamples, N) the weight of each sequence, of each resample 1 in all.
    """
    number = np.unique(clusters, return_inverse=True)[1]
    if not number.any():
        number = np.arange(len(clusters))
    count = int(number.max()) + 1
    drawn = random.integers(0, count, (resamples, count)) + count * np.arange(resamples)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count)[:, number]
    return np.asarray(weights / weights.sum(1, keepdims=True))


def few_clusters(clusters: np.ndarray) -> str:
    """Say in a sentence that (N,) sequences are of few clusters; empty where they are not."""
    count = len(np.unique(clusters))
    if count >= FEW_CLUSTERS:
        return ""
    kinds = "1 cluster" if count == 1 else f"{count} clusters"
    return f"the {len(clusters)} held-out sequences are of {kinds}, so that intervals say little of other sequences"
