"""Explanations as tables: what the workflow writes for each sequence, from a spectrum."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from .ambiguity import resolve
from .models import Model
from .shapley import Index, interaction_map, strongest
from .spectrum import Spectrum

CHUNK_VALUES = 10_000_000  # dividends held at once, whatever the number of terms


def predict_plain(model: Model, sequences: Sequence[str], first: int) -> np.ndarray:
    """Evaluate the model on the sequences that it can read: those without ambiguous letters, or with N if it knows N.

    Batches end at multiples of the model's batch size counted over all sequences, so values do not
    depend on how the sequences were divided.

    Args:
        model: the model.
        sequences: N strings that fit the template.
        first: the index of the first of them among all sequences.

    Returns:
        (N, outputs) float64; NaN for the other sequences.
    """
    codes = model.template.alphabet.encode(sequences)
    readable = codes < model.template.alphabet.q
    if model.reads_unknown:
        text = np.frombuffer("".join(sequences).encode("latin-1"), np.uint8).reshape(codes.shape)
        readable |= text == ord(model.template.alphabet.wildcard)
    plain = readable.all(1)
    values = np.full((len(codes), len(model.outputs)), np.nan)
    batch = (first + np.arange(len(codes))) // model.batch_size
    for number in np.unique(batch):
        rows = plain & (batch == number)
        values[rows] = model(codes[rows])
    return values


def shapley_table(spectrum: Spectrum, sequences: pd.DataFrame, predictions: np.ndarray) -> pa.Table:
    """Tabulate the Shapley values of sequences.

    Args:
        spectrum: of one output.
        sequences: with the columns `sequence_id` and `sequence`.
        predictions: (N,) float64, the model itself; NaN where it was not asked.

    Returns:
        `sequence_id`, `output`, `prediction`, `reconstruction`, `base_value` (float64) and
        `pos_1` ... `pos_n` (float32), in the model's units.
    """
    codes, terms = resolve(spectrum, sequences["sequence"].tolist())
    values = terms.shapley_values(codes)
    count = len(codes)
    columns = {
        "sequence_id": pa.array(sequences["sequence_id"].tolist(), pa.string()),
        "output": pa.array([spectrum.output] * count, pa.string()),
        "prediction": pa.array(predictions, pa.float64(), from_pandas=True),
        "reconstruction": pa.array(spectrum.intercept + terms.predict(codes)),
        "base_value": pa.array(np.full(count, spectrum.intercept)),
    }
    columns |= {f"pos_{i + 1}": pa.array(values[:, i].astype(np.float32)) for i in range(values.shape[1])}
    return pa.table(columns)


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


def interaction_table(
    spectrum: Spectrum, sequences: pd.DataFrame, indices: Sequence[Index], max_order: int, top_k: int
) -> pa.Table:
    """Tabulate the strongest interactions of each sequence, orders 2 to `max_order`.

    Args:
        spectrum: of one output.
        sequences: with the columns `sequence_id` and `sequence`.
        indices: interaction indices; `SV` has no interactions and is passed over.
        max_order: the top order of the indices.
        top_k: how many rows per sequence and index, by magnitude.

    Returns:
        `INTERACTION_SCHEMA`: positions are 1-based and comma-separated, values in the model's units.
    """
    maps = [interaction_map(spectrum.terms, index, max_order) for index in indices if index != "SV"]
    parts = [INTERACTION_SCHEMA.empty_table()]
    rows = max(1, CHUNK_VALUES // max(1, len(spectrum.terms)))
    for start in range(0, len(sequences), rows):
        chunk = sequences.iloc[start : start + rows]
        codes, terms = resolve(spectrum, chunk["sequence"].tolist())
        dividends = terms.dividends(codes)
        for mapping in maps:
            wanted = np.flatnonzero([len(s) > 1 for s in mapping.supports])
            values = mapping.apply(dividends)[:, wanted]
            columns = strongest(values, top_k)
            row = np.repeat(np.arange(len(chunk)), columns.shape[1])
            column = columns.ravel()
            nonzero = values[row, column] != 0
            row, column = row[nonzero], column[nonzero]
            supports = [mapping.supports[k] for k in wanted[column]]
            text = chunk["sequence"].tolist()
            ids = chunk["sequence_id"].tolist()
            parts.append(
                pa.table(
                    [
                        [ids[r] for r in row],
                        [spectrum.output] * len(row),
                        [mapping.index] * len(row),
                        [len(s) for s in supports],
                        [",".join(str(i + 1) for i in s) for s in supports],
                        ["".join(text[r][i] for i in s) for r, s in zip(row, supports, strict=True)],
                        values[row, column].astype(np.float32),
                    ],
                    schema=INTERACTION_SCHEMA,
                )
            )
    return pa.concat_tables(parts)
