"""Concepts: labels of letters, and which latent finds them, beside what finds them without a dictionary.

Thresholds are chosen on the sequences of some clusters and scored on those of others (as InterPLM does, Simon & Zou
2024): F1 of all letters. The controls are the best single number of the activation, of either sign; random latents of
the same number and sparsity; and the position alone.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..settings.errors import InputError

THRESHOLDS = 12  # that are tried, quantiles of what is active


def label_letters(expression: str, sequences: Sequence[str], name: str) -> np.ndarray:
    """Label the letters that a regular expression matches; of one with a group, those of its first group.

    Args:
        expression: as Python reads it; matches may overlap.
        sequences: of n letters each.
        name: of the concept, for sentences.

    Returns:
        (N, n) bool.

    Raises:
        InputError: the expression cannot be read, or matches nothing.
    """
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise InputError(f"The concept {name!r} has an expression that cannot be read: {error}.") from None
    group = 1 if pattern.groups else 0
    labels = np.zeros((len(sequences), len(sequences[0]) if len(sequences) else 0), bool)
    for row, sequence in enumerate(sequences):
        start = 0
        while (found := pattern.search(sequence, start)) is not None:
            first, last = found.span(group)
            labels[row, max(first, 0) : max(last, 0)] = True
            start = found.start() + 1
    if not labels.any():
        raise InputError(f"The concept {name!r} ({expression}) matches no letter of the sequences.")
    return labels


def best_feature(
    features: np.ndarray, labels: np.ndarray, held: np.ndarray, signed: bool = False
) -> tuple[int, float, float]:
    """Find the feature, and its threshold, with the best F1 on some letters, and score it on others.

    Args:
        features: (M, F) numbers of letters.
        labels: (M,) bool.
        held: (M,) bool, letters that are scored; the others choose.
        signed: whether small numbers may mark the concept too.

    Returns:
        The feature, its sign (1 or -1), and its F1 on the held letters.
    """
    best = (-1.0, 0, 1.0, 0.0)
    chosen = features[~held]
    for sign in (1.0, -1.0) if signed else (1.0,):
        tables = sign * chosen
        for share in np.linspace(0, 0.98, THRESHOLDS):
            limits = _quantile_of_active(tables, share, signed)
            scores = f1(tables > limits, labels[~held])
            k = int(scores.argmax())
            if scores[k] > best[0]:
                best = (float(scores[k]), k, sign, float(limits[k]))
    _, k, sign, limit = best
    return k, sign, float(f1((sign * features[held][:, [k]] > limit), labels[held])[0])


def _quantile_of_active(tables: np.ndarray, share: float, signed: bool) -> np.ndarray:
    """By feature the number that a share of what is active (of signed numbers, of all) lies below."""
    if signed:
        return np.quantile(tables, share, axis=0)
    if share == 0:
        return np.zeros(tables.shape[1], tables.dtype)
    order = np.sort(tables, 0)
    active = (order > 0).sum(0)
    places = np.minimum(len(order) - active + (share * active).astype(int), len(order) - 1)
    return np.where(active > 0, order[places, np.arange(order.shape[1])], np.inf)


def f1(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the F1 of each of (M, F) bool predictions of (M,) labels; 0 where nothing is found."""
    hits = labels.astype(np.float32) @ predicted.astype(np.float32)
    total = predicted.sum(0) + labels.sum()
    return np.divide(2 * hits, total, out=np.zeros_like(hits, float), where=total > 0)


def position_f1(labels: np.ndarray, held: np.ndarray) -> float:
    """Return the F1 on held sequences of the positions that mark a concept best on the others.

    Args:
        labels: (N, n) bool.
        held: (N,) bool.
    """
    rates = labels[~held].mean(0)
    options = [rates >= rate for rate in np.unique(rates[rates > 0])]
    if not options:
        return 0.0
    tables = np.column_stack(options)
    chosen = f1(np.tile(tables, (int((~held).sum()), 1)), labels[~held].ravel()).argmax()
    return float(f1(np.tile(tables[:, [chosen]], (int(held.sum()), 1)), labels[held].ravel())[0])


def match(
    labels: Mapping[str, np.ndarray],
    latents: np.ndarray,
    neurons: np.ndarray,
    random: np.ndarray,
    held: np.ndarray,
) -> list[dict[str, Any]]:
    """Match concepts with latents.

    Args:
        labels: by concept (N, n) bool.
        latents, neurons, random: (N, n, features) numbers of letters: of the dictionary, of the activation, and of
            random latents.
        held: (N,) bool, sequences that are scored.

    Returns:
        For each concept `concept`, `letters` that have it, `latent` (a column of `latents`), `f1`, and the controls
        `neuron_f1`, `random_f1`, `position_f1`.

    Raises:
        InputError: a concept has no letter among the sequences that are fitted, or scored.
    """
    rows, letters = [], np.repeat(held, latents.shape[1])
    tables = [t.reshape(-1, t.shape[-1]) for t in (latents, neurons, random)]
    for name, own in labels.items():
        for part, which in ((~held, "others"), (held, "held-out ones")):
            if not own[part].any():
                raise InputError(f"The concept {name!r} has no letter in the {which} of the clusters of sequences.")
        flat = own.ravel()
        latent, _, score = best_feature(tables[0], flat, letters)
        _, _, neuron = best_feature(tables[1], flat, letters, signed=True)
        _, _, chance = best_feature(tables[2], flat, letters)
        rows.append({
            "concept": name, "letters": int(own.sum()), "latent": latent, "f1": score, "neuron_f1": neuron,
            "random_f1": chance, "position_f1": position_f1(own, held),
        })  # fmt: skip
    return rows
