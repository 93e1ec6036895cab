"""FASTA and FASTQ, record by record, from lines of text."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ..settings.errors import InputError


def fasta_records(lines: Iterable[str], comments: str = "#;") -> Iterator[tuple[str, str]]:
    """Yield name and sequence of each FASTA record; the sequence as it is written, but for line ends.

    Args:
        lines: of the file; the first one that is neither blank nor a comment begins with `>`.
        comments: a line that begins with one of these is skipped.
    """
    header, parts = "", list[str]()
    for line in lines:
        line = line.removeprefix("\ufeff")  # files that were joined have several byte-order marks
        first = line[:1]
        if first == ">":
            if header:
                yield _first_word(header), "".join(parts)
            header, parts = line, []
        elif first not in comments:
            parts.append(line.rstrip())
    if header:
        yield _first_word(header), "".join(parts)


def fastq_records(path: str | Path, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and sequence of each FASTQ record of four lines.

    Args:
        path: the file, for sentences.
        lines: of the file; the first one begins with `@`.

    Raises:
        InputError: a record has not the four lines of FASTQ; the sentence names it.
    """
    rest, number = iter(lines), 0
    while record := [line.rstrip() for line in islice(rest, 4)]:
        number += 1
        header, sequence, plus, quality = [*record, "", "", ""][:4]
        if not any(record) and not any(line.strip() for line in rest):
            return  # blank lines at the end
        problem = ""
        if not header.startswith("@"):
            problem = f"begins with {header[:20]!r} in the place of '@' and a name"
        elif not plus.startswith("+"):
            problem = f"has {plus[:20]!r} as its third line, in the place of '+'; wrapped FASTQ is not read"
        elif len(sequence) != len(quality):
            problem = f"has {len(sequence)} letters and {len(quality)} qualities"
        if problem:
            raise InputError(f"{path} is not a valid FASTQ file: record {number} {problem}.")
        yield _first_word(header), sequence


def _first_word(header: str) -> str:
    words = header[1:].split(None, 1)
    return words[0] if words else ""
