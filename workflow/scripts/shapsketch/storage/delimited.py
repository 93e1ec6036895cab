"""Tables that people hand over: rows of text with real row numbers, and numbers read strictly.

Delimited text is separated by commas, semicolons or tabs, whichever gives the header the column `sequence`. No
type is guessed: `NA` may be two amino acids, `0000` four letters. Parquet files keep the types they declare.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np
import pandas as pd

from ..settings.errors import InputError
from .headers import column_names, find_separator, is_comment, match_columns, split_line
from .opening import is_parquet, open_text, told

if TYPE_CHECKING:
    import pyarrow as pa

MISSING_WORDS = {"", "NA", "N/A", "#N/A", "NAN", "NULL", "NONE"}  # whatever their case

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INFINITE = r"[+-]?(?:inf|infinity)"
_DECIMAL_COMMA = r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?"
_THOUSANDS = r"[+-]?[1-9][0-9]{0,2},[0-9]{3}"  # or a decimal comma


def read_rows(path: str | Path, columns: Sequence[str], size: int, others: bool = True) -> Iterator[pd.DataFrame]:
    """Read columns of a table that lies in a file, `size` rows at a time.

    Args:
        path: CSV, TSV or Parquet.
        columns: the columns that are needed; a name followed by `?` may be missing.
        size: rows of a piece.
        others: whether there may be other columns.

    Yields:
        The columns found, by the names asked for; the index `row` counts all rows below the header from 1.
        Entirely empty rows are left out. Of delimited text all cells are text without blanks around them.

    Raises:
        InputError: the file, its header or a row is not as it should be.
    """
    if is_parquet(path):
        yield from _read_parquet(path, columns, size, others)
        return
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not is_comment(line, "#"):
                yield from read_text(path, line, handle, columns, size, others, number)
                return


def read_text(
    path: str | Path, first: str, rest: TextIO, columns: Sequence[str], size: int, others: bool, line: int
) -> Iterator[pd.DataFrame]:
    """Read delimited text of which the first line is the header; see `read_rows`.

    Args:
        path: the file, for sentences.
        first, rest: the header, and the text that follows it.
        columns, size, others: as for `read_rows`.
        line: the header's number in the file.
    """
    separator = find_separator(path, first)
    header = split_line(first, separator)
    places = match_columns(path, header, columns, others)
    csv.field_size_limit(1 << 30)  # a sequence may be long
    rows, number = csv.reader(rest, delimiter=separator, strict=True), 0
    while piece := _next_rows(path, rows, size, line):
        cells = list(zip_longest(*piece, fillvalue=""))
        cells += [("",) * len(piece)] * (len(header) - len(cells))
        _refuse_surplus(path, header, cells, number, others)
        cells_by_name = {name: [cell.strip() for cell in cells[k]] for name, k in places.items()}
        table = pd.DataFrame(
            cells_by_name, pd.RangeIndex(number + 1, number + len(piece) + 1, name="row"), dtype=object
        )
        number += len(piece)
        if "" in cells_by_name.get("sequence", [""]):
            table = table[[any(cell and not cell.isspace() for cell in row) for row in piece]]
        yield table


def to_numbers(path: str | Path, column: pd.Series) -> np.ndarray:
    """Read a column's numbers: (R,) float64, NaN where there is none, and infinities where they are written.

    Args:
        path: the file, for sentences.
        column: text or numbers, by row; its name is the column's.

    Raises:
        InputError: a cell is neither a number nor empty; the sentence names its row.
    """
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan)
    text = column.fillna("").astype(str).str.strip()
    missing = text.str.upper().isin(MISSING_WORDS)
    number = text.str.fullmatch(_NUMBER)
    infinite = text.str.fullmatch(_INFINITE, flags=re.IGNORECASE)
    bad = np.flatnonzero(~(missing | number | infinite))
    if bad.size:
        word = text.iloc[bad[0]]
        hint = "a number is needed"
        if re.fullmatch(_DECIMAL_COMMA, word):
            hint = f"write its decimal comma as a point, {word.replace(',', '.')}"
        if re.fullmatch(_THOUSANDS, word):
            hint = (
                f"write {word.replace(',', '')} if its comma parts thousands, {word.replace(',', '.')} if it is decimal"
            )
        raise InputError(f"{path}: row {column.index[bad[0]]} has {word!r} in column {column.name!r}; {hint}.")
    return text.mask(missing, "nan").to_numpy(object).astype(np.float64)


def to_words(column: pd.Series) -> list[str]:
    """Read a column's text, by row: numbers that are whole without a point (1, not 1.0), nothing where there is none.

    Args:
        column: text or numbers.
    """
    if not pd.api.types.is_float_dtype(column):
        return column.fillna("").astype(str).str.strip().tolist()
    pairs = zip(column.tolist(), column.astype(str), strict=True)
    return ["" if np.isnan(x) else str(int(x)) if x.is_integer() else text for x, text in pairs]


def name_in(word: str) -> str:
    """Return a word that names something; nothing for one that says that there is no name, or a VCF's point."""
    return "" if word.upper() in MISSING_WORDS | {"."} else word


def _next_rows(path: str | Path, rows: Iterator[list[str]], size: int, before: int) -> list[list[str]]:
    try:
        return list(islice(rows, size))
    except csv.Error as error:
        line = before + rows.line_num  # type: ignore[attr-defined]
        raise InputError(
            f"{path}: line {line} cannot be split into columns ({error}); check its quotation marks."
        ) from error


def _refuse_surplus(
    path: str | Path, header: list[str], cells: list[tuple[str, ...]], before: int, others: bool
) -> None:
    """Refuse cells that belong to no column, or to one without a name where every column must be known."""
    for k, column in enumerate(cells):
        if k < len(header) and (header[k] or others):
            continue
        row = next((row for row, cell in enumerate(column, before + 1) if cell.strip()), 0)
        if row and k >= len(header):
            count = max(j + 1 for j, other in enumerate(cells) if other[row - before - 1].strip())
            raise InputError(f"{path}: row {row} has {count} cells, but the header has {len(header)}.")
        if row:
            raise InputError(
                f"{path}: row {row} has {column[row - before - 1]!r} in column {k + 1}, which has no name."
            )


def _read_parquet(path: str | Path, columns: Sequence[str], size: int, others: bool) -> Iterator[pd.DataFrame]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with told(path), pq.ParquetFile(path) as file:
            places = match_columns(path, column_names(file.schema_arrow.names), columns, others)
            number = 0
            for batch in file.iter_batches(size):
                table = pd.DataFrame({name: _plain(path, name, batch.column(k)) for name, k in places.items()})
                table.index = pd.RangeIndex(number + 1, number + batch.num_rows + 1, name="row")
                number += batch.num_rows
                yield table[~(table.isna() | (table == "")).all(axis=1)]
    except pa.ArrowException as error:
        raise InputError(f"{path} is a damaged Parquet file ({' '.join(str(error).split())}).") from error


def _plain(path: str | Path, name: str, column: "pa.Array") -> pd.Series:
    """A Parquet column as text, or as numbers where it holds fractions."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if name == "sequence" and not text:
        lost = ", which has lost leading zeros" if pa.types.is_integer(kind) else ""
        raise InputError(f"{path} has a column 'sequence' of type {kind}{lost}; text is needed.")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise InputError(f"{path} has a column {name!r} of type {kind}; text or numbers are needed.")
    if pa.types.is_floating(kind):
        return column.to_pandas()
    return column.cast(pa.string()).fill_null("").to_pandas().astype(object).str.strip()
