"""Tables of sequences and values: a sketch without a model.

Source keys: `path`, a CSV, TSV or Parquet table with a column `sequence` and one column of numbers for
each output. Rows with an empty value are left out.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError
from ..template import Template
from . import Predictor


def read_table(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read a table's rows in file order.

    Returns:
        (R, n) uint8 alphabet codes and (R, outputs) float64 values.

    Raises:
        InputError: the file, a column, a sequence or a value is not as it should be.
    """
    path = Path(source["path"])
    table = _open(path)
    for column in ("sequence", *outputs):
        if column not in table:
            raise InputError(f"{path} has no column {column!r}; it has {', '.join(map(str, table.columns))}.")
    values = {}
    for output in outputs:
        numbers = pd.to_numeric(table[output], errors="coerce")
        words = np.flatnonzero(numbers.isna() & table[output].notna() & (table[output].astype(str) != ""))
        if words.size:
            raise InputError(
                f"{path}: row {words[0] + 1} has {table[output].iloc[words[0]]!r} in column {output!r}; "
                "a number is needed."
            )
        values[output] = numbers.to_numpy(np.float64)
    matrix = np.column_stack(list(values.values()))
    kept = np.flatnonzero(np.isfinite(matrix).all(1))
    if not kept.size:
        raise InputError(f"{path} has no row with a value in each of {', '.join(outputs)}.")
    sequences = table["sequence"].astype(str).str.strip()
    if template.alphabet.folds_case:
        sequences = sequences.str.upper()
    sequences = sequences.iloc[kept]
    short = np.flatnonzero(sequences.str.len() != template.n)
    if short.size:
        row = kept[short[0]] + 1
        raise InputError(
            f"{path}: row {row} has a sequence of {len(sequences.iloc[short[0]])} letters; "
            f"the template has {template.n}."
        )
    codes = template.alphabet.encode(sequences.tolist())
    wrong = np.argwhere(template.to_local(codes) >= template.sizes)
    if len(wrong):
        k, i = wrong[0]
        raise InputError(
            f"{path}: row {kept[k] + 1} has {sequences.iloc[k][i]!r} at position {i + 1}, "
            "which the template does not allow."
        )
    twice = np.flatnonzero(sequences.duplicated())
    if twice.size:
        raise InputError(f"{path}: row {kept[twice[0]] + 1} repeats the sequence {sequences.iloc[twice[0]]}.")
    return codes, matrix[kept]


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return a predictor that looks sequences up; one that the table lacks is an error."""
    codes, values = read_table(source, template, outputs)
    rows = {key.tobytes(): k for k, key in enumerate(codes)}

    def predict(queries: np.ndarray) -> np.ndarray:
        try:
            return values[[rows[np.ascontiguousarray(query).tobytes()] for query in queries]]
        except KeyError:
            raise LookupError("a sequence is not in the table") from None

    return predict


def _open(path: Path) -> pd.DataFrame:
    suffix = path.name.removesuffix(".gz").rsplit(".", 1)[-1].lower()
    try:
        if suffix in {"parquet", "pq"}:
            return pd.read_parquet(path)
        if suffix in {"csv", "tsv", "txt"}:
            return pd.read_csv(path, sep="," if suffix == "csv" else "\t")
    except FileNotFoundError:
        raise InputError(f"The table {path} does not exist.") from None
    except Exception as error:
        raise InputError(f"The table {path} cannot be read: {' '.join(str(error).split())}.") from error
    raise InputError(f"The table {path} is not of a known kind; its name must end in .csv, .tsv or .parquet.")
