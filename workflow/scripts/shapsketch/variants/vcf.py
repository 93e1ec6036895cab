"""VCF, line by line: alleles with what is known of them, phased genotypes, and the same lines with effects added.

Written by hand because files are as they are (without a header, or with INFO that no header declares), and every line
that is left out must be listed: a library refuses the whole file or passes over the line. VCF 4.3, 1.4 to 1.6.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..settings.errors import InputError
from ..storage.delimited import name_in
from .variant import Change, Dropped, Variant, left_out

COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_LETTERS = re.compile("[ACGTUNRYSWKMBDHVacgtunryswkmbdhv]+")


@dataclass(frozen=True)
class Line:
    """A line of a VCF below its header.

    Attributes:
        number: in the file, from 1.
        cells: its columns, five at least.
    """

    number: int
    cells: list[str] = field(repr=False)

    @property
    def alternatives(self) -> list[str]:
        """The alleles in the column ALT; `.` is one that is none."""
        return self.cells[4].split(",")

    def info(self, key: str) -> str:
        """Return the value of a key of INFO; empty where it is missing."""
        for entry in self.cells[7].split(";") if len(self.cells) > 7 else ():
            name, _, value = entry.partition("=")
            if name == key:
                return value
        return ""


@dataclass(frozen=True)
class Header:
    """The header of a VCF.

    Attributes:
        meta: its lines that begin with `##`.
        columns: of the line that begins with `#CHROM`; those that every VCF has, where there is no such line.
    """

    meta: list[str]
    columns: list[str]

    @property
    def samples(self) -> list[str]:
        """The names of the samples."""
        return self.columns[9:]

    def number_of(self, key: str) -> str:
        """Return how many values a key of INFO has, such as `A`, one for each allele; `.` where nothing says it."""
        for line in self.meta:
            if match := re.match(rf"##INFO=<ID={re.escape(key)},(?:.*?,)??Number=([^,>]+)", line):
                return match[1]
        return "."


def read_header(path: str | Path, lines: Iterator[tuple[int, str]]) -> tuple[Header, Iterator[tuple[int, str]]]:
    """Read the header of a VCF.

    Args:
        path: the file, for sentences.
        lines: of the file, numbered from 1.

    Returns:
        The header, and the numbered lines below it.

    Raises:
        InputError: there is no header, or its columns are not those of a VCF.
    """
    meta = list[str]()
    for number, line in lines:
        text = line.rstrip("\n")
        if text.startswith("##"):
            meta.append(text)
        elif text.startswith("#"):
            columns = text.split("\t")
            if columns[:5] != list(COLUMNS[:5]):
                raise InputError(f"{path}: line {number} must name the columns {' '.join(COLUMNS)}, separated by tabs.")
            return Header(meta, columns), lines
        elif text.strip():
            return Header(meta, list(COLUMNS)), _again(number, line, lines)
    return Header(meta, list(COLUMNS)), lines


def _again(number: int, line: str, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield number, line
    yield from lines


def read_lines(path: str | Path, header: Header, lines: Iterable[tuple[int, str]]) -> Iterator[Line]:
    """Split the lines below the header into columns; blank ones are passed over.

    Raises:
        InputError: a line has fewer than five columns, others than the header has samples for, or a position that is
            no whole number.
    """
    named = len(header.columns)
    for number, text in lines:
        cells = text.rstrip("\n").split("\t")
        if len(cells) < 5 and not text.strip():
            continue
        if len(cells) < 5:
            raise InputError(f"{path}: line {number} has {len(cells)} columns separated by tabs; a VCF has eight.")
        if named > len(COLUMNS) and len(cells) != named:
            raise InputError(f"{path}: line {number} has {len(cells)} columns, and the header names {named}.")
        if not (cells[1].isascii() and cells[1].isdigit()):
            raise InputError(f"{path}: line {number} has {cells[1]!r} as its position (POS); a whole number is needed.")
        yield Line(number, cells)


def alleles(line: Line, label: str = "", number: str = ".") -> Iterator[Variant | Dropped]:
    """Yield each alternative allele of a line, as a variant or with the reason why it is none.

    Args:
        line: the line.
        label: the key of INFO with the class of the variant; empty: none.
        number: how many values the header says that key has; see `Header.number_of`.
    """
    contig, position, identifier, ref = line.cells[:4]
    start, labels = int(position) - 1, _labels(line, label, number)
    for allele, (alt, own) in enumerate(zip(line.alternatives, labels, strict=True), 1):
        name = identifier if identifier not in ("", ".") else f"{contig}:{position}:{ref}>{alt}"
        change = Change(start, ref.upper(), alt.upper())
        variant = Variant(line.number, allele, name, contig, (change,), label=own)
        reason = _unusable(ref, alt)
        yield left_out(_as_written(variant, ref, alt), reason) if reason else variant


def _labels(line: Line, key: str, number: str) -> list[str]:
    """The label of each allele: its own of several, where there are as many; else that of the whole line.

    Of one allele a comma is part of the label: ClinVar has `Pathogenic,_low_penetrance`.
    """
    count, value = len(line.alternatives), line.info(key) if key else ""
    parts = value.split(",")
    by_allele = count > 1 and len(parts) == count and number in ("A", ".")
    return [name_in(part) for part in (parts if by_allele else [value] * count)]


def _as_written(variant: Variant, ref: str, alt: str) -> Variant:
    return Variant(variant.record, variant.allele, variant.name, variant.contig, (Change(variant.start, ref, alt),))


def _unusable(ref: str, alt: str) -> str:
    """Why an allele says no letters; empty where it does."""
    if not _LETTERS.fullmatch(ref):
        return f"REF is {ref!r}, which is not letters of DNA"
    if alt == ".":
        return "there is no alternative allele"
    if alt == "*":
        return "the allele * only says that another line deletes this place"
    if alt.startswith("<"):
        return f"the allele {alt} is symbolic: it does not say its letters"
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return f"the allele {alt} is a breakend, which joins two places"
    if not _LETTERS.fullmatch(alt):
        return f"ALT is {alt!r}, which is not letters of DNA"
    return "ALT is the same as REF" if alt.upper() == ref.upper() else ""
