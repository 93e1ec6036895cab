"""Tables of explanations as files: Parquet and TSV, merged from shards, read back as arrays."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .files import atomic_path
from .tsv import table_text

ROW_GROUP = 65_536  # rows; fixed, so that files do not depend on how they were made
MAX_TSV_ROWS = 100_000
DIGITS = 7


def write_parquet(path: str | Path, table: pa.Table) -> None:
    """Write a table atomically; the same rows give the same bytes."""
    with parquet_writer(path, table.schema) as writer:
        writer.write(table)


class RowGroups:
    """Writes rows as they come, in row groups that do not depend on the pieces they came in.

    Args:
        writer: the file.
    """

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        """Add rows at the end."""
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= ROW_GROUP:
            whole = self._rows // ROW_GROUP * ROW_GROUP
            rows = pa.concat_tables(self._waiting)
            self._waiting, self._rows = [rows.slice(whole)], self._rows - whole
            self._flush(rows.slice(0, whole))

    def flush(self) -> None:
        """Write what is left as a row group of its own."""
        rows, self._waiting, self._rows = self._waiting, [], 0
        if rows:
            self._flush(pa.concat_tables(rows))

    def _flush(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP)


@contextmanager
def parquet_writer(path: str | Path, schema: pa.Schema) -> Iterator[RowGroups]:
    """Open a Parquet file for writing piece by piece; it is there when the block ends without error.

    Args:
        path: the file.
        schema: of its rows.
    """
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        groups = RowGroups(writer)
        yield groups
        groups.flush()


def read_rows(path: str | Path, start: int, stop: int, size: int) -> Iterator[pa.Table]:
    """Read rows start..stop-1 of a Parquet file, `size` at a time (the last piece may be smaller)."""
    with pq.ParquetFile(path) as file:
        first, waiting = 0, []
        for k in range(file.num_row_groups):
            rows = file.metadata.row_group(k).num_rows
            low, high = max(start - first, 0), min(stop - first, rows)
            first += rows
            if low < high:
                waiting.append(file.read_row_group(k).slice(low, high - low))
            if waiting:
                table = pa.concat_tables(waiting)
                whole = table.num_rows // size * size
                yield from (table.slice(k, size) for k in range(0, whole, size))
                waiting = [table.slice(whole)] if whole < table.num_rows else []
        yield from waiting


def group_names(sequences: str | Path) -> list[str]:
    """The names of the groups of sequences, in alphabetical order; the empty name is none."""
    names: set[str] = set()
    with pq.ParquetFile(sequences) as file:
        for k in range(file.num_row_groups):
            names |= set(file.read_row_group(k, ["group"])["group"].unique().to_pylist())
    return sorted(names - {""})


def merge_tables(
    path: str | Path,
    shards: Sequence[str | Path],
    outputs: Sequence[str],
    extended: Callable[[pa.Table], pa.Table] = lambda table: table,
) -> int:
    """Put the shards of a table together, by output, then in the shards' order; return the number of rows.

    One row group is held at a time: in a shard, each belongs to one output.

    Args:
        path: of the whole table.
        shards: its parts.
        outputs: of the model, in their order.
        extended: adds columns to some rows.
    """
    files = [pq.ParquetFile(shard) for shard in shards]
    column = files[0].schema_arrow.get_field_index("output")
    schema = extended(files[0].schema_arrow.empty_table()).schema
    with parquet_writer(path, schema) as writer:
        for output in outputs:
            for file in files:
                for k in range(file.num_row_groups):
                    if file.metadata.row_group(k).column(column).statistics.min == output:
                        writer.write(extended(file.read_row_group(k)))
    return sum(file.metadata.num_rows for file in files)


def write_tsv(path: str | Path, parquet: str | Path, rows: int) -> None:
    """Write a Parquet table of fewer than `MAX_TSV_ROWS` rows as gzipped TSV; remove an older file otherwise."""
    if rows >= MAX_TSV_ROWS:
        Path(path).unlink(missing_ok=True)
        return
    text = tsv_text(pq.read_table(parquet).to_pandas())
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))


def tsv_text(table: pd.DataFrame) -> str:
    """Return a table as TSV: seven digits, and more where an output's values differ by little beside an offset."""
    shown, names = table.copy(), table.columns[table.dtypes == np.float64]
    digits = {}
    for output, rows in table[names].groupby(table["output"], sort=False):
        apart = (rows.max() - rows.min()).max()
        digits[output] = _digits(rows.abs().max(), float(apart))
    for name in names:
        row_digits = table["output"].map({output: d[name] for output, d in digits.items()})
        if (row_digits > DIGITS).any():
            pairs = zip(table[name].tolist(), row_digits.tolist(), strict=True)
            shown[name] = [f"{v:.{d}g}" if np.isfinite(v) else "" for v, d in pairs]
    return table_text(shown, DIGITS)


def _digits(largest: pd.Series, apart: float) -> pd.Series:
    """How many digits tell values of some sizes apart as well as seven tell those without an offset."""
    if not apart > 0:
        return pd.Series(DIGITS, largest.index)
    with np.errstate(divide="ignore"):
        return np.floor(np.log10(largest / apart)).add(DIGITS).fillna(DIGITS).clip(DIGITS, 17).astype(int)
