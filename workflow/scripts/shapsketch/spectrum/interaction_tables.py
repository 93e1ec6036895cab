"""Interactions as tables: the strongest of each sequence, as rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from .ambiguity import resolve
from .indices import Index, InteractionMap
from .interactions import Strongest, Sums
from .train_interactions import complete_map, further_supports, strongest_of_all

if TYPE_CHECKING:
    from .spectrum import Spectrum


CHUNK_VALUES = 4_000_000  # interactions listed at once

INTERACTION_SCHEMA = pa.schema(
    [
        ("sequence_id", pa.string()),
        ("output", pa.string()),
        ("index", pa.string()),
        ("order", pa.int8()),
        ("positions", pa.string()),
        ("letters", pa.string()),
        ("value", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Listing:
    """Which interactions are listed.

    Attributes:
        indices: interaction indices; `SV` is not one and is passed over.
        min_order, max_order: orders listed; `max_order` is the top order of the indices.
        top_k: rows per sequence and index at most, by magnitude; None for all.
        threshold: the least magnitude listed, in the model's units.
    """

    indices: Sequence[Index] = ("FSII",)
    min_order: int = 2
    max_order: int = 3
    top_k: int | None = 20
    threshold: float = 0.0


def list_pieces(
    spectrum: "Spectrum",
    listing: Listing,
    maps: Sequence[InteractionMap],
    sums: Sequence[Sums],
    sequences: pa.Table,
    groups: np.ndarray,
) -> Iterator[pa.Table]:
    """Tabulate the strongest interactions of sequences, a piece at a time.

    Args:
        spectrum: of one output.
        listing: which are listed.
        maps: of the indices; see `listed_map`.
        sums: of each index, to which all its values are added.
        sequences: with `sequence_id` and `sequence`.
        groups: (N,) int64 group of each sequence; -1 is none.

    Yields:
        `INTERACTION_SCHEMA`, by sequence, then by index, then by magnitude. Positions are 1-based and
        comma-separated, values in the model's units.
    """
    most = sum(min(len(m.supports), listing.top_k or len(m.supports)) for m in maps)
    rows = max(1, CHUNK_VALUES // max(1, most))
    for start in range(0, sequences.num_rows if maps else 0, rows):
        piece = sequences.slice(start, rows)
        text = piece["sequence"].to_pylist()
        codes, components = resolve(spectrum, text)
        letters = np.frombuffer("".join(text).encode("latin-1"), np.uint8).reshape(len(text), -1)
        tables, owners = [], []
        for mapping, index_sums in zip(maps, sums, strict=True):
            strongest = strongest_of_all(
                components,
                mapping,
                codes,
                top_k=listing.top_k,
                threshold=listing.threshold,
                sums=index_sums,
                groups=groups[start : start + rows],
            )
            tables.append(_table(spectrum.output, mapping, strongest, piece, letters))
            owners.append(strongest.rows)
        order = np.argsort(np.concatenate(owners), kind="stable")
        yield pa.concat_tables(tables).take(pa.array(order)) if len(tables) > 1 else tables[0]


def _table(
    output: str, mapping: InteractionMap, strongest: Strongest, sequences: pa.Table, letters: np.ndarray
) -> pa.Table:
    size = len(strongest.rows)
    columns = {
        "sequence_id": sequences["sequence_id"].combine_chunks().take(pa.array(strongest.rows)),
        "output": pa.repeat(output, size),
        "index": pa.repeat(mapping.index, size),
        "order": mapping.orders[strongest.columns].astype(np.int8),
        "positions": support_names(mapping).take(pa.array(strongest.columns)),
        "letters": _letters_at(letters, mapping, strongest.rows, strongest.columns),
        "value": strongest.values.astype(np.float32),
    }
    return pa.table(columns, schema=INTERACTION_SCHEMA)


def list_interactions(
    spectrum: "Spectrum",
    sequences: Iterable[str],
    index: Index,
    min_order: int,
    max_order: int,
    top_k: int | None,
    threshold: float,
) -> pd.DataFrame:
    """List the strongest interactions of sequences held in memory; see `Spectrum.interactions`."""
    texts = spectrum.as_strings(sequences)
    listing = Listing([index], min_order, max_order, top_k, threshold)
    maps = [listed_map(spectrum, index, listing)]
    schema = pa.schema([("sequence_id", pa.string()), ("sequence", pa.string())])
    table = pa.table([[str(k) for k in range(len(texts))], texts], schema=schema)
    sums, groups = [Sums.empty(spectrum.terms, maps[0], 0, spectrum.components.train_scale)], np.full(len(texts), -1)
    pieces = list_pieces(spectrum, listing, maps, sums, table, groups)
    rows = pa.concat_tables([INTERACTION_SCHEMA.empty_table(), *pieces])
    frame = rows.drop_columns(["output"]).to_pandas().rename(columns={"sequence_id": "sequence"})
    return frame.astype({"sequence": np.int64})


def listed_map(spectrum: "Spectrum", index: Index, listing: Listing) -> InteractionMap:
    """The map of an index without the orders that are not listed; values of single positions have but one."""
    further = further_supports(spectrum, index, listing.max_order)
    mapping = complete_map(spectrum.components, index, listing.max_order, further)
    return mapping if mapping.is_value else mapping.select(mapping.orders >= listing.min_order)


def support_names(mapping: InteractionMap) -> pa.Array:
    """The supports as text, 1-based and comma-separated."""
    return pa.array([",".join(str(i + 1) for i in support) for support in mapping.supports], pa.string())


def _letters_at(text: np.ndarray, mapping: InteractionMap, rows: np.ndarray, columns: np.ndarray) -> pa.Array:
    """The letters of sequences `rows` of the (N, n) text at the supports `columns`."""
    orders = mapping.orders[columns]
    flat = mapping.padded[columns]
    within = np.less(np.arange(flat.shape[1]), orders[:, None])
    letters = text[rows[:, None], flat][within]
    offsets = np.concatenate([[0], np.cumsum(orders)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(rows), pa.py_buffer(offsets), pa.py_buffer(letters))
