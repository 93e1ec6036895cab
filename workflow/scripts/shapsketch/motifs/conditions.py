"""Conditions: the contributions of several outputs on the same sequences, and how they differ, letter by letter.

Differences are taken sequence by sequence, so that what sequences have in common cancels, and their standard errors are
of paired differences.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..settings.errors import InputError
from .reading import CHUNK, Explained

COLUMNS = [
    "condition", "output_a", "output_b", "position", "letter", "sequences", "mean_a", "mean_b", "mean_difference",
    "standard_error",
]  # fmt: skip


def contribution_differences(condition: str, members: Mapping[str, Explained]) -> pd.DataFrame:
    """Return the differences of mean Shapley values of every two outputs: a row for each letter at each position.

    Sequences that not all outputs have are left out, and so are those with ambiguous letters; the counts of a
    position's letters add up to those that are left.

    Args:
        condition: its name.
        members: the explained sequences of two or more outputs by name; templates of one length and one alphabet.

    Returns:
        A table with `COLUMNS`: positions from 1; `mean_difference` is that of output A less that of output B over the
        sequences that have the letter there, and `standard_error` its standard error over these (missing below two).
        Letters that no sequence has at a position have no row.

    Raises:
        InputError: the outputs have no sequence in common.
    """
    first = next(iter(members.values()))
    n, letters = first.template.n, first.template.alphabet.letters
    cells = n * len(letters)
    pairs = list(combinations(range(len(members)), 2))
    counts, sums = np.zeros(cells), np.zeros((len(members), cells))
    squares = np.zeros((len(pairs), cells))
    for codes, values in _together(members):
        place = (np.arange(n) * len(letters) + codes).ravel()
        counts += np.bincount(place, minlength=cells)
        sums += [np.bincount(place, part.ravel(), cells) for part in values]
        squares += [np.bincount(place, (values[a] - values[b]).ravel() ** 2, cells) for a, b in pairs]
    there = np.flatnonzero(counts)
    if not len(there):
        raise InputError(f"The outputs of conditions.{condition} have no sequence in common; see their dropped.tsv.")
    counts, names = counts[there], list(members)
    means = sums[:, there] / counts
    of_letters = np.array(list(letters))[there % len(letters)]
    tables = []
    for square, (a, b) in zip(squares[:, there], pairs, strict=True):
        difference = means[a] - means[b]
        variance = np.maximum(square - counts * difference**2, 0) / np.where(counts > 1, counts - 1, np.nan)
        columns = (condition, names[a], names[b], there // len(letters) + 1, of_letters, counts.astype(np.int64),
                   means[a], means[b], difference, np.sqrt(variance / counts))  # fmt: skip
        tables.append(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _together(members: Mapping[str, Explained]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (N, n) alphabet codes and (members, N, n) Shapley values of the sequences that all members have."""
    shared: set[str] | None = None
    for explained in members.values():
        ids = set(pq.read_table(explained.sequences, columns=["sequence_id"])["sequence_id"].to_pylist())
        shared = ids if shared is None else shared & ids
    streams = [_shared_rows(explained, shared or set()) for explained in members.values()]
    for parts in zip(*streams, strict=True):
        (ids, codes, _), *others = parts
        for name, (other, other_codes, _) in zip(list(members)[1:], others, strict=True):
            if other != ids or (other_codes != codes).any():
                raise InputError(f"{name} was explained on other sequences than {next(iter(members))}: run both again.")
        yield codes, np.stack([values for *_, values in parts])


def _shared_rows(explained: Explained, shared: set[str]) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """Yield ids, codes and values of the shared sequences, in pieces of `CHUNK` and a last one."""
    ids: list[str] = []
    codes, values = (np.zeros((0, explained.template.n), kind) for kind in (np.uint8, np.float64))
    for chunk in explained.chunks():
        kept = chunk.select(np.array([name in shared for name in chunk.ids], bool))
        ids += kept.ids
        codes, values = np.concatenate([codes, kept.codes]), np.concatenate([values, kept.values])
        if len(ids) >= CHUNK:
            yield ids[:CHUNK], codes[:CHUNK], values[:CHUNK]
            ids, codes, values = ids[CHUNK:], codes[CHUNK:], values[CHUNK:]
    yield ids, codes, values
