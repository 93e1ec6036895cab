"""Clusters of mechanisms beside SEAM's, on the same Shapley values: how many, and how much of the values they explain.

SEAM (Seitz et al. 2025) groups attribution maps, one-hot letters times their values, by Ward's linkage, or by k-means
of an embedding; how many groups there are, its user says. Only the module that clusters is taken from the wheel of
seam-nn (`pip download --no-deps seam-nn==0.6.7`), since the package as a whole needs TensorFlow. Writes
`tests/benchmarks/results/clusters.tsv`.
"""

import argparse
import contextlib
import importlib.util
import io
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.interactions import with_terms
from benchmarks.reference_models import DATA, MODELS
from benchmarks.result_files import FOLDER, merge_results
from shapsketch.motifs.clusters import _centers, adjusted_rand, find_clusters, sampled_rows
from shapsketch.sequences.rng import CLUSTER_STREAM, generator

SPLITS = 8
COLUMNS = ["model", "method", "clusters", "sequences", "explained", "held_out", "stability", "agreement", "seconds"]
COMMAND = "make benchmark-clusters"
Labeller = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # (N, n) values, (N, n, q) maps, k: (N,) labels


def ours(values: np.ndarray, maps: np.ndarray, count: int) -> np.ndarray:
    """Label by k-means of the Shapley values."""
    centers = _centers(values, count, generator(0, CLUSTER_STREAM))
    return ((values[:, None] - centers) ** 2).sum(-1).argmin(1)


def by_seam(clusterer: Any, method: str) -> Labeller:
    """Return a labeller by SEAM: `ward` on maps, as in its examples, or `kmeans` of the first ten components."""

    def label(values: np.ndarray, maps: np.ndarray, count: int) -> np.ndarray:
        with contextlib.redirect_stdout(io.StringIO()):
            seam = clusterer(maps, method="pca", gpu=False)
            if method == "ward":
                linkage = seam.cluster(method="hierarchical")
                return np.asarray(seam.get_cluster_labels(linkage, n_clusters=count)[0])
            flat = maps.reshape(len(maps), -1)
            left, sizes, _ = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
            return np.asarray(seam.cluster((left * sizes)[:, :10], method="kmeans", n_clusters=count))

    return label


def load_seam(wheel: Path) -> Any:
    """Return SEAM's class `Clusterer`, from its wheel."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        path = archive.extract("seam/clusterer.py", folder)
        spec = importlib.util.spec_from_file_location("seam_clusterer", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Clusterer


def shares(values: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of the sum of squares of (N, n) values about their mean that the clusters' means explain."""
    missed = sum(((values[labels == k] - values[labels == k].mean(0)) ** 2).sum() for k in np.unique(labels))
    return float(1 - missed / ((values - values.mean(0)) ** 2).sum())


def halves(values: np.ndarray, maps: np.ndarray, label: Labeller, count: int) -> tuple[float, float]:
    """Return how much the clusters of one half explain of the other, and how far both agree; means over splits."""
    rng, scores = np.random.default_rng(1), np.empty((SPLITS, 2))
    for split in range(SPLITS):
        order = rng.permutation(len(values))
        assigned, missed = [], 0.0
        for half, other in ((order[::2], order[1::2]), (order[1::2], order[::2])):
            labels = label(values[half], maps[half], count)
            centers = np.stack([values[half][labels == k].mean(0) for k in np.unique(labels)])
            distances = ((values[:, None] - centers) ** 2).sum(-1)
            assigned.append(distances.argmin(1))
            missed += distances[other].min(1).sum()
        scores[split] = 1 - missed / ((values - values.mean(0)) ** 2).sum(), adjusted_rand(*assigned)
    return float(scores[:, 0].mean()), float(scores[:, 1].mean())


def explained_values(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the (N, n) exact Shapley values of up to 1,000 sequences, and their (N, n, q) attribution maps."""
    model, spectrum = with_terms(MODELS[name]())
    if name == "sprout":
        table = pd.read_csv(DATA / "sprout/reference_predictions.csv")
        texts = table.sequence[table.kind == "deephf_target"].tolist()
        codes = model.template.to_local(model.template.alphabet.encode(texts))
    else:
        assert model.rows is not None
        codes = model.rows[np.random.default_rng(0).choice(len(model.rows), 1000, replace=False)]
    codes = codes[sampled_rows(len(codes))]
    values = spectrum.components.shapley_values(codes)
    return values, values[..., None] * np.eye(int(model.template.sizes.max()))[codes]


def rows(name: str, clusterer: Any) -> Iterator[dict[str, Any]]:
    """Run all methods on a model, at the number of clusters that we choose, and ours at SEAM's default of ten."""
    values, maps = explained_values(name)
    began = time.perf_counter()
    chosen = find_clusters(values, "auto", 0)
    seconds = time.perf_counter() - began
    print(f"{name}: {len(chosen.centers)} clusters are stable", flush=True)
    labellers = {"shapsketch": ours} | {
        f"SEAM, {words}": by_seam(clusterer, way) for words, way in (("Ward", "ward"), ("k-means", "kmeans"))
    }
    for count in dict.fromkeys((len(chosen.centers), 10)):
        if count < 2:
            continue
        first = ours(values, maps, count)
        for method, label in labellers.items():
            start = time.perf_counter()
            labels = label(values, maps, count)
            took = time.perf_counter() - start + (seconds if method == "shapsketch" else 0)
            held_out, stability = halves(values, maps, label, count)
            yield {
                "model": name, "method": method, "clusters": count, "sequences": len(values),
                "explained": shares(values, labels), "held_out": held_out, "stability": stability,
                "agreement": adjusted_rand(first, labels), "seconds": took,
            }  # fmt: skip


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="clusters", description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True, help="of seam-nn 0.6.7")
    parser.add_argument("--models", nargs="+", choices=("sprout", "gb1_complete"), default=["sprout", "gb1_complete"])
    chosen = parser.parse_args()
    clusterer = load_seam(chosen.wheel)
    for name in chosen.models:
        for row in rows(name, clusterer):
            merge_results(FOLDER / "clusters.tsv", [row], COLUMNS[:3], COLUMNS, COMMAND)
            print(row, flush=True)


if __name__ == "__main__":
    main()
