"""Explained sequences, read back piece by piece."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..sequences.template import Template
from ..spectrum.interactions import group_codes
from ..storage.parquet import read_rows

CHUNK = 8192  # sequences held at once; fixed, since sums of floating-point numbers follow their order


@dataclass(frozen=True)
class Chunk:
    """Some explained sequences without ambiguous letters.

    Attributes:
        rows: (N,) int64, their numbers among all sequences of the file.
        ids: their names.
        texts: their letters, in upper case where the alphabet has no lower-case ones.
        codes: (N, n) uint8 alphabet codes.
        local: (N, n) uint8 codes of the template.
        values: (N, n) float64 Shapley values.
        reconstruction: (N,) float64.
        groups: (N,) int64 numbers of their groups; -1 is none.
    """

    rows: np.ndarray
    ids: list[str]
    texts: list[str]
    codes: np.ndarray
    local: np.ndarray
    values: np.ndarray
    reconstruction: np.ndarray
    groups: np.ndarray

    def select(self, kept: np.ndarray) -> "Chunk":
        """Return those sequences that (N,) bool says."""
        chosen = np.flatnonzero(kept).tolist()
        return Chunk(
            self.rows[kept],
            [self.ids[k] for k in chosen],
            [self.texts[k] for k in chosen],
            self.codes[kept],
            self.local[kept],
            self.values[kept],
            self.reconstruction[kept],
            self.groups[kept],
        )


@dataclass(frozen=True)
class Explained:
    """The explained sequences of one output of a model.

    Attributes:
        template: that the sequences fit.
        sequences: the Parquet file of sequences.
        values: the Parquet file of Shapley values, by output, then in the order of the sequences.
        number: of the output, in the order of the file.
        groups: the names of all groups.
    """

    template: Template
    sequences: str | Path
    values: str | Path
    number: int
    groups: list[str]

    @property
    def count(self) -> int:
        """How many sequences the file has."""
        return int(pq.read_metadata(self.sequences).num_rows)

    def chunks(self) -> Iterator[Chunk]:
        """Read all of them, in order; those with ambiguous letters are left out."""
        count, row = self.count, 0
        first = self.number * count
        pieces = read_rows(self.sequences, 0, count, CHUNK)
        explained = read_rows(self.values, first, first + count, CHUNK)
        for sequences, values in zip(pieces, explained, strict=True):
            yield self._chunk(row, sequences, values)
            row += sequences.num_rows

    def _chunk(self, row: int, sequences: pa.Table, values: pa.Table) -> Chunk:
        alphabet = self.template.alphabet
        texts = sequences["sequence"].to_pylist()
        codes = alphabet.encode(texts).reshape(-1, self.template.n)
        plain = np.flatnonzero((codes < alphabet.q).all(1))
        names = [f"pos_{i + 1}" for i in range(self.template.n)]
        matrix = np.stack([values[name].to_numpy() for name in names], 1).astype(np.float64)
        ids, groups = sequences["sequence_id"].to_pylist(), sequences["group"].to_pylist()
        chosen = plain.tolist()
        return Chunk(
            row + plain,
            [ids[r] for r in chosen],
            [texts[r].upper() if alphabet.folds_case else texts[r] for r in chosen],
            codes[plain],
            self.template.to_local(codes[plain]),
            matrix[plain],
            values["reconstruction"].to_numpy()[plain],
            group_codes([groups[r] for r in chosen], self.groups),
        )
