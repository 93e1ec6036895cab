"""Concepts: labels of letters, and which latent finds them, beside what finds them without a dictionary.

Thresholds are chosen on the sequences of some clusters and scored on those of others (as InterPLM does, Simon & Zou
2024): F1 of all letters. The controls are the best single number of the activation, of either sign; random latents of
the same number and sparsity; and the position alone.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..models.dictionary import keep_largest
from ..settings.errors import InputError
from ..settings.mechanism_records import LabelsConfig
from .labels import read_labels

MAX_COLUMNS = 64  # features that are looked at together


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
        while (match := pattern.search(sequence, start)) is not None:
            first, last = match.span(group)
            labels[row, max(first, 0) : max(last, 0)] = True
            start = match.start() + 1
    if not labels.any():
        raise InputError(f"The concept {name!r} ({expression}) matches no letter of the sequences.")
    return labels


def best_features(
    features: np.ndarray, labels: np.ndarray, held: np.ndarray, signed: bool = False
) -> list[tuple[int, float, float]]:
    """Find for each concept the feature, and its threshold, with the best F1 on some letters; score it on others.

    Every threshold is tried that tells two numbers of a feature apart.

    Args:
        features: (M, F) numbers of letters.
        labels: (concepts, M) bool.
        held: (M,) bool, letters that are scored; the others choose.
        signed: whether small numbers may mark a concept too.

    Returns:
        By concept the feature, its sign (1 or -1), and its F1 on the held letters.
    """
    best = [(-1.0, 0, 1.0, 0.0)] * len(labels)
    wanted, fitted = labels[:, ~held], np.flatnonzero(~held)
    for start in range(0, features.shape[1], MAX_COLUMNS):
        part = features[fitted, start : start + MAX_COLUMNS].T
        for sign in (1.0, -1.0) if signed else (1.0,):
            for concept, (score, k, limit) in enumerate(best_cuts(sign * part if signed else part, wanted, signed)):
                if score > best[concept][0]:
                    best[concept] = (score, start + k, sign, limit)
    matched = []
    for concept, (_, k, sign, limit) in enumerate(best):
        predicted = sign * features[held][:, [k]] > limit
        matched.append((k, sign, float(f1(predicted, labels[[concept]][:, held])[0, 0])))
    return matched


def best_cuts(numbers: np.ndarray, labels: np.ndarray, signed: bool = False) -> list[tuple[float, int, float]]:
    """Find for each concept the feature and the threshold whose letters above have the best F1.

    Args:
        numbers: (F, M) of letters.
        labels: (concepts, M) bool.
        signed: whether all numbers are looked at, or only the active ones, which are above 0.

    Returns:
        By concept the F1, the feature, and the threshold that the numbers of marked letters are above; of no active
        number -1, the first feature and infinity.
    """
    if signed:
        letters = np.argsort(-numbers, 1, kind="stable").ravel()
        features = np.repeat(np.arange(len(numbers)), numbers.shape[1])
    else:
        features, letters = np.nonzero(numbers > 0)
        order = np.lexsort((-numbers[features, letters], features))
        features, letters = features[order], letters[order]
    if not len(letters):
        return [(-1.0, 0, np.inf)] * len(labels)
    # the largest numbers of each feature come first: letters down to a place are those above a threshold
    values, place = numbers[features, letters], np.arange(len(letters))
    first = np.searchsorted(features, features)
    ends = np.append(features[1:] != features[:-1], True)  # of a feature's numbers
    apart = ends | np.append(values[1:] < values[:-1], True)  # equal numbers are marked together
    marked, best = place - first + 1, []
    for marks in labels:
        hits = np.append(0, marks[letters].cumsum())
        hits = hits[1:] - hits[first]
        scores = np.where(apart, 2 * hits / (marked + marks.sum()), -1.0)
        chosen = int(scores.argmax())
        limit = -np.inf if signed else 0.0
        if not ends[chosen]:
            above, below = values[chosen], values[chosen + 1]
            middle = below + (above - below) / 2
            limit = float(middle if middle < above else below)  # there may be no number between two
        best.append((float(scores[chosen]), int(features[chosen]), limit))
    return best


def f1(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the (concepts, F) F1 of (M, F) bool predictions of (concepts, M) bool labels; 0 where nothing is found."""
    hits = labels.astype(np.float32) @ predicted.astype(np.float32)
    total = predicted.sum(0) + labels.sum(1)[:, None]
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
    fitted, scored = (np.tile(tables, (int(part.sum()), 1)) for part in (~held, held))
    chosen = int(f1(fitted, labels[~held].reshape(1, -1))[0].argmax())
    return float(f1(scored[:, [chosen]], labels[held].reshape(1, -1))[0, 0])


def read_concepts(
    concepts: Mapping[str, str | LabelsConfig], ids: Sequence[str], sequences: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return by concept the (N, n) bool labels of letters, of `mechanism.NAME.concepts`.

    Args:
        concepts: regular expressions, or files of labels, by name.
        ids: of the sequences.
        sequences: of n letters each.

    Raises:
        InputError: an expression cannot be read or matches nothing, or a file of labels does not fit.
    """
    labels = dict[str, np.ndarray]()
    for name, concept in concepts.items():
        if isinstance(concept, str):
            labels[name] = label_letters(concept, sequences, name)
        else:
            labels |= read_labels(concept["path"], name, ids, len(sequences[0]))
    return labels


def random_latents(x: np.ndarray, latents: int, active: int, seed: int) -> np.ndarray:
    """Return (N, n, F) latents of random directions, of which so many are active in each vector.

    Args:
        x: (N, n, width) vectors.
        latents: F.
        active: that stay, if positive.
        seed: of the directions.
    """
    import torch

    w = torch.randn(x.shape[-1], latents, generator=torch.Generator().manual_seed(seed % 2**63))
    return keep_largest(torch.from_numpy(x - x.mean((0, 1))) @ w, max(1, active)).numpy()


def match(
    labels: Mapping[str, np.ndarray],
    latents: np.ndarray,
    neurons: np.ndarray,
    random: np.ndarray,
    held: np.ndarray,
) -> list[dict[str, Any]]:
    """Match concepts with latents; one that lies at a single place in all sequences, with what they are at that place.

    A latent that says "A" is active at every A, and says "A at 7" at position 7: there only is it asked for that. The
    position alone then is the control that always says yes.

    Args:
        labels: by concept (N, n) bool.
        latents, neurons, random: (N, n, features) numbers of letters: of the dictionary, of the activation, and of
            random latents.
        held: (N,) bool, sequences that are scored.

    Returns:
        For each concept `concept`, `letters` that have it, `place` (1-based, of one that lies at a single place, None
        of others), `latent` (a column of `latents`), `f1`, and the controls `neuron_f1`, `random_f1`, `position_f1`.

    Raises:
        InputError: a concept has no letter among the sequences that are fitted, or scored.
    """
    for name, marks in labels.items():
        for part, which in ((~held, "others"), (held, "held-out ones")):
            if not marks[part].any():
                raise InputError(f"The concept {name!r} has no letter in the {which} of the clusters of sequences.")
    groups: dict[int | None, list[str]] = {}  # names of concepts by the place where all their letters are
    for name, marks in labels.items():
        places = np.flatnonzero(marks.any(0)).tolist()
        groups.setdefault(places[0] if len(places) == 1 else None, []).append(name)
    tables = ((latents, False), (neurons, True), (random, False))
    best: dict[str, tuple[int | None, list[tuple[int, float, float]]]] = {}
    for place, names in groups.items():
        at = slice(None) if place is None else slice(place, place + 1)
        flat = np.array([labels[name][:, at].ravel() for name in names])
        letters = np.repeat(held, flat.shape[1] // len(held))
        matched = [best_features(table[:, at].reshape(-1, table.shape[-1]), flat, letters, s) for table, s in tables]
        best |= {name: (place, [one[k] for one in matched]) for k, name in enumerate(names)}
    return [
        {
            "concept": name, "letters": int(marks.sum()), "place": None if place is None else place + 1,
            "latent": latent[0], "f1": latent[2], "neuron_f1": neuron[2], "random_f1": chance[2],
            "position_f1": position_f1(marks, held),
        }
        for name, marks in labels.items()
        for place, (latent, neuron, chance) in [best[name]]
    ]  # fmt: skip
