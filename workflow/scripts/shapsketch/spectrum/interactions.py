"""Interaction indices of many sequences at once: the strongest of each, and their means over all.

One compiled pass per block of sequences: dividends by look-up, indices by a sparse product, then each
sequence's strongest are kept and all are summed. Sums are of integers (multiples of a unit that the spectrum
determines), so they do not depend on the order in which sequences come: not on chunks, threads or shards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from ..sequences.parallel import share_out
from .indices import InteractionMap
from .kernels import TermArrays, fill
from .terms import Terms

UNITS_OF_LARGEST = 2.0**31  # of the largest possible magnitude; 2**32 sequences can be summed
BLOCK_VALUES = 524_288  # dividends of a block: four megabytes; more would leave the cache
MIN_BLOCK, MAX_BLOCK = 16, 512


@dataclass(frozen=True)
class Sums:
    """Sums of an index over sequences, in all and by group.

    Attributes:
        units: (S,) float64, what 1 stands for in the model's units.
        total, absolute: (groups + 1, S) int64, sums of values and of magnitudes; row 0 is over all.
        counts: (groups + 1,) int64, the sequences.
    """

    units: np.ndarray
    total: np.ndarray
    absolute: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, terms: Terms, mapping: InteractionMap, groups: int, scale: float = 0.0) -> "Sums":
        """Start with nothing.

        Args:
            terms: the spectrum's own terms, which bound the values.
            mapping: the index.
            groups: how many groups of sequences there are.
            scale: of the trains that add to the values, if any do; see `Components.train_scale`.
        """
        bounds = abs(mapping.matrix) @ terms.magnitudes + scale
        shape = (groups + 1, len(mapping.supports))
        units = np.where(bounds > 0, bounds, 1.0) / UNITS_OF_LARGEST
        return cls(units, np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(groups + 1, np.int64))

    def count(self, groups: np.ndarray) -> None:
        """Count sequences of (N,) groups; -1 is no group."""
        self.counts[0] += len(groups)
        self.counts[1:] += np.bincount(groups[groups >= 0], minlength=len(self.counts) - 1)

    def add(self, values: np.ndarray, groups: np.ndarray) -> None:
        """Add (N, S) float64 values of sequences in (N,) groups; -1 is no group."""
        rounded = np.rint(values / self.units).astype(np.int64)
        self.count(groups)
        for sums, part in ((self.total, rounded), (self.absolute, np.abs(rounded))):
            sums[0] += part.sum(0)
            for group in np.unique(groups[groups >= 0]).tolist():
                sums[group + 1] += part[groups == group].sum(0)


@dataclass(frozen=True)
class Strongest:
    """The strongest interactions of some sequences.

    Attributes:
        rows: (E,) the sequence of each entry, ascending.
        columns: (E,) its support in the map; strongest first within a sequence, ties by column.
        values: (E,) float64, not zero.
    """

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def strongest_interactions(
    terms: Terms,
    mapping: InteractionMap,
    codes: np.ndarray,
    *,
    top_k: int | None,
    threshold: float = 0.0,
    sums: Sums | None = None,
    groups: np.ndarray | None = None,
) -> Strongest:
    """Find the strongest interactions of each sequence.

    Args:
        terms: the dividends.
        mapping: the index and its supports.
        codes: (N, n) uint8 codes that index `terms`.
        top_k: how many per sequence at most; None for all.
        threshold: the least magnitude, in the model's units.
        sums: where values are added up, if they are.
        groups: (N,) int64 group of each sequence; -1, or None, is no group.
    """
    count, size = len(codes), len(mapping.supports)
    groups = np.full(count, -1) if groups is None else groups
    kept = size if top_k is None else min(top_k, size)
    columns, values = np.full((count, kept), -1, np.int32), np.zeros((count, kept))
    if sums is not None:
        sums.count(groups)
    units, total, absolute = (sums.units, sums.total, sums.absolute) if sums else _no_sums(size, groups)
    matrix = mapping.matrix
    if count and size:
        block = int(np.clip(BLOCK_VALUES // len(terms), MIN_BLOCK, MAX_BLOCK))
        weights = (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data)
        threads = numba.get_num_threads()
        parts = np.zeros((2, threads, *total.shape), np.int64)
        above = np.nextafter(threshold, -1.0) if threshold > 0 else 0.0  # at least the threshold, and not zero
        inputs = (np.ascontiguousarray(codes), terms.arrays, weights, above, block, groups, units)
        share_out(_explain, threads, *inputs, parts, columns, values)
        total += parts[0].sum(0)
        absolute += parts[1].sum(0)
    if kept == size:
        order = np.argsort(-np.abs(values), axis=1, kind="stable")
        columns, values = np.take_along_axis(columns, order, 1), np.take_along_axis(values, order, 1)
    rows, place = np.nonzero(columns >= 0)
    return Strongest(rows, columns[rows, place], values[rows, place])


def _no_sums(size: int, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Room for sums where none are asked for: the loop adds them up in any case."""
    shape = (int(groups.max(initial=-1)) + 2, size)
    return np.ones(size), np.zeros(shape, np.int64), np.zeros(shape, np.int64)


@numba.njit(cache=True, nogil=True)
def _explain(
    start: int,
    stop: int,
    codes: np.ndarray,
    terms: TermArrays,
    weights: tuple[np.ndarray, ...],
    threshold: float,
    block: int,
    groups: np.ndarray,
    units: np.ndarray,
    parts: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
) -> None:
    """Fill columns and values (N, K), and the threads' own sums (2, threads, groups + 1, S)."""
    blocks, threads = (codes.shape[0] + block - 1) // block, parts.shape[1]
    for thread in range(start, stop):
        for b in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            rows = slice(b * block, min((b + 1) * block, codes.shape[0]))
            _explain_block(
                codes[rows], terms, weights, threshold, groups[rows], units,
                parts[0, thread], parts[1, thread], columns[rows], values[rows],
            )  # fmt: skip


@numba.njit(cache=True)
def _explain_block(
    codes: np.ndarray,
    terms: TermArrays,
    weights: tuple[np.ndarray, ...],
    threshold: float,
    groups: np.ndarray,
    units: np.ndarray,
    total: np.ndarray,
    absolute: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
) -> None:
    count, size, (starts, entries, data) = codes.shape[0], terms.offsets.size - 1, weights
    letters, cells = codes.T.copy(), np.empty(count, np.int32)
    dividends, index, steps = np.empty((size, count)), np.empty(count), np.empty(count, np.int64)
    listed, grouped = np.zeros(count, np.int32), groups.max() >= 0
    least = np.full(count, np.inf if columns.shape[1] == 0 else threshold)  # what the next one must exceed
    for t in range(size):
        fill(letters, t, cells, dividends[t], terms)
    for s in range(units.size):
        index[:] = 0.0
        for e in range(starts[s], starts[s + 1]):
            weight, dividend = data[e], dividends[entries[e]]
            for r in range(count):
                index[r] += weight * dividend[r]
        whole, magnitude, scale = np.int64(0), np.int64(0), 1.0 / units[s]
        for r in range(count):
            steps[r] = np.int64(np.rint(index[r] * scale))
            whole += steps[r]
            magnitude += abs(steps[r])
        total[0, s] += whole
        absolute[0, s] += magnitude
        if grouped:
            for r in range(count):
                if groups[r] >= 0:
                    total[groups[r] + 1, s] += steps[r]
                    absolute[groups[r] + 1, s] += abs(steps[r])
        for r in range(count):
            if abs(index[r]) > least[r]:
                keep_strongest(columns, values, listed, least, r, s, index[r], units.size)


@numba.njit(cache=True)
def keep_strongest(
    columns: np.ndarray,
    values: np.ndarray,
    listed: np.ndarray,
    least: np.ndarray,
    r: int,
    s: int,
    value: float,
    size: int,
) -> None:
    """Put a value where it belongs among the strongest of row r; if all are kept, at the end."""
    last = columns.shape[1]
    if last == size:
        place = listed[r]
    else:
        place = min(listed[r], last - 1)
        while place > 0 and abs(values[r, place - 1]) < abs(value):
            columns[r, place], values[r, place] = columns[r, place - 1], values[r, place - 1]
            place -= 1
    columns[r, place], values[r, place] = s, value
    listed[r] = min(listed[r] + 1, last)
    if listed[r] == last and last < size:
        least[r] = abs(values[r, last - 1])


def group_codes(groups: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Return the (N,) int64 numbers of groups in the list of all names; -1 for the empty name."""
    number = {name: k for k, name in enumerate(names)}
    return np.array([number.get(group, -1) for group in groups], np.int64)
