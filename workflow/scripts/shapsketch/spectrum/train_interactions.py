"""The strongest interactions of each sequence where a spectrum has trains, which give a value to every support.

All supports up to order 3 are computed, none is left out on suspicion; see `train_kernels.add_interactions`. Of higher
orders there are too many: those have a value that the terms list, and those that `further_supports` grows.
"""

from collections.abc import Sequence
from math import comb
from typing import TYPE_CHECKING

import numba
import numpy as np
from scipy import sparse

from ..sequences.parallel import share_out
from .components import Components
from .indices import VALUES, Index, InteractionMap, interaction_map
from .interactions import Strongest, Sums, keep_strongest, strongest_interactions
from .terms import Support
from .trains import MAX_LISTED_ORDER, listed_supports

if TYPE_CHECKING:
    from .spectrum import Spectrum

MAX_FURTHER = 256  # supports above order 3 that are valued: a walk for each, sequence and node
BLOCK_VALUES = 2_000_000  # interactions held at once: sixteen megabytes


def further_supports(spectrum: "Spectrum", index: Index, max_order: int) -> list[Support]:
    """Return the supports above the orders that are listed in full whose dividends vary most under the background.

    Out of those that `strongest_terms` grows: where two that a support holds with a letter less are among the
    strongest. A sequence's own strongest may be missed where many are about as strong; the tests measure how many.
    """
    listed = listed_order(index, max_order)
    if not spectrum.trains or listed == max_order or index in VALUES:
        return []
    terms, variances = spectrum.tables, spectrum.variances
    rows = np.flatnonzero((terms.orders > listed) & (terms.orders <= max_order))
    strongest = rows[np.argsort(-variances[rows], kind="stable")][:MAX_FURTHER]
    return [terms.supports[t] for t in np.sort(strongest).tolist()]


def complete_map(
    components: Components, index: Index, max_order: int, further: Sequence[Support] = ()
) -> InteractionMap:
    """Return the map of an index to all supports: those of the terms, and every one that trains give a value to.

    Args:
        components: the function.
        index: an interaction index.
        max_order: its top order.
        further: supports above the orders that trains list in full.

    Returns:
        The map of the terms' dividends, with `train_columns`; supports by order, then by position.
    """
    mapping = interaction_map(components.terms, index, max_order)
    if not components.trains:
        return mapping
    listed = listed_order(index, max_order)
    rows = components.free[listed_supports(len(components.free), listed)].tolist()
    sizes = np.repeat(np.arange(1, listed + 1), [comb(len(components.free), k) for k in range(1, listed + 1)]).tolist()
    supports = [tuple(row[:size]) for row, size in zip(rows, sizes, strict=True)]
    column = {support: k for k, support in enumerate(supports)}
    above = sorted({s for s in (*mapping.supports, *further) if s not in column}, key=lambda s: (len(s), s))
    row_of = {s: k for k, s in enumerate([*supports, *above])}
    entries = mapping.matrix.tocoo()
    places = np.array([row_of[s] for s in mapping.supports], np.int64)
    shape = (len(row_of), len(components.terms))
    matrix = sparse.csr_array((entries.data, (places[entries.coords[0]], entries.coords[1])), shape)
    columns = np.concatenate([np.arange(len(supports)), np.full(len(above), -1)])
    return InteractionMap(index, [*supports, *above], matrix, mapping.max_order, columns)


def listed_order(index: Index, max_order: int) -> int:
    """Return the highest order of which all supports of a train are given a value."""
    return 1 if index in VALUES else min(max_order, MAX_LISTED_ORDER)


def interaction_values(components: Components, mapping: InteractionMap, codes: np.ndarray) -> np.ndarray:
    """Return the (N, S) float64 values of all supports of a map, at (N, n) uint8 codes."""
    values = mapping.apply(components.terms.dividends(codes))
    if mapping.train_columns is None:
        return values
    there = np.flatnonzero(mapping.train_columns >= 0)
    at_free, listed = components.at_free(codes), listed_order(mapping.index, mapping.max_order)
    for train in components.trains:
        of_train = train.interactions(at_free, [mapping.index], mapping.max_order, listed)[0]
        values[:, there] += of_train[:, mapping.train_columns[there]]
        for order in np.unique(mapping.orders[mapping.orders > listed]).tolist():
            rows = np.flatnonzero(mapping.orders == order)
            places = np.searchsorted(components.free, mapping.padded[rows, :order])
            values[:, rows] += train.derivatives(at_free, places, mapping.index, mapping.max_order)
    return values


def strongest_of_all(
    components: Components,
    mapping: InteractionMap,
    codes: np.ndarray,
    *,
    top_k: int | None,
    threshold: float = 0.0,
    sums: Sums | None = None,
    groups: np.ndarray | None = None,
) -> Strongest:
    """Find the strongest interactions of each sequence; `strongest_interactions`, of terms and trains.

    Args:
        components: terms and trains.
        mapping: of an index, from `complete_map`.
        codes: (N, n) uint8 local codes.
        top_k: rows per sequence at most; None for all.
        threshold: the least magnitude, in the model's units.
        sums: to which all values are added.
        groups: (N,) int64 group of each sequence, for the sums; -1 is none.
    """
    if mapping.train_columns is None:
        return strongest_interactions(
            components.terms, mapping, codes, top_k=top_k, threshold=threshold, sums=sums, groups=groups
        )
    groups = np.full(len(codes), -1) if groups is None else groups
    size = len(mapping.supports)
    kept = size if top_k is None else min(top_k, size)
    columns, values = np.full((len(codes), kept), -1, np.int32), np.zeros((len(codes), kept))
    above = np.nextafter(threshold, -1.0) if threshold > 0 else 0.0  # at least the threshold, and not zero
    block = max(1, BLOCK_VALUES // max(size, 1))
    for start in range(0, len(codes), block):
        rows = slice(start, start + block)
        block_values = interaction_values(components, mapping, codes[rows])
        if sums is not None:
            sums.add(block_values, groups[rows])
        if kept:
            share_out(_select, len(block_values), block_values, above, columns[rows], values[rows])
    order = np.argsort(-np.abs(values), axis=1, kind="stable")
    columns, values = np.take_along_axis(columns, order, 1), np.take_along_axis(values, order, 1)
    owners, place = np.nonzero(columns >= 0)
    return Strongest(owners, columns[owners, place], values[owners, place])


@numba.njit(cache=True, nogil=True)
def _select(
    start: int, stop: int, candidates: np.ndarray, threshold: float, columns: np.ndarray, values: np.ndarray
) -> None:
    """Fill (N, K) columns and values with the strongest of (N, S) values."""
    count, size = candidates.shape
    listed, least = np.zeros(count, np.int32), np.full(count, threshold)
    for r in range(start, stop):
        for s in range(size):
            if abs(candidates[r, s]) > least[r]:
                keep_strongest(columns, values, listed, least, r, s, candidates[r, s], size)
