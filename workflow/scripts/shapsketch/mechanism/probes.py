"""Probes: a linear model of a label from pooled latents, of few labels, beside what is known without a dictionary.

Features are pooled over positions (mean and maximum). The controls: the same of the layer itself, one-hot letters, and
the composition (how often each letter occurs). Labels are drawn many times from some clusters of sequences, the same
draws for all features, and scored on the others, so that differences are paired.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata, t

from ..sequences.rng import PROBE_STREAM, generator

PENALTIES = np.logspace(-3, 5, 17)  # of standardised features, chosen by leaving one label out
ARM = "latents"


def pool(vectors: np.ndarray) -> np.ndarray:
    """Return (N, 2 width): mean and maximum over the positions of (N, positions, width)."""
    return np.concatenate([vectors.mean(1), vectors.max(1)], 1)


def composition(codes: np.ndarray, q: int) -> np.ndarray:
    """Return (N, q): how often each letter occurs in (N, n) codes."""
    return (codes[:, :, None] == np.arange(q)).mean(1)


def onehot(codes: np.ndarray, q: int) -> np.ndarray:
    """Return (N, n q) one-hot letters."""
    return (codes[:, :, None] == np.arange(q)).reshape(len(codes), -1).astype(float)


def fit_ridge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit a ridge regression whose penalty leaves one label out best.

    The errors of leaving one out are closed: (y - H y) / (1 - diag H), with H of the centred features (Golub, Heath &
    Wahba 1979).

    Args:
        x: (N, p) features; they are standardised over these N.
        y: (N,) labels.

    Returns:
        (p,) weights of the features as they are, and the intercept.
    """
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-9, scale, np.inf)
    u, s, vt = np.linalg.svd((x - mean) / scale, full_matrices=False)
    centred, best = y - y.mean(), (np.inf, 1.0)
    for penalty in PENALTIES:
        shrink = s**2 / (s**2 + penalty)
        leverage = (u**2 * shrink).sum(1) + 1 / len(y)
        errors = (centred - u @ (shrink * (u.T @ centred))) / np.maximum(1 - leverage, 1e-9)
        best = min(best, (float(np.mean(errors**2)), float(penalty)))
    weights = vt.T @ (s / (s**2 + best[1]) * (u.T @ centred)) / scale
    return weights, float(y.mean() - mean @ weights)


def score(predicted: np.ndarray, y: np.ndarray, classes: bool) -> float:
    """Return Spearman's correlation, or of two classes the area under the ROC curve."""
    if classes:
        ranks, positive = rankdata(predicted), y > y.mean()
        count = positive.sum() * (~positive).sum()
        return float((ranks[positive].sum() - positive.sum() * (positive.sum() + 1) / 2) / count)
    a, b = rankdata(predicted), rankdata(y)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def probe(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    held: np.ndarray,
    sizes: Sequence[int],
    draws: int,
    seed: int,
) -> list[dict[str, Any]]:
    """Compare features by what a few labels teach.

    Args:
        features: by name (N, p), `latents` among them.
        labels: (N,) numbers; of two different values, classes.
        held: (N,) bool, sequences that are scored.
        sizes: labels that are drawn; those beyond what there is are left out.
        draws: of each size.
        seed: of the draws.

    Returns:
        For each size and feature `labels`, `features`, `score` (mean over draws), `score_low`, `score_high`, and
        `gain`, `gain_low`, `gain_high`: what latents score more, draw by draw, with its 95 % interval (Student's t over
        draws); empty for latents.
    """
    classes, known = len(np.unique(labels)) == 2, np.flatnonzero(~held)
    rows, random = [], generator(seed, PROBE_STREAM)
    for size in [size for size in sizes if size <= len(known)]:
        found: dict[str, list[float]] = {name: [] for name in features}
        for _ in range(draws):
            chosen = random.choice(known, size, replace=False)
            if np.ptp(labels[chosen]) == 0:
                continue  # nothing can be learnt of equal labels
            for name, x in features.items():
                weights, intercept = fit_ridge(x[chosen], labels[chosen])
                found[name].append(score(x[held] @ weights + intercept, labels[held], classes))
        for name, values in found.items():
            gain = interval(np.array(found[ARM]) - np.array(values)) if name != ARM else (None, None, None)
            columns = ("score", "score_low", "score_high", "gain", "gain_low", "gain_high")
            numbers = dict(zip(columns, (*interval(np.array(values)), *gain), strict=True))
            rows.append({"labels": size, "features": name, "draws": len(values), **numbers})
    return rows


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean and its 95 % interval (Student's t); of fewer than two values NaN."""
    if len(values) < 2:
        return (float(values.mean()) if len(values) else float("nan"), float("nan"), float("nan"))
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def strongest(features: np.ndarray, labels: np.ndarray, names: Sequence[str], most: int) -> list[tuple[str, float]]:
    """Return the features with the largest weights, times their spread, of a probe of all labels."""
    weights, _ = fit_ridge(features, labels)
    sizes = weights * features.std(0)
    return [(names[k], float(sizes[k])) for k in np.argsort(-np.abs(sizes), kind="stable")[:most]]
