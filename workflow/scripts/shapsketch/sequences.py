"""Sequences that people hand over: FASTA, FASTQ, CSV or TSV, plain or gzipped.

Every record is checked against the template. A mistake is told with file, record and position; what
the settings allow to be dropped is dropped and listed with its reason.
"""

import gzip
import warnings
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from .background import Background, background_from_config
from .errors import InputError
from .template import Template

Choice = Literal["error", "drop"]
AmbiguousChoice = Literal["error", "drop", "resolve"]

PIECE = 16_384  # records held at once


@dataclass(frozen=True)
class Problem:
    """Why one record cannot be used as it stands.

    Attributes:
        kind: `mismatch` (length or letters do not fit the template) or `ambiguous`.
        sentence: what is wrong, without file and record.
        remedy: what would be right.
    """

    kind: Literal["mismatch", "ambiguous"]
    sentence: str
    remedy: str


def read_sequences(path: str | Path, template: Template, **settings: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read and check all sequences of a file at once; see `stream_sequences`."""
    kept, dropped = zip(*stream_sequences(path, template, **settings), strict=True)
    return pd.concat(kept, ignore_index=True), pd.concat(dropped, ignore_index=True)


def stream_sequences(
    path: str | Path,
    template: Template,
    *,
    table_schema: Mapping[str, Any] | None = None,
    ambiguous: AmbiguousChoice = "error",
    mismatch: Choice = "error",
    group: str = "group",
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Read and check the sequences to explain, `PIECE` records at a time.

    Args:
        path: FASTA, FASTQ, CSV or TSV; may be gzipped. Case is folded if the alphabet has no
            lower-case letters. A table has a column `sequence` and may have `id` and `group`.
        template: what the sequences must fit.
        table_schema: JSON schema of one row of a table.
        ambiguous: what to do with IUPAC codes; `resolve` keeps them for exact averaging.
        mismatch: what to do with a wrong length or a letter the template does not allow.
        group: the table's column of group labels.

    Yields:
        The sequences kept (`sequence_id`, `sequence`, `group`; text) and those dropped
        (`record`, `sequence_id`, `reason`).

    Raises:
        InputError: one sentence that names file, record and position. That no name occurs twice is
            known at the end only.
    """
    choice = {"mismatch": mismatch, "ambiguous": ambiguous}
    names, records, kept_records, first_reason = [], 0, 0, ""
    for table in _read_records(Path(path), table_schema, group):
        _check_names(path, table["sequence_id"], records)
        names.append(np.array([hash(name) for name in table["sequence_id"]], np.int64))
        if template.alphabet.folds_case:
            table["sequence"] = table["sequence"].str.upper()
        if template.alphabet.kind in ("DNA", "RNA"):
            other, letter = "UT" if template.alphabet.kind == "DNA" else "TU"
            table["sequence"] = table["sequence"].str.replace(other, letter)
        problems = _find_problems(template, table["sequence"].tolist())
        dropped = []
        for row in sorted(problems):
            problem, record = problems[row], records + row + 1
            name = table["sequence_id"][row]
            if choice[problem.kind] == "error":
                raise InputError(f"{path}: record {record} ({name!r}) {problem.sentence}; {problem.remedy}.")
            if choice[problem.kind] == "drop":
                dropped.append((row, record, name, problem.sentence))
                first_reason = first_reason or problem.sentence
        kept = table.drop(index=[row for row, *_ in dropped]).reset_index(drop=True)
        records += len(table)
        kept_records += len(kept)
        yield kept, pd.DataFrame([d[1:] for d in dropped], columns=["record", "sequence_id", "reason"])
    if not records:
        raise InputError(f"{path} holds no sequences.")
    hashes = np.sort(np.concatenate(names))
    if (hashes[1:] == hashes[:-1]).any():
        _refuse_repeated_name(Path(path), table_schema, group)
    if not kept_records:
        raise InputError(f"{path}: all {records} records were dropped; the first one {first_reason}.")


def configured_background(template: Template, spec: str | Mapping[str, Any], path: str | None) -> Background:
    """Build the background that a config declares, from the sequences it counts, if it counts any.

    Args:
        template: the model's template.
        spec: the config's `background`.
        path: the file of the sequences that `from_sequences` names; those that do not fit are left out.
    """
    sequences = None
    if path:
        table, _ = read_sequences(path, template, mismatch="drop", ambiguous="drop")
        sequences = table["sequence"].tolist()
    return background_from_config(template, spec, sequences)


def _read_records(path: Path, table_schema: Mapping[str, Any] | None, group: str) -> Iterator[pd.DataFrame]:
    """All records as text, unchecked but for their format, in pieces that are not empty."""
    try:
        with open(path, "rb") as handle:
            zipped = handle.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else open(path, "rb") as handle:
            first = handle.read(1)
        if not first:
            return
        if first in b">@;":
            if group != "group":
                kind = "FASTQ" if first == b"@" else "FASTA"
                raise InputError(f"{path} is a {kind} file, which has no column {group!r} of groups.")
            yield from _read_fasta(path, "fastq" if first == b"@" else "fasta")
        else:
            yield from _read_table(path, "gzip" if zipped else None, table_schema or {}, group)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; a file of sequences is needed.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is a damaged gzip file ({error}).") from error
    except UnicodeError as error:
        raise InputError(f"{path} holds characters that are no letters ({error}).") from error


def _read_fasta(path: Path, kind: str) -> Iterator[pd.DataFrame]:
    import dnaio

    try:
        with dnaio.open(path, fileformat=kind) as reader:
            records = iter(reader)
            while piece := list(islice(records, PIECE)):
                names = [r.name.split(maxsplit=1)[0] if r.name.strip() else "" for r in piece]
                sequences = [r.sequence for r in piece]
                yield pd.DataFrame({"sequence_id": names, "sequence": sequences, "group": ""}, dtype=object)
    except (dnaio.FileFormatError, ValueError) as error:
        raise InputError(f"{path} is not a valid {kind.upper()} file: {error}.") from error


def _read_table(path: Path, compression: Any, schema: Mapping[str, Any], group: str) -> Iterator[pd.DataFrame]:
    suffix = path.name.removesuffix(".gz").rsplit(".", 1)[-1].lower()
    if suffix not in {"csv", "tsv", "txt"}:
        raise InputError(
            f"{path} is neither FASTA (starts with '>') nor FASTQ ('@') and its name does not end in .csv or .tsv."
        )
    separator, records = "," if suffix == "csv" else "\t", 0
    for table in _read_pieces(path, suffix.upper(), sep=separator, compression=compression):
        table.columns = table.columns.str.strip()
        check_columns(path, list(table.columns), schema, group)
        if "id" not in table:
            table["id"] = [f"seq{k}" for k in range(records + 1, records + len(table) + 1)]
        if group not in table:
            table[group] = ""
        records += len(table)
        table = table.fillna("").apply(lambda column: column.str.strip())
        table = table.rename(columns={"id": "sequence_id", group: "group"})
        if len(table):
            yield table[["sequence_id", "sequence", "group"]].reset_index(drop=True)


def _read_pieces(path: Path, kind: str, **settings: Any) -> Iterator[pd.DataFrame]:
    """A table's rows as text, `PIECE` at a time; a table of no rows is one empty piece."""
    try:
        with (
            warnings.catch_warnings(),
            pd.read_csv(path, dtype=str, keep_default_na=False, index_col=False, chunksize=PIECE, **settings) as reader,
        ):
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row with more fields than the header
            yield from reader
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning) as error:
        raise InputError(f"{path} is not a valid {kind} table: {' '.join(str(error).split())}.") from error


def check_columns(path: str | Path, columns: list[str], schema: Mapping[str, Any], group: str = "group") -> None:
    """Check a table's column names against the JSON schema of its rows.

    Args:
        path: the table.
        columns: its columns.
        schema: of its rows.
        group: the column of group labels; if it is not `group`, the table must have it.

    Raises:
        InputError: a required column is missing, or a name is not in the schema.
    """
    known = [*schema.get("properties", columns), group]
    for column in columns:
        if column not in known:
            close = get_close_matches(column, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known[:-1])}."
            raise InputError(f"{path} has an unknown column {column!r}{hint}")
    for column in [*schema.get("required", ["sequence"]), *([group] if group != "group" else [])]:
        if column not in columns:
            raise InputError(f"{path} has no column {column!r}; it has {', '.join(columns)}.")


def _check_names(path: str | Path, names: pd.Series, before: int) -> None:
    empty = np.flatnonzero(names == "")
    if empty.size:
        raise InputError(f"{path}: record {before + empty[0] + 1} has no name; give each record one of its own.")


def _refuse_repeated_name(path: Path, table_schema: Mapping[str, Any] | None, group: str) -> None:
    """Find the name that occurs twice; its hash does."""
    first: dict[str, int] = {}
    for table in _read_records(path, table_schema, group):
        for name in table["sequence_id"]:
            record = len(first) + 1
            if name in first:
                raise InputError(
                    f"{path}: records {first[name]} and {record} are both named {name!r}; names must be unique."
                )
            first[name] = record


def _find_problems(template: Template, sequences: list[str]) -> dict[int, Problem]:
    """The first problem of each record that has one, by row; lengths first, then letters."""
    problems = {
        row: Problem("mismatch", f"has {len(s)} letters", f"the template has {template.n}")
        for row, s in enumerate(sequences)
        if len(s) != template.n
    }
    for row, sequence in enumerate(sequences):
        if row not in problems and not sequence.isascii():
            i = next(i for i, c in enumerate(sequence) if not c.isascii())
            problems[row] = _letter_problem(template, i, sequence[i])
    rows = np.array([r for r in range(len(sequences)) if r not in problems], int)
    if not rows.size:
        return problems
    codes = template.alphabet.encode([sequences[r] for r in rows])
    wrong = template.to_local(codes) >= template.sizes
    for k in np.flatnonzero(wrong.any(1)):
        found = [_letter_problem(template, i, sequences[rows[k]][i]) for i in np.flatnonzero(wrong[k]).tolist()]
        problems[int(rows[k])] = next((p for p in found if p.kind == "mismatch"), found[0])
    return problems


def _letter_problem(template: Template, position: int, letter: str) -> Problem:
    alphabet = template.alphabet
    allowed = "".join(a for a, ok in zip(alphabet.letters, template.allowed[position], strict=True) if ok)
    where = f"has {letter!r} at position {position + 1}"
    if set(alphabet.ambiguity.get(letter, "")) & set(allowed):
        return Problem(
            "ambiguous",
            f"{where}, an ambiguous letter",
            f"use one of {allowed}, or set ambiguous to drop or resolve",
        )
    if letter in alphabet.letters or letter in alphabet.ambiguity:
        return Problem("mismatch", where, f"the template allows {allowed} there")
    return Problem("mismatch", where, f"the alphabet is {alphabet.letters}")
