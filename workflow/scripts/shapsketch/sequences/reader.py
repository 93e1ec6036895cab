"""Sequences that people hand over: FASTA, FASTQ, CSV, TSV or Parquet, plain or packed.

Every record is checked against the template. A mistake is told with file, record and position; what
the settings allow to be dropped is dropped and listed with its reason.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..settings.backgrounds import draws_whole_sequences
from ..settings.errors import InputError
from ..storage.delimited import read_rows, read_text
from ..storage.headers import SEPARATORS, is_comment
from ..storage.opening import is_parquet, open_text
from .background import Background, background_from_config
from .fasta import fasta_records, fastq_records
from .template import Template

Choice = Literal["error", "drop"]
AmbiguousChoice = Literal["error", "drop", "resolve"]

PIECE = 16_384  # records held at once

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")  # tabs and line breaks are written so that they come back


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
        path: FASTA, FASTQ, CSV, TSV or Parquet; may be packed by gzip, bzip2, xz or zstd. Letters are read as
            `Alphabet.normalise` writes them. A table has a column `sequence` and may have `id` and `group`; a
            record without `id` is named after its row.
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
    for table in _read_records(Path(path), template, table_schema, group):
        _check_names(path, table["sequence_id"])
        names.append(np.array([hash(name) for name in table["sequence_id"]], np.int64))
        table["sequence"] = template.alphabet.normalise(table["sequence"].tolist())
        problems = find_problems(template, table["sequence"].tolist())
        dropped = []
        for row in sorted(problems):
            problem, record, name = problems[row], table.index[row], table["sequence_id"].iloc[row]
            if choice[problem.kind] == "error":
                kind = table.index.name
                raise InputError(f"{path}: {kind} {record} ({name!r}) {problem.sentence}; {problem.remedy}.")
            if choice[problem.kind] == "drop":
                dropped.append((record, name, problem.sentence))
                first_reason = first_reason or problem.sentence
        kept = table.drop(index=[record for record, *_ in dropped]).reset_index(drop=True)
        records += len(table)
        kept_records += len(kept)
        yield kept, pd.DataFrame(dropped, columns=["record", "sequence_id", "reason"])
    if not records:
        raise InputError(f"{path} holds no sequences.")
    hashes = np.sort(np.concatenate(names))
    if (hashes[1:] == hashes[:-1]).any():
        _refuse_repeated_name(Path(path), _read_records(Path(path), template, table_schema, group))
    if not kept_records:
        raise InputError(f"{path}: all {records} records were dropped; the first one {first_reason}.")


def configured_background(
    template: Template,
    spec: str | Mapping[str, Any],
    path: str | None,
    note: Callable[[str], object] = lambda sentence: None,
) -> Background:
    """Build the background that a config declares, from the sequences it counts, if it counts any.

    Args:
        template: the model's template.
        spec: the config's `background`.
        path: the file of the sequences that `from_sequences` names; those that do not fit are left out.
        note: called with a sentence that says so.
    """
    sequences = None
    if path:
        table, dropped = read_sequences(path, template, mismatch="drop", ambiguous="drop")
        sequences = table["sequence"].tolist()
        if len(dropped):
            first = dropped.iloc[0]
            note(
                f"the background counts {len(table)} of the {len(table) + len(dropped)} sequences of {path}: the "
                f"others do not fit the template, the first of them ({first['sequence_id']!r}) {first['reason']}"
            )
    return background_from_config(template, spec, sequences)


def query_background(
    template: Template,
    spec: str | Mapping[str, Any],
    path: str | None,
    note: Callable[[str], object] = lambda sentence: None,
) -> Background:
    """Build the background that a model is asked about where it is not explained: how fast it is, whether it is steady.

    Of whole sequences, which only masks draw, any letters will do: then it is uniform. Arguments are those of
    `configured_background`.
    """
    if draws_whole_sequences(spec):
        return Background.uniform(template)
    return configured_background(template, spec, path, note)


def stream_records(path: str | Path, template: Template) -> Iterator[pd.DataFrame]:
    """Yield all records of a file, `sequence_id` and `sequence` as they are written; the index numbers them from 1.

    Args:
        path: as `stream_sequences` takes it.
        template: whose alphabet says what is a comment.
    """
    return _read_records(Path(path), template, None, "group")


def _read_records(
    path: Path, template: Template, table_schema: Mapping[str, Any] | None, group: str
) -> Iterator[pd.DataFrame]:
    """All records as text, unchecked but for their format, in pieces; the index numbers `record` or `row` from 1."""
    columns, others = _columns(table_schema, group), table_schema is None
    if is_parquet(path):
        for table in read_rows(path, columns, PIECE, others):
            yield _as_records(table, group)
        return
    comments = "".join(mark for mark in "#;" if mark not in template.alphabet.letters)
    with open_text(path) as handle:
        number, line = next(((k, line) for k, line in enumerate(handle, 1) if not is_comment(line, comments)), (0, ""))
        if not number:
            return
        if line[0] in ">@" and group != "group":
            kind = "FASTQ" if line[0] == "@" else "FASTA"
            raise InputError(f"{path} is a {kind} file, which has no column {group!r} of groups.")
        if line[0] == ">":
            yield from _in_pieces(fasta_records(chain([line], handle), comments))
        elif line[0] == "@":
            yield from _in_pieces(fastq_records(path, chain([line], handle)))
        else:
            _refuse_no_table(path, line)
            for table in read_text(path, line, handle, columns, PIECE, others, number):
                yield _as_records(table, group)


def _columns(schema: Mapping[str, Any] | None, group: str) -> list[str]:
    """The columns of a table of sequences; those that may be missing are followed by `?`."""
    known = list((schema or {}).get("properties", ["id", "sequence", "group"]))
    required = {"sequence", *(schema or {}).get("required", []), *([group] if group != "group" else [])}
    return [name if name in required else f"{name}?" for name in dict.fromkeys([*known, group])]


def _refuse_no_table(path: Path, header: str) -> None:
    """Refuse text that has neither the first line of a table nor a name that promises one."""
    single = not any(separator in header for separator in SEPARATORS)
    if single and header.strip().lower() != "sequence" and not re.search(r"[.](csv|tsv)\b", path.name.lower()):
        raise InputError(
            f"{path} is neither FASTA (a line begins with '>') nor FASTQ ('@') nor a table with a column 'sequence'; "
            f"its first line is {header.strip()[:40]!r}."
        )


def _as_records(table: pd.DataFrame, group: str) -> pd.DataFrame:
    names = _as_text(table["id"]) if "id" in table else [f"seq{row}" for row in table.index]
    groups = _as_text(table[group]) if group in table else ""
    columns = {"sequence_id": names, "sequence": table["sequence"], "group": groups}
    return pd.DataFrame(columns, index=table.index, dtype=object)


def _as_text(column: pd.Series) -> pd.Series:
    return column if column.dtype == object else column.map(str)


def _in_pieces(records: Iterator[tuple[str, str]]) -> Iterator[pd.DataFrame]:
    number = 0
    while piece := list(islice(records, PIECE)):
        names, sequences = zip(*piece, strict=True)
        index = pd.RangeIndex(number + 1, number + len(piece) + 1, name="record")
        yield pd.DataFrame({"sequence_id": names, "sequence": sequences, "group": ""}, index=index, dtype=object)
        number += len(piece)


def _check_names(path: str | Path, names: pd.Series) -> None:
    kind, texts = names.index.name, names.tolist()
    if "" in texts:
        record = names.index[texts.index("")]
        raise InputError(f"{path}: {kind} {record} has no name; give each {kind} one of its own.")
    if _CONTROL.search(" ".join(texts)):
        record, name = next((r, t) for r, t in zip(names.index, texts, strict=True) if _CONTROL.search(t))
        raise InputError(f"{path}: {kind} {record} is named {name!r}, with a control character; take it out.")


def _refuse_repeated_name(path: Path, pieces: Iterable[pd.DataFrame]) -> None:
    """Find the name that occurs twice; its hash does."""
    first: dict[str, int] = {}
    for table in pieces:
        for record, name in zip(table.index, table["sequence_id"], strict=True):
            if name in first:
                kind = table.index.name
                raise InputError(
                    f"{path}: {kind}s {first[name]} and {record} are both named {name!r}; names must be unique."
                )
            first[name] = record


def find_problems(template: Template, sequences: list[str]) -> dict[int, Problem]:
    """The first problem of each record that has one, by row; lengths first, then letters."""
    n = template.n
    problems = {
        row: Problem("mismatch", f"has {len(s)} letters", f"the template has {n}")
        for row, s in enumerate(sequences)
        if len(s) != n
    }
    rows = np.array([r for r in range(len(sequences)) if r not in problems], int)
    if not rows.size:
        return problems
    codes = template.alphabet.encode([sequences[r] for r in rows])
    wrong = template.to_local(codes) >= template.sizes
    for k in np.flatnonzero(wrong.any(1)):
        letter_problems = [
            _letter_problem(template, i, sequences[rows[k]][i]) for i in np.flatnonzero(wrong[k]).tolist()
        ]
        problems[int(rows[k])] = next((p for p in letter_problems if p.kind == "mismatch"), letter_problems[0])
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
