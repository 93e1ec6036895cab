"""The sequences of a page: which are shown, and their letters, values, errors and interactions as a pack."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .packing import Pack

MAX_TEXT_SIZE = 8_000_000  # characters of a pack; a page is to stay below 10 MB
MAX_SEQUENCES = 20_000
LISTED = (20, 10, 5)  # interactions of a sequence; fewer where the pack would grow too large
BAR = 1.96  # standard errors that an error bar shows
BARS = "Bars are 95 % intervals (± 1.96 standard errors)."
FOLD_BARS = "Bars hold the value of another fold of the model in 95 % of cases."
WARNINGS = ("rare", "range", "gap", "r2", "unseen")  # by bit


class PackedSequences(TypedDict):
    """What a pack holds of the sequences.

    Attributes:
        shown: how many are in it.
        groups: their names.
        supports: of the interactions, as `"3,17"`.
        listed: interactions of a sequence, at most.
        index: which interaction index; None for none.
        bars: what error bars are, in words.
        count: of all sequences.
    """

    shown: int
    groups: list[str]
    supports: list[str]
    listed: int
    index: str | None
    bars: str
    count: int


def pack_sequences(
    shared: Pack,
    files: Mapping[str, str],
    outputs: list[str],
    index: str | None,
    most_text: int = MAX_TEXT_SIZE,
) -> tuple[Pack, PackedSequences]:
    """Pack as many sequences as a page can hold, each with as many interactions as there is room for.

    Args:
        shared: whatever else the page packs; it stays as it is.
        files: paths by name: `sequences`, `values`, `interactions` and, where refined, `errors`; of a model with folds,
            `folds`.
        outputs: the names of the outputs, in the order of the files' rows.
        index: which interaction index is shown; None for none.
        most_text: characters that the pack may have.

    Returns:
        The pack, and what it holds.
    """
    count = pq.read_metadata(files["sequences"]).num_rows
    reconstructions = pq.read_table(files["values"], columns=["reconstruction"])["reconstruction"].to_numpy()
    most = min(count, MAX_SEQUENCES)
    for listed in LISTED:
        pack, packed = _pack(shared.copy(), files, outputs, index, spread_rows(reconstructions[:count], most), listed)
        if len(pack.text()) <= most_text:
            return pack, packed
    while len(text := pack.text()) > most_text:
        most = min(most - 1, int(0.95 * most * most_text / len(text)))
        pack, packed = _pack(shared.copy(), files, outputs, index, spread_rows(reconstructions[:count], most), listed)
    return pack, packed


def spread_rows(values: np.ndarray, most: int) -> np.ndarray:
    """Choose at most `most` rows by (N,) values: all, or the highest and lowest eighths, and others evenly by rank."""
    if len(values) <= most:
        return np.arange(len(values))
    ranked, ends = np.argsort(-values, kind="stable"), most // 8
    middle = np.linspace(ends, len(values) - ends - 1, most - 2 * ends).astype(int)
    return np.sort(np.concatenate([ranked[:ends], ranked[middle], ranked[len(values) - ends :]]))


def _pack(
    pack: Pack, files: Mapping[str, str], outputs: list[str], index: str | None, rows: np.ndarray, listed: int
) -> tuple[Pack, PackedSequences]:
    count = pq.read_metadata(files["sequences"]).num_rows
    sequences = take_rows(files["sequences"], rows)
    groups = sorted(set(sequences["group"].to_pylist()) - {"", None})
    codes = {name: k for k, name in enumerate(groups, 1)}
    ids = sequences["sequence_id"].to_pylist()
    pack.add_json("ids", ids)
    pack.add("letters", np.frombuffer("".join(sequences["sequence"].to_pylist()).encode("latin-1"), np.uint8))
    pack.add("groups", np.array([codes.get(g, 0) for g in sequences["group"].to_pylist()], np.uint16))
    supports: dict[str, int] = {}
    has_folds = "folds" in files and pq.read_metadata(files["folds"]).num_rows > 0
    for k, output in enumerate(outputs):
        _pack_values(pack, k, take_rows(files["values"], rows + k * count))
        if "errors" in files:
            pack.add_errors(f"{k}/errors", _positions(take_rows(files["errors"], rows + k * count)))
        elif has_folds:
            low, high = (_positions(take_rows(files["folds"], 3 * (rows + k * count) + end)) for end in (1, 2))
            pack.add_errors(f"{k}/errors", (high - low) / (2 * BAR))
        if index is not None:
            _pack_interactions(
                pack, k, files["interactions"], output, index, sequences["sequence_id"], listed, supports
            )
    return pack, {
        "shown": len(rows),
        "groups": groups,
        "supports": list(supports),
        "listed": listed,
        "index": index,
        "bars": FOLD_BARS if has_folds and "errors" not in files else BARS,
        "count": count,
    }


def _pack_values(pack: Pack, number: int, values: pa.Table) -> None:
    contributions = _positions(values)
    apart = float(np.max(np.abs(contributions), initial=0.0))
    for name in ("prediction", "reconstruction", "base_value"):
        pack.add_real(f"{number}/{name}", values[name].to_numpy().astype(np.float64), apart)
    words = values["warning"].to_pylist()
    bits = [sum(1 << k for k, name in enumerate(WARNINGS) if name in word.split(",")) if word else 0 for word in words]
    pack.add(f"{number}/warnings", np.array(bits, np.uint8))
    pack.add_rounded(f"{number}/values", contributions)


def _positions(table: pa.Table) -> np.ndarray:
    """(N, n) float64 of the columns pos_1 ... pos_n."""
    names = [name for name in table.column_names if name.startswith("pos_")]
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in names])


def _pack_interactions(
    pack: Pack,
    number: int,
    path: str,
    output: str,
    index: str,
    ids: pa.ChunkedArray,
    listed: int,
    supports: dict[str, int],
) -> None:
    """Add, for each sequence, where its interactions begin, and for each of these its support and value."""
    names = ids.combine_chunks()
    owners, places, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    with pq.ParquetFile(path) as file:
        for k in range(file.num_row_groups):
            table = file.read_row_group(k, ["sequence_id", "output", "index", "order", "positions", "value"])
            chosen = pc.and_(pc.equal(table["output"], output), pc.equal(table["index"], index))
            table = table.filter(pc.and_(chosen, pc.greater(table["order"], 1)))
            owner = pc.index_in(table["sequence_id"], value_set=names)
            table, owner = table.filter(pc.is_valid(owner)), owner.drop_null()
            if not table.num_rows:
                continue
            coded = table["positions"].combine_chunks().dictionary_encode()
            numbers = [supports.setdefault(name, len(supports)) for name in coded.dictionary.to_pylist()]
            owners.append(owner.to_numpy().astype(np.int64))
            places.append(np.array(numbers, np.int64)[coded.indices.to_numpy()])
            values.append(table["value"].to_numpy().astype(np.float64))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")  # strongest first, as in the file
    owner = owner[order]
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    order = order[rank < listed]
    starts = np.searchsorted(owner[rank < listed], np.arange(len(names) + 1))
    pack.add(f"{number}/starts", starts.astype(np.uint32))
    pack.add(
        f"{number}/supports", np.concatenate(places)[order].astype(np.uint32 if len(supports) > 65_535 else np.uint16)
    )
    pack.add_rounded(f"{number}/interactions", np.concatenate(values)[order])


def take_rows(path: str, rows: np.ndarray) -> pa.Table:
    """Read some rows (ascending) of a Parquet file, a row group at a time."""
    parts, first = [], 0
    with pq.ParquetFile(path) as file:
        for k in range(file.num_row_groups):
            stop = first + file.metadata.row_group(k).num_rows
            chosen = rows[np.searchsorted(rows, first) : np.searchsorted(rows, stop)] - first
            if chosen.size:
                parts.append(file.read_row_group(k).take(pa.array(chosen)))
            first = stop
        return pa.concat_tables(parts) if parts else file.schema_arrow.empty_table()
