"""What only the model can tell of sequences, as tables: predictions, refined values and their standard errors."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..models import Model
from ..sequences.alphabet import character_codes
from ..spectrum.spectrum import Spectrum
from ..spectrum.tables import errors_schema
from .refine import Refined, Refiner


def error_table(spectrum: Spectrum, number: int, sequences: pa.Table, refined: Refined) -> pa.Table:
    """Tabulate standard errors of refined values, with `errors_schema`; null where nothing was refined.

    Args:
        spectrum: of the output.
        number: of the output.
        sequences: with `sequence_id`.
        refined: the refined values of these sequences.
    """
    errors = refined.errors[number]
    columns = {
        "sequence_id": sequences["sequence_id"],
        "output": pa.repeat(spectrum.output, len(errors)),
        "evaluations": refined.evaluations,
        "correction": pa.array(refined.corrections[number], from_pandas=True),
    }
    columns |= {f"pos_{i + 1}": pa.array(e.astype(np.float32), from_pandas=True) for i, e in enumerate(errors.T)}
    return pa.table(columns, schema=errors_schema(errors.shape[1]))


def predict_plain(model: Model, sequences: Sequence[str]) -> np.ndarray:
    """Evaluate the model on the sequences that it can read; (N, outputs) float64, see `predict_by_fold`."""
    return predict_by_fold(model, sequences).mean(0)


def predict_by_fold(model: Model, sequences: Sequence[str]) -> np.ndarray:
    """Evaluate each fold of the model on the sequences that it can read: those of plain letters, or N if it knows N.

    Batches begin at multiples of the model's batch size, ambiguous sequences included in the count, so values do not
    depend on how a file was divided at such multiples.

    Args:
        model: the model.
        sequences: N strings that fit the template.

    Returns:
        (folds, N, outputs) float64, of a model without folds one; NaN for the other sequences.
    """
    codes = model.template.alphabet.encode(sequences)
    readable = np.less(codes, model.template.alphabet.q)
    if model.reads_unknown:
        text = character_codes(sequences).reshape(codes.shape)
        readable |= text == ord(model.template.alphabet.wildcard)
    plain = readable.all(1)
    values = np.full((max(1, len(model.folds)), len(codes), len(model.outputs)), np.nan)
    for start in range(0, len(codes), model.batch_size):
        rows = start + np.flatnonzero(plain[start : start + model.batch_size])
        values[:, rows] = model.by_fold(codes[rows])
    return values


def refine_plain(refiner: Refiner, sequences: Sequence[str], predictions: np.ndarray) -> Refined:
    """Refine the sequences that have no ambiguous letter; NaN, and no evaluations, for the others.

    Args:
        refiner: the refiner.
        sequences: N strings that fit the template.
        predictions: (N, outputs) float64, from `predict_plain`.
    """
    template, step = refiner.background.template, refiner.model.batch_size
    codes = template.to_local(template.alphabet.encode(sequences))
    plain = np.isfinite(predictions).all(1) & np.less(codes, template.sizes).all(1)
    shape = (len(refiner.spectra), *codes.shape)
    nothing = (np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape[:2], np.nan))
    result = Refined(*nothing, np.zeros(len(codes), np.int64))
    for start in range(0, len(codes), step):
        rows = start + np.flatnonzero(plain[start : start + step])
        part = refiner(codes[rows], predictions[rows])
        result.values[:, rows], result.errors[:, rows] = part.values, part.errors
        result.corrections[:, rows], result.evaluations[rows] = part.corrections, part.evaluations
    return result
