"""Probes: a linear model of a label from pooled latents, of few labels, beside what is known without a dictionary.

Numbers are fitted by ridge regression, classes by logistic regression; each with a penalty that leaves labels out best.

Features are pooled over positions (mean and maximum). The controls: the same of the layer itself, one-hot letters, and
the composition (how often each letter occurs). Labels are drawn many times from some clusters of sequences, the same
draws for all features, and scored on the others, so that differences are paired.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from ..models.table_model import Table, read_table
from ..sequences.rng import PROBE_STREAM, generator
from ..sequences.template import Template
from ..settings.errors import InputError
from ..storage.delimited import read_rows
from .measures import interval, named_interval

Fit = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float]]

SEQUENCE_COLUMNS = ("sequence", "mutated_sequence")  # the second is ProteinGym's
LOGISTIC_PENALTIES = np.logspace(4, -2, 10)  # from strong to weak: each fit begins where the last ended
MAX_NEWTON = 30  # steps of a logistic fit
TOLERANCE = 1e-7  # of the scores, when a logistic fit has ended
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


def fit_logistic(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit a logistic regression with a squared penalty that leaves one label out best, approximately.

    The scores without a label are those of one Newton step (Rad & Maleki 2020, Eq. 8): eta_i + H_ii / (1 - w_i H_ii)
    (p_i - y_i), with H = Z (Z' W Z + penalty)^-1 Z'; their log loss chooses. Newton's method, in the coordinates of the
    features' singular vectors; the intercept has no penalty.

    Args:
        x: (N, p) features; they are standardised over these N.
        y: (N,) labels of two different values, of which the larger counts as 1.

    Returns:
        (p,) weights of the features as they are, and the intercept, on the scale of log odds.
    """
    mean, scale = x.mean(0), x.std(0)
    scale = np.where(scale > 1e-9, scale, np.inf)
    u, s, vt = np.linalg.svd((x - mean) / scale, full_matrices=False)
    z, positive = np.column_stack([u * s, np.ones(len(y))]), (y > y.min()).astype(float)
    weights, best = np.zeros(z.shape[1]), (np.inf, np.zeros(z.shape[1]))
    for penalty in LOGISTIC_PENALTIES:
        ridge = np.append(np.full(len(s), penalty), 0.0)
        weights, inverse = _newton(z, positive, ridge, weights)
        scores = z @ weights
        p = expit(scores)
        leverage = np.einsum("ij,jk,ik->i", z, inverse, z, optimize=True)
        left = np.clip(1 - p * (1 - p) * leverage, 1e-9, None)
        without = scores + leverage / left * (p - positive)
        best = min(
            best, (float(np.logaddexp(0, np.where(positive > 0, -without, without)).mean()), weights), key=_first
        )
    slopes = vt.T @ best[1][:-1] / scale
    return slopes, float(best[1][-1] - mean @ slopes)


def _first(pair: tuple[float, np.ndarray]) -> float:
    return pair[0]


def _newton(
    z: np.ndarray, positive: np.ndarray, ridge: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weights of least penalised log loss, and the inverse of its second derivatives there."""

    def loss(slopes: np.ndarray) -> float:
        scores = z @ slopes
        return float(np.logaddexp(0, np.where(positive > 0, -scores, scores)).sum() + (ridge * slopes**2).sum() / 2)

    tiny, current = np.diag(np.append(np.zeros(len(ridge) - 1), 1e-9)), loss(weights)
    for _ in range(MAX_NEWTON):
        p = expit(z @ weights)
        inverse = np.linalg.inv((z * (p * (1 - p))[:, None]).T @ z + np.diag(ridge) + tiny)
        step = inverse @ (z.T @ (p - positive) + ridge * weights)
        length, lower = 1.0, loss(weights - step)
        while lower > current and length > 1e-6:  # too far
            length /= 2
            lower = loss(weights - length * step)
        weights, current = weights - length * step, min(lower, current)
        if np.abs(z @ step).max() * length < TOLERANCE:
            break
    return weights, inverse


def read_labels(path: str | Path, template: Template, label: str) -> Table:
    """Read sequences with a column of labels: of `sequence`, or of `mutated_sequence` as ProteinGym has it.

    Raises:
        InputError: the table has no such column, or what `read_table` refuses.
    """
    for piece in read_rows(path, [f"{column}?" for column in SEQUENCE_COLUMNS], 1):
        named = [column for column in SEQUENCE_COLUMNS if column in piece]
        if named:
            return read_table({"path": path, "sequence": named[0]}, template, [label])
        break
    raise InputError(
        f"{path} needs a column sequence, or mutated_sequence as in ProteinGym's tables, beside the labels {label!r}."
    )


def choose_fit(model: str, labels: np.ndarray, place: str) -> tuple[Fit, str]:
    """Return how a probe is fitted, and its name: `auto` fits classes by logistic and numbers by ridge regression.

    Args:
        model: of the config: `auto`, `ridge` or `logistic`.
        labels: (N,) of the probe.
        place: for sentences.

    Raises:
        InputError: logistic regression is asked for labels of other than two values.
    """
    kinds = len(np.unique(labels))
    if kinds < 2:
        raise InputError(f"{place} has the label {labels[0]:g} throughout; a probe needs labels that differ.")
    if model == "logistic" and kinds != 2:
        raise InputError(
            f"{place} has {kinds} different labels, and model: logistic needs two; set model to ridge, or give classes."
        )
    chosen = model if model != "auto" else "logistic" if kinds == 2 else "ridge"
    return (fit_logistic if chosen == "logistic" else fit_ridge), chosen


def score(predicted: np.ndarray, y: np.ndarray, classes: bool) -> float:
    """Return Spearman's correlation of (N,) predictions, or of two classes the area under the ROC curve."""
    if classes:
        places, positive = ranks(predicted), y > y.mean()
        count = positive.sum() * (~positive).sum()
        return float((places[positive].sum() - positive.sum() * (positive.sum() + 1) / 2) / count)
    a, b = ranks(predicted), ranks(y)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the (N,) ranks of (N,) numbers from 1, equal ones at their mean."""
    _, groups, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[groups]


def affordable(sizes: Sequence[int], known: int, place: str) -> list[int]:
    """Return the numbers of labels that can be drawn of `known` sequences.

    Args:
        sizes: that are asked for.
        known: sequences that labels are drawn from.
        place: of the sizes, for sentences.

    Raises:
        InputError: there are too few for the smallest.
    """
    fitting = [size for size in sizes if size <= known]
    if not fitting:
        raise InputError(
            f"{place} asks for {min(sizes)} or more, and {known} sequences are left to draw from; set it lower, or "
            "give more sequences."
        )
    return fitting


def probe(
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    held: np.ndarray,
    sizes: Sequence[int],
    draws: int,
    seed: int,
    fit: Fit = fit_ridge,
) -> list[dict[str, Any]]:
    """Compare features by what a few labels teach.

    Args:
        features: by name (N, p), `latents` among them.
        labels: (N,) numbers; of two different values, classes.
        held: (N,) bool, sequences that are scored.
        sizes: labels that are drawn, of `affordable`.
        draws: of each size.
        seed: of the draws.
        fit: `fit_ridge` or `fit_logistic`.

    Returns:
        For each size and feature `labels`, `features`, `score` (mean over draws), `score_low`, `score_high`, and
        `gain`, `gain_low`, `gain_high`: what latents score more, draw by draw, with its 95 % interval (Student's t over
        draws); empty for latents.
    """
    classes, known = len(np.unique(labels)) == 2, np.flatnonzero(~held)
    rows, random = [], generator(seed, PROBE_STREAM)
    for size in sizes:
        scores: dict[str, list[float]] = {name: [] for name in features}
        for _ in range(draws):
            chosen = random.choice(known, size, replace=False)
            if np.ptp(labels[chosen]) == 0:
                continue  # nothing can be learnt of equal labels
            for name, x in features.items():
                weights, intercept = fit(x[chosen], labels[chosen])
                scores[name].append(score(x[held] @ weights + intercept, labels[held], classes))
        for name, values in scores.items():
            gain = interval(np.array(scores[ARM]) - np.array(values)) if name != ARM else (None, None, None)
            rows.append({
                "labels": size, "features": name, "draws": len(values),
                **named_interval("score", interval(np.array(values))), **named_interval("gain", gain),
            })  # fmt: skip
    return rows


def strongest(
    features: np.ndarray, labels: np.ndarray, names: Sequence[str], most: int, fit: Fit = fit_ridge
) -> list[tuple[str, float]]:
    """Return those of (N, F) features with the largest weights, times their spread, of a probe of (N,) labels."""
    weights, _ = fit(features, labels)
    sizes = weights * features.std(0)
    return [(names[k], float(sizes[k])) for k in np.argsort(-np.abs(sizes), kind="stable")[:most]]
