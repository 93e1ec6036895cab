"""Tables of explanations as files: Parquet and TSV, merged from shards, read back as arrays."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .files import atomic_path

ROW_GROUP = 65_536  # rows; fixed, so that files do not depend on how they were made
MOST_TSV_ROWS = 100_000


def write_parquet(path: str | Path, table: pa.Table) -> None:
    """Write a table atomically; the same rows give the same bytes."""
    with atomic_path(path) as temporary:
        pq.write_table(table.combine_chunks(), temporary, row_group_size=ROW_GROUP, compression="zstd")


def merge_tables(paths: Sequence[str | Path]) -> pa.Table:
    """Read the shards of a table and put them together: by output, then in the shards' order."""
    table = pa.concat_tables([pq.read_table(path) for path in paths])
    outputs = table["output"].to_pylist()
    rank = {output: k for k, output in enumerate(dict.fromkeys(outputs))}
    return table.take(np.argsort([rank[o] for o in outputs], kind="stable"))


def write_tsv(path: str | Path, table: pa.Table) -> None:
    """Write a table of fewer than `MOST_TSV_ROWS` rows as gzipped TSV; remove an older file otherwise."""
    if table.num_rows >= MOST_TSV_ROWS:
        Path(path).unlink(missing_ok=True)
        return
    text = table.to_pandas().to_csv(sep="\t", index=False, float_format="%.7g")
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), mtime=0))


def read_explained(sequences: str | Path, values: str | Path) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Read back what was explained.

    Returns:
        The sequences, and for each output their (N, n) float64 Shapley values.
    """
    table = pd.read_parquet(values)
    positions = [c for c in table.columns if c.startswith("pos_")]
    matrices = {
        str(output): rows[positions].to_numpy(np.float64) for output, rows in table.groupby("output", sort=False)
    }
    return pd.read_parquet(sequences), matrices
