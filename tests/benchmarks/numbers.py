"""Numbers in the prose of pages, and lines of a terminal, each of cells of `tests/benchmarks/results/*.tsv`.

A number stands between two comments, which no reader of the page sees:

    R² of <!-- long_inputs.r2_sized case=network method=auto .2f -->0.99<!-- --> at masks of every size

The first names a file and a column, the rows by other columns, and how a number is written: by Python's rules, or
`small` (two significant digits). Of several rows the numbers are listed, or `min`, `max`, `mean` or `count` is taken,
which stands before the format. A block of code below a line `<!-- lines: FILE -->` holds the column `line` of a file.
`benchmarks.tables` writes all of this anew with the tables.
"""

import re
import shlex
from collections.abc import Callable

import pandas as pd

from benchmarks.result_files import FOLDER, read_results
from benchmarks.table_cells import small

MARK = re.compile(r"<!-- ((\w+)\.(\w+) [^>]*?) -->([^<]*)<!-- -->")
LINES = re.compile(r"<!-- lines: (\w+) -->\n+```\n(?:.*\n)*?```\n")
REDUCTIONS: dict[str, Callable[[pd.Series], object]] = {
    "min": pd.Series.min,
    "max": pd.Series.max,
    "mean": pd.Series.mean,
    "count": pd.Series.count,
}


def written(claim: str) -> str:
    """Return what a comment promises, as text.

    Args:
        claim: `FILE.COLUMN [COLUMN=VALUE ...] [REDUCTION] FORMAT`.

    Raises:
        LookupError: there is no such file, column or row, or a row has no number there.
    """
    place, *words = shlex.split(claim)
    stem, column = place.split(".")
    rows = read_results(FOLDER / f"{stem}.tsv")
    *words, how = words
    reduction = words.pop() if words and words[-1] in REDUCTIONS else None
    for word in words:
        name, value = word.split("=", 1)
        rows = rows[[_is(cell, value) for cell in rows[name]]] if name in rows else rows[:0]
    if column not in rows or rows.empty or rows[column].isna().any():
        raise LookupError(f"no number for {claim}")
    numbers = [REDUCTIONS[reduction](rows[column])] if reduction else rows[column].tolist()
    return ", ".join(_shown(number, how) for number in numbers)


def _is(cell: object, value: str) -> bool:
    """Whether a cell has a value that is written as text."""
    return cell == float(value) if isinstance(cell, (int, float)) else cell == value


def _shown(number: object, how: str) -> str:
    text = small(float(str(number))) if how == "small" else format(number, how)
    return text.replace("%", " %")


def filled(page: str) -> str:
    """Return a page's text with every marked number and every marked block of lines made anew."""
    page = MARK.sub(lambda match: f"<!-- {match[1]} -->{written(match[1])}<!-- -->", page)
    return LINES.sub(lambda match: f"<!-- lines: {match[1]} -->\n\n```\n{_lines(match[1])}\n```\n", page)


def _lines(stem: str) -> str:
    return "\n".join(read_results(FOLDER / f"{stem}.tsv")["line"])
