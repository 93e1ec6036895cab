"""Headers of tables that people hand over: what separates their columns, and which of these are there.

Snakemake's own process asks for them while it reads the rules, so nothing heavy is imported here, but PyArrow for
a Parquet file.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from ..settings.errors import InputError
from .opening import is_parquet, open_text, told

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

_EXCEL_SEPARATOR = re.compile(r'"?sep=.?"?\s*', re.IGNORECASE)


def has_column(path: str | Path, name: str) -> bool:
    """Whether a file of sequences is a table with a column of this name, as they are read; FASTA and FASTQ have none.

    Raises:
        InputError: the file cannot be read, or has two such columns.
    """
    if is_parquet(path):
        header = _parquet_header(path)
    else:
        with open_text(path) as handle:
            first = next((line for line in handle if not is_comment(line)), "")
        header = [] if first.startswith((">", "@")) else split_line(first, find_separator(path, first))
    return bool(match_columns(path, header, [f"{name}?"], others=True))


def is_comment(line: str, marks: str = "#;") -> bool:
    """Whether a line before the first record says nothing: it is blank, Excel's `sep=;`, or begins with a mark."""
    return line.isspace() or line.startswith(tuple(marks)) or bool(_EXCEL_SEPARATOR.fullmatch(line))


def find_separator(path: str | Path, header: str) -> str:
    """Return what separates the columns of a header: what gives it the column `sequence`.

    Raises:
        InputError: several separators do.
    """
    fitting = [s for s in SEPARATORS if "sequence" in [name.lower() for name in split_line(header, s)] and s in header]
    if len(fitting) > 1:
        words = " as well as by ".join(SEPARATORS[s] for s in fitting)
        raise InputError(f"{path} has a header that can be split by {words}; use one of them only.")
    return fitting[0] if fitting else max(SEPARATORS, key=header.count)


def match_columns(path: str | Path, header: Sequence[str], columns: Sequence[str], others: bool) -> dict[str, int]:
    """Find columns in a header: under their very names, or else whatever their case.

    Args:
        path: the file, for sentences.
        header: its columns.
        columns, others: as for `read_rows`.

    Returns:
        The place of each column that is there.

    Raises:
        InputError: a column is missing or there twice, or is another one where there may be none.
    """
    places = {}
    for column in columns:
        name = column.rstrip("?")
        matches = [k for k, other in enumerate(header) if other == name]
        matches = matches or [k for k, other in enumerate(header) if other.lower() == name.lower()]
        if len(matches) > 1:
            names = " and ".join(f"{header[k]!r} (column {k + 1})" for k in matches[:2])
            raise InputError(f"{path} has two columns for {name!r}: {names}; rename one.")
        if matches:
            places[name] = matches[0]
    known = [column.rstrip("?") for column in columns]
    unknown = [name for k, name in enumerate(header) if name and k not in places.values()]
    for name in unknown if not others else ():
        close = get_close_matches(name.lower(), [n for n in known if n not in places], 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}."
        raise InputError(f"{path} has an unknown column {name!r}; {hint}")
    missing = [column for column in columns if column not in places and not column.endswith("?")]
    if missing:
        close = get_close_matches(missing[0].lower(), [name.lower() for name in unknown], 1)
        hint = f" (is {close[0]!r} meant?)" if close else ""
        if len(header) == 1 and re.search(r"sequence\W|\Wsequence", header[0].lower()):
            hint = " (separate columns by commas, semicolons or tabs)"
        raise InputError(f"{path} has no column {missing[0]!r}; it has {', '.join(header)}{hint}.")
    return places


def split_line(line: str, separator: str) -> list[str]:
    """Return the cells of one line; of one that quotes badly, itself."""
    try:
        return [cell.strip() for cell in next(csv.reader([line.rstrip("\n")], delimiter=separator, strict=True), [""])]
    except csv.Error:
        return [line.strip()]


def column_names(names: Iterable[str]) -> list[str]:
    """Return the names of a Parquet file's columns, without blanks around them; an index that pandas wrote has none."""
    return [re.sub("^__index_level_[0-9]+__$", "", name.strip()) for name in names]


def _parquet_header(path: str | Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with told(path):
            return column_names(pq.read_schema(path).names)
    except pa.ArrowException as error:
        raise InputError(f"{path} is a damaged Parquet file ({' '.join(str(error).split())}).") from error
