"""Effects: what a model says of windows with a variant, less what it says of the same windows without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from .mutations import Null, percentiles
from .reading import VARIANT_SCHEMA, Placing, placed

DIGITS = 9  # of numbers in text, so that differences of values stay what they are

EFFECT_SCHEMA = pa.schema(
    [
        *VARIANT_SCHEMA,
        ("output", pa.string()),
        ("ref_value", pa.float64()),
        ("alt_value", pa.float64()),
        ("delta", pa.float64()),
        ("delta_sd", pa.float64()),
        ("percentile", pa.float64()),
        ("null_changes", pa.int64()),
        ("sketch_delta", pa.float64()),
    ]
)


@dataclass(frozen=True)
class EffectAsker:
    """Asks a model about variants.

    Attributes:
        model: the model.
        reference: the genome, or given sequences.
        placing: how windows are cut.
        null: what effects are compared with, if with anything.
    """

    model: Model
    reference: Reference
    placing: Placing
    null: Null = field(default_factory=Null)

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
        by_fold = self.ask_by_fold([window for pair in pairs for window in pair])
        by_fold = by_fold.reshape(len(by_fold), len(pairs), 2, -1)
        values, deltas = by_fold.mean(0), by_fold[:, :, 1] - by_fold[:, :, 0]
        spread = deltas.std(0, ddof=1) if len(deltas) > 1 else np.full(deltas.shape[1:], np.nan)
        delta = values[:, 1] - values[:, 0]
        columns = {"ref_value": values[:, 0], "alt_value": values[:, 1], "delta": delta, "delta_sd": spread}
        columns |= self._compared(pairs, delta)
        outputs = len(self.model.outputs)
        rows = variants.take(np.repeat(np.arange(len(pairs)), outputs))
        added = {"output": pa.array(list(self.model.outputs) * len(pairs))}
        added |= {name: pa.array(column.reshape(-1), from_pandas=True) for name, column in columns.items()}
        return pa.table({**{name: rows[name] for name in VARIANT_SCHEMA.names}, **added}, schema=EFFECT_SCHEMA)

    def _compared(self, pairs: Sequence[tuple[str, str]], delta: np.ndarray) -> dict[str, np.ndarray]:
        """The columns that compare effects with the null and with the sketch; NaN for letters that are ambiguous."""
        template, shape = self.model.template, delta.shape
        nothing = np.full(shape, np.nan)
        columns = {"percentile": nothing.copy(), "null_changes": nothing.copy(), "sketch_delta": nothing.copy()}
        if not self.null or not pairs:
            return columns
        codes = np.array([self._local(texts) for texts in zip(*pairs, strict=True)])  # (2, N, n)
        plain = np.less(codes, template.sizes).all(2)
        rows = np.flatnonzero(plain[0])
        windows, which = np.unique(codes[0, rows], axis=0, return_inverse=True)
        if len(rows):
            null = self.null.deltas(windows, template, lambda local: self.model(template.to_alphabet(local)))
            columns["null_changes"][rows] = null.shape[1]
            for k, row in zip(which.ravel().tolist(), rows.tolist(), strict=True):
                columns["percentile"][row] = percentiles(delta[[row]], null[[k]])[0]
        both = plain.all(0)
        for k, spectrum in enumerate(self.null.spectra):
            change = spectrum.predict_codes(codes[1, both]) - spectrum.predict_codes(codes[0, both])
            columns["sketch_delta"][both, k] = change
        return columns

    def _local(self, texts: Sequence[str]) -> np.ndarray:
        template = self.model.template
        return template.to_local(template.alphabet.encode(template.alphabet.normalise(texts)))

    def _letters(self, row: Mapping[str, Any]) -> tuple[str, str]:
        return self.placing.letters(self.reference, *placed(row))

    def ask(self, windows: Sequence[str]) -> np.ndarray:
        """Return (N, outputs) float64, the mean over the model's folds; see `ask_by_fold`."""
        return self.ask_by_fold(windows).mean(0)

    def ask_by_fold(self, windows: Sequence[str]) -> np.ndarray:
        """Ask the model about windows, each different one once.

        Args:
            windows: N strings as long as the model's input.

        Returns:
            (folds, N, outputs) float64; of a model without folds, one.
        """
        numbers = {window: k for k, window in enumerate(dict.fromkeys(windows))}
        alphabet = self.model.template.alphabet
        answers = self.model.by_fold(alphabet.encode(alphabet.normalise(list(numbers))))
        return answers[:, [numbers[window] for window in windows]]


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
