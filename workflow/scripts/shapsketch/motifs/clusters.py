"""Clusters of mechanisms: explained sequences whose Shapley values are alike, and how stable such groups are.

A cluster costs no evaluations. How many there are is decided by stability (Lange et al., Neural Computation 2004): two
halves of the sequences are clustered apart, and must agree on all of them. A position with two letters that matter
makes stable groups too. So clusters must also explain more of the values than they do once the values of each position
have been dealt out to the sequences anew, in the manner of the gap statistic (Tibshirani et al., J. R. Stat. Soc. B
2001).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.vq import kmeans2
from scipy.spatial.distance import cdist

from ..sequences.rng import CLUSTER_STREAM, generator

MAX_SAMPLED = 1000  # sequences, at equal steps, that decide; the others join the nearest cluster
MAX_CLUSTERS = 8
MIN_MEMBERS = 10  # sequences for each cluster, on average
SPLITS = 8
STARTS = 4  # of k-means, of which the best counts
ITERATIONS = 30
MIN_STABILITY = 0.8  # adjusted Rand index
MIN_Z = 2.0  # standard errors by which the share explained is above that of positions one by one
CLUSTER_COLUMNS = [
    "output", "clusters", "stability", "stability_error", "explained", "explained_error", "by_position",
    "by_position_error", "sampled", "chosen",
]  # fmt: skip


@dataclass(frozen=True)
class Clusters:
    """Groups of sequences by their Shapley values.

    Attributes:
        centers: (k, n) float64 mean Shapley values, of the largest cluster first; k is 0 where there are no clusters.
        table: a row for each number of clusters that was tried, with `CLUSTER_COLUMNS` but for `output`.
    """

    centers: np.ndarray
    table: pd.DataFrame

    def assign(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the (N,) int64 numbers of the nearest centers of (N, n) Shapley values, and (N,) margins.

        A margin is 1 less the distance to the nearest center over that to the second: 0 on the border, 1 at the center.
        """
        distances = cdist(values, self.centers)
        nearest = distances.argmin(1)
        if self.centers.shape[0] < 2:
            return nearest, np.ones(len(values))
        first, second = np.partition(distances, 1, axis=1)[:, :2].T
        return nearest, 1 - np.divide(first, second, out=np.ones_like(first), where=second > 0)

    def members(self, output: str, ids: list[str], values: np.ndarray) -> pd.DataFrame:
        """Return the rows of `cluster_members.tsv` of some sequences, (N, n) `values`: clusters are numbered from 1."""
        if not len(self.centers):
            ids, values = [], values[:0]
        numbers, margins = self.assign(values) if len(ids) else (np.zeros(0, np.int64), np.zeros(0))
        return pd.DataFrame({"output": output, "sequence_id": ids, "cluster": numbers + 1, "margin": margins})


def sampled_rows(count: int) -> np.ndarray:
    """Return the (S,) int64 numbers of the sequences that decide, at equal steps among so many."""
    return np.linspace(0, max(count - 1, 0), min(count, MAX_SAMPLED)).astype(np.int64)


def find_clusters(values: np.ndarray, wanted: int | str | bool, seed: int) -> Clusters:
    """Group sequences by k-means of their Shapley values.

    Args:
        values: (N, n) float64 Shapley values of sampled sequences, fixed positions included.
        wanted: how many clusters; `auto`: as many as are stable, and explain more than those of positions one by one;
            none where no number is. `False`: none.
        seed: 0 <= seed < 2**64.
    """
    rng = generator(seed, CLUSTER_STREAM)
    spread = (values != values[:1]).any(0)
    most = min(MAX_CLUSTERS, len(values) // MIN_MEMBERS, len(np.unique(values[:, spread], axis=0)))
    tried = range(2, most + 1) if wanted == "auto" else range(int(wanted), min(int(wanted), most) + 1)
    tried = tried if wanted else range(0)
    rows = []
    for count in tried:
        dealt = rng.permuted(values[:, spread], axis=0)
        joint, by_position = (_measure(part, count, rng) for part in (values[:, spread], dealt))
        rows.append([count, *joint, *by_position[2:], len(values), 0])
    table = pd.DataFrame(rows, columns=CLUSTER_COLUMNS[1:])
    apart = np.hypot(table["explained_error"], table["by_position_error"])
    useful = (table["stability"] >= MIN_STABILITY) & (table["explained"] - table["by_position"] > MIN_Z * apart)
    good = table["clusters"][useful | (wanted != "auto")]
    if good.empty:
        return Clusters(np.zeros((0, values.shape[1])), table)
    count = int(good.max())
    centers = _centers(values, count, rng)
    sizes = np.bincount(cdist(values, centers).argmin(1), minlength=len(centers))
    table["chosen"] = (table["clusters"] == count).astype(int)
    return Clusters(centers[np.argsort(-sizes, kind="stable")], table)


def _measure(values: np.ndarray, count: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Cluster two halves apart, several times: how far they agree, and what each explains of the other.

    Returns:
        The mean adjusted Rand index and its standard error; the mean share of the sum of squares about the mean that
        the centers of one half explain of the other, and its standard error.
    """
    scores = np.empty((SPLITS, 2))
    for split in range(SPLITS):
        order = rng.permutation(len(values))
        halves = (order[: len(order) // 2], order[len(order) // 2 :])
        distances = [cdist(values, _centers(values[half], count, rng), "sqeuclidean") for half in halves]
        missed = sum(part[half].min(1).sum() for part, half in zip(distances, halves[::-1], strict=True))
        total = ((values - values.mean(0)) ** 2).sum()
        scores[split] = adjusted_rand(*(part.argmin(1) for part in distances)), 1 - missed / total
    errors = scores.std(0, ddof=1) / np.sqrt(SPLITS)
    return float(scores[:, 0].mean()), float(errors[0]), float(scores[:, 1].mean()), float(errors[1])


def _centers(values: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The best centers of several starts of k-means: (count, n), or fewer where a cluster came out empty."""
    best, least = values[:0], np.inf
    for _ in range(STARTS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of empty clusters, which are left out
            centers, _ = kmeans2(values, count, ITERATIONS, minit="++", rng=rng)
        distances = cdist(values, centers, "sqeuclidean")
        if (error := distances.min(1).sum()) < least:
            best, least = centers[np.unique(distances.argmin(1))], error
    return best


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    """Return the adjusted Rand index (Hubert & Arabie 1985) of two (N,) labellings: 1 is the same, 0 is chance."""
    counts = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(counts, (first, second), 1)
    pairs, rows, columns, total = (
        float((part * (part - 1) / 2).sum()) for part in (counts, counts.sum(1), counts.sum(0), np.array([len(first)]))
    )
    expected, most = rows * columns / total, (rows + columns) / 2
    return 1.0 if most == expected else (pairs - expected) / (most - expected)
