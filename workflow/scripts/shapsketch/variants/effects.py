"""Effects: what a model says of windows with a variant, less what it says of the same windows without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..models import Model
from ..sequences.genome import Reference
from ..storage.files import atomic_path
from ..storage.parquet import parquet_writer
from ..storage.tsv import table_text
from .reading import VARIANT_SCHEMA, Placing, placed

DIGITS = 9  # of numbers in text, so that differences of values stay what they are

EFFECT_SCHEMA = pa.schema(
    [
        *VARIANT_SCHEMA,
        ("output", pa.string()),
        ("ref_value", pa.float64()),
        ("alt_value", pa.float64()),
        ("delta", pa.float64()),
    ]
)


@dataclass(frozen=True)
class EffectAsker:
    """Asks a model about variants.

    Attributes:
        model: the model.
        reference: the genome, or given sequences.
        placing: how windows are cut.
    """

    model: Model
    reference: Reference
    placing: Placing

    def __call__(self, variants: pa.Table) -> pa.Table:
        """Ask about both alleles of some variants; windows that are the same are asked once.

        Args:
            variants: with `VARIANT_SCHEMA`, at most as many as a batch of the model for values that do not depend on
                how a file was divided.

        Returns:
            With `EFFECT_SCHEMA`, one row per variant and output; `delta = alt_value - ref_value`, in the units of the
            model.
        """
        pairs = [self._letters(row) for row in variants.to_pylist()]
        values = self.ask([window for pair in pairs for window in pair]).reshape(len(pairs), 2, -1)
        outputs = len(self.model.outputs)
        rows = variants.take(np.repeat(np.arange(len(pairs)), outputs))
        ref, alt = (values[:, k].reshape(-1) for k in (0, 1))
        added = {
            "output": list(self.model.outputs) * len(pairs),
            "ref_value": ref,
            "alt_value": alt,
            "delta": alt - ref,
        }
        return pa.table({**{name: rows[name] for name in VARIANT_SCHEMA.names}, **added}, schema=EFFECT_SCHEMA)

    def _letters(self, row: Mapping[str, Any]) -> tuple[str, str]:
        return self.placing.letters(self.reference, *placed(row))

    def ask(self, windows: Sequence[str]) -> np.ndarray:
        """Ask the model about windows, each different one once.

        Args:
            windows: N strings as long as the model's input.

        Returns:
            (N, outputs) float64.
        """
        numbers = {window: k for k, window in enumerate(dict.fromkeys(windows))}
        alphabet = self.model.template.alphabet
        answers = self.model(alphabet.encode(alphabet.normalise(list(numbers))))
        return answers[[numbers[window] for window in windows]]


def merge_shards(path: str | Path, tsv: str | Path, shards: str | Sequence[str]) -> None:
    """Put tables one after another, as Parquet and as text.

    Args:
        path, tsv: of the whole table.
        shards: its parts, in their order, all with the same columns.
    """
    shards = [shards] if isinstance(shards, str) else list(shards)
    schema = pq.read_schema(shards[0])
    with (
        parquet_writer(path, schema) as writer,
        atomic_path(tsv) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as text,
    ):
        text.write(table_text(schema.empty_table().to_pandas()))
        for shard in shards:
            with pq.ParquetFile(shard) as file:
                for rows in file.iter_batches(65_536):
                    text.write(table_text(rows.to_pandas(), DIGITS, header=False))
                    writer.write(pa.Table.from_batches([rows]))
