"""Tables of variants: by contig, position, REF and ALT; by names of protein variants; and those of ProteinGym."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..settings.errors import InputError
from ..storage.delimited import name_in, read_rows, read_text, to_numbers, to_words
from ..storage.headers import is_comment
from ..storage.opening import is_parquet, open_text
from .hgvs import UnreadableError, parse_protein
from .variant import Change, Dropped, Variant, left_out

PIECE = 4096  # rows held at once

# The names under which a column is found, the first of them that is there.
NAMES = {
    "contig": ("contig", "chrom", "#chrom", "chr", "chromosome"),
    "position": ("position", "pos"),
    "ref": ("ref", "reference"),
    "alt": ("alt", "alternative"),
    "protein": ("mutant", "hgvs_pro", "hgvs", "variant"),
    "id": ("id", "variant_id", "name"),
    "strand": ("strand",),
    "haplotype": ("haplotype",),
    "mutated": ("mutated_sequence",),
}
_DNA = re.compile("[ACGTUNacgtun]+")


@dataclass(frozen=True)
class Columns:
    """Which further columns of a table are read.

    Attributes:
        label: the column of classes; empty: none.
        score: the column of measured values; empty: none.
    """

    label: str = ""
    score: str = ""


def read_pieces(path: str | Path, columns: Columns) -> Iterator[pd.DataFrame]:
    """Read a table of variants piece by piece, its columns under the names of `NAMES`, `label` and `score`.

    Raises:
        InputError: the file is no table, or lacks a column that the config names.
    """
    wanted = [f"{name}?" for names in NAMES.values() for name in names]
    wanted += [name for name in (columns.label, columns.score) if name and f"{name}?" not in wanted]
    for table in read_columns(path, wanted):
        yield _named(table, columns)


def read_columns(path: str | Path, wanted: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Read columns of a table of variants piece by piece; its header may begin with `#chrom`.

    Args:
        path: CSV, TSV or Parquet.
        wanted: see `read_rows`.

    Raises:
        InputError: the file is no table, or lacks a column.
    """
    if is_parquet(path):
        yield from read_rows(path, wanted, PIECE)
        return
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if re.match(r"#chrom\b", line, re.IGNORECASE) or not is_comment(line, "#"):
                yield from read_text(path, line, handle, wanted, PIECE, True, number)
                return


def _named(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    columns_of = {key: next((name for name in names if name in table), None) for key, names in NAMES.items()}
    columns_of |= {"label": columns.label or None, "score": columns.score or None}
    return pd.DataFrame({key: table[name] for key, name in columns_of.items() if name}, index=table.index)


def wild_type(path: str | Path, first: int = 1) -> str:
    """Infer the unchanged sequence of a ProteinGym table from its first row: its mutations, undone.

    Args:
        path: CSV, TSV or Parquet.
        first: the number of the sequence's first letter.

    Raises:
        InputError: the table has no such columns, or the row cannot be undone.
    """
    rows = next((piece for piece in read_pieces(path, Columns()) if len(piece)), None)
    if rows is None:
        raise InputError(f"{path} holds no variants.")
    if "protein" not in rows or "mutated" not in rows:
        raise InputError(
            f"{path} does not say which sequence its variants change: give the config's key `sequence` (or `genome`), "
            "or a table with the columns mutant and mutated_sequence."
        )
    text, mutant = str(rows["mutated"].iloc[0]).upper(), str(rows["protein"].iloc[0])
    letters = list(text)
    for part in mutant.split(":"):
        change = re.fullmatch(r"([A-Z])([0-9]+)([A-Z])", part.strip())
        place = int(change[2]) - first if change else -1
        if not change or not 0 <= place < len(letters) or letters[place] != change[3]:
            raise InputError(
                f"{path}: row {rows.index[0]} names {mutant!r}, which its mutated_sequence does not show; give the "
                "unchanged sequence as the config's key `sequence`."
            )
        letters[place] = change[1]
    return "".join(letters)


def read_variants(
    path: str | Path, columns: Columns, protein: tuple[str, str] | None, first: int
) -> Iterator[Variant | Dropped]:
    """Yield the variants of a table, or why a row is none.

    Args:
        path: CSV, TSV or Parquet.
        columns: what else is read.
        protein: the name and the letters of the sequence that names of protein variants change; None: a genome.
        first: the number of that sequence's first letter.

    Raises:
        InputError: a column is missing, or a number is none.
    """
    for table in read_pieces(path, columns):
        by_name = "protein" in table and protein is not None
        missing = [name for name in ("contig", "position", "ref", "alt") if name not in table]
        if not by_name and missing:
            raise InputError(
                f"{path} has no column {missing[0]!r}; variants need contig, position, ref and alt, or, on a given "
                "sequence, mutant or hgvs."
            )
        scores = to_numbers(path, table["score"]) if "score" in table else np.full(len(table), np.nan)
        texts = {key: to_words(table[key]) for key in table.columns if key != "score"}
        for record, score, *cells in zip(table.index.tolist(), scores.tolist(), *texts.values(), strict=True):
            row = dict(zip(texts, cells, strict=True))
            if by_name and protein:
                yield from _protein(row, record, protein, first, score)
            else:
                yield from _genomic(path, row, record, score)


def _protein(
    row: dict[str, str], record: int, protein: tuple[str, str], first: int, score: float
) -> Iterator[Variant | Dropped]:
    name, contig = row["protein"], protein[0]
    if not name:
        yield Dropped(record, row.get("id", ""), contig, "", "", "", "", "the row names no variant")
        return
    try:
        changes = parse_protein(name, protein[1], first)
    except UnreadableError as error:
        yield Dropped(record, row.get("id", name), contig, "", "", name, "", str(error))
        return
    if not changes:
        yield Dropped(record, row.get("id", name), contig, "", "", name, "", "nothing changes")
        return
    row = row | {"strand": ""}  # a gene's: proteins have none
    yield _variant(row, record, 1, row.get("id", name), contig, changes, score)


def _genomic(path: str | Path, row: dict[str, str], record: int, score: float) -> Iterator[Variant | Dropped]:
    contig, position, ref = row["contig"], row["position"], row["ref"]
    if not (position.isascii() and position.isdigit()):
        raise InputError(f"{path}: row {record} has {position!r} as its position; a whole number, from 1, is needed.")
    for allele, alt in enumerate(row["alt"].split(","), 1):
        name = row.get("id") or f"{contig}:{position}:{ref}>{alt}"
        change = Change(int(position) - 1, ref.upper(), alt.upper())
        variant = _variant(row, record, allele, name, contig, (change,), score)
        if not (_DNA.fullmatch(ref) and _DNA.fullmatch(alt)):
            wrong = "REF" if not _DNA.fullmatch(ref) else "ALT"
            yield left_out(variant, f"{wrong} is {ref if wrong == 'REF' else alt!r}, which is not letters of DNA")
        elif ref.upper() == alt.upper():
            yield left_out(variant, "ALT is the same as REF")
        else:
            yield variant


def _variant(
    row: dict[str, str], record: int, allele: int, name: str, contig: str, changes: tuple[Change, ...], score: float
) -> Variant:
    return Variant(
        record,
        allele,
        name,
        contig,
        changes,
        strand=row.get("strand", ""),
        label=name_in(row.get("label", "")),
        score=score,
        haplotype=name_in(row.get("haplotype", "")),
        mutated=row.get("mutated", ""),
    )
