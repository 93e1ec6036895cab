"""The workflow's own tables as text: written and read in one place, so that what is written is what is read.

A cell that holds a tab, a quote or a line break is quoted as in CSV. BED knows no quotes: there, such letters are
percent-encoded.
"""

import csv
import re
from pathlib import Path
from urllib.parse import quote

import pandas as pd

# Columns of text, in whatever table; all others hold numbers.
TEXT = (
    "alt", "concept", "condition", "consensus", "contig", "estimator", "genome", "group", "haplotype", "index", "kind",
    "label", "latent", "letter", "letters", "matched", "method", "module", "motif", "note", "orientation", "output",
    "positions", "predictor", "probe", "reason", "ref", "relation", "sequence", "sequence_id", "set", "spacing",
    "stage", "strand", "support", "target", "variant_id", "warning",
)  # fmt: skip
_ODD = re.compile(r"[%\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")
_HEADER = re.compile(r"#|track|browser")  # what begins a line of BED that is no record


def table_text(table: pd.DataFrame, digits: int = 6, *, header: bool = True) -> str:
    """Return a table as TSV.

    Args:
        table: its columns are named; missing values become empty cells.
        digits: of floating-point numbers.
        header: whether the names of the columns come first.
    """
    text = table.select_dtypes(exclude="number")
    # a carriage return alone ends no line here, but does where it is read
    returns = any(text[name].astype(str).str.contains("\r", regex=False).any() for name in text)
    return table.to_csv(
        sep="\t",
        index=False,
        header=header,
        float_format=f"%.{digits}g",
        lineterminator="\n",
        quoting=csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL,
    )


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a TSV of this workflow: what `TEXT` names is text, be it `NA`, `1` or `true`; an empty cell is missing."""
    return pd.read_csv(path, sep="\t", dtype=dict.fromkeys(TEXT, str), keep_default_na=False, na_values=[""])


def bed_text(table: pd.DataFrame) -> str:
    """Return a table as BED: no header, no quotes; its texts are those of `bed_name` or plain words."""
    return table.to_csv(sep="\t", index=False, header=False, lineterminator="\n", quoting=csv.QUOTE_NONE)


def bed_name(name: str) -> str:
    """Return a sequence's name as BED can hold it.

    Percent-encoded (as UTF-8) are white space, control characters and the percent sign, and the first character of
    what would make a line a header: `#`, `track` and `browser`. `urllib.parse.unquote` gives the name back.
    """
    encoded = _ODD.sub(lambda odd: quote(odd[0], safe=""), name)
    return f"%{ord(name[0]):02X}{encoded[1:]}" if _HEADER.match(encoded) else encoded
