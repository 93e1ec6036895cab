"""Rows of the explanations' files, by output and with their groups, a row group at a time: files may exceed memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Rows:
    """Rows of one output that lie in one row group.

    Attributes:
        start: the number of the first, among the output's rows.
        predicted, missed: (N,) float64, the model, and the model less the reconstruction; NaN where it was not asked.
        groups: (N,) int64; -1 is none.
        warnings: (N,) words, joined by commas.
    """

    start: int
    predicted: np.ndarray
    missed: np.ndarray
    groups: np.ndarray
    warnings: pd.Series


class ValueTable:
    """The values of all sequences beside their groups.

    Args:
        values: the Parquet file of Shapley values.
        sequences: the Parquet file of the sequences, with their `group`; None: there are no groups.
        names: of the groups.
    """

    def __init__(self, values: str | Path, sequences: str | Path | None, names: list[str]) -> None:
        self.values, self.sequences, self.names = values, sequences, names
        self.outputs = list(dict.fromkeys(output for output, _ in rows_by_output(values, ["output"])))

    def rows(self, output: str) -> Iterator[Rows]:
        """The rows of an output, in the order of the sequences."""
        start = 0
        for name, rows in rows_by_output(self.values, ["output", "prediction", "reconstruction", "warning"]):
            if name == output:
                predicted = rows["prediction"].to_numpy(np.float64)
                missed = predicted - rows["reconstruction"].to_numpy(np.float64)
                yield Rows(start, predicted, missed, self._groups(start, len(rows)), rows["warning"])
                start += len(rows)

    def _groups(self, start: int, count: int) -> np.ndarray:
        """The groups of some sequences."""
        if not self.names or self.sequences is None:
            return np.full(count, -1)
        first, parts = 0, []
        with pq.ParquetFile(self.sequences) as file:
            for k in range(file.num_row_groups):
                rows = file.metadata.row_group(k).num_rows
                low, high = max(start - first, 0), min(start + count - first, rows)
                if low < high:
                    parts.append(file.read_row_group(k, ["group"])["group"].slice(low, high - low).to_pandas())
                first += rows
        return pd.Index(self.names).get_indexer(pd.concat(parts).fillna(""))


def rows_by_output(path: str | Path, columns: list[str] | None = None) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows of a Parquet file with the output they belong to, a row group at a time.

    Args:
        path: a file with the column `output`.
        columns: to read; None for all.
    """
    with pq.ParquetFile(path) as file:
        for k in range(file.num_row_groups):
            table = file.read_row_group(k, columns).to_pandas()
            yield from ((str(output), rows) for output, rows in table.groupby("output", sort=False))
