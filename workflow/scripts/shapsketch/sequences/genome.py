"""Genomes: contigs in an indexed FASTA file, of which a stretch is read without the rest, and sequences given as text.

Positions are 0-based and half-open, as in BED. What lies beyond the ends of a contig reads as the letter that stands
for any.
"""

import gzip
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol

import pysam
import pysam.utils

from ..settings.errors import InputError
from .windows import Window

_GZIP, _BGZF = b"\x1f\x8b", b"BC\x02\x00"  # how packed files begin; bgzip's mark stands at byte 12


class Reference(Protocol):
    """Contigs by name, of which any stretch can be read."""

    @property
    def lengths(self) -> Mapping[str, int]:
        """The letters of each contig."""

    def fetch(self, contig: str, start: int, stop: int) -> str:
        """Return a stretch in capitals; beyond the ends stands the letter for any."""


@dataclass(frozen=True)
class GivenSequences:
    """Sequences that are held in memory, such as one protein.

    Attributes:
        texts: the letters of each contig.
        wildcard: what stands beyond their ends.
    """

    texts: Mapping[str, str]
    wildcard: str = "N"

    @property
    def lengths(self) -> Mapping[str, int]:
        """The letters of each contig."""
        return {name: len(text) for name, text in self.texts.items()}

    def fetch(self, contig: str, start: int, stop: int) -> str:
        """Return a stretch; beyond the ends stands the wildcard."""
        text = self.texts[contig]
        inside = text[max(start, 0) : max(stop, 0)].upper()
        return _padded(inside, start, stop, len(text), self.wildcard)


class Genome:
    """A genome in a FASTA file, plain or packed by bgzip.

    The index `.fai` (and `.gzi`) beside the file is used where it is no older than the file; otherwise one is made:
    beside the file where there is none and the folder allows it, else in a temporary folder.

    Args:
        path: the FASTA file.

    Raises:
        InputError: the file is missing, no FASTA, packed by something else than bgzip, or has a contig twice.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        packed = _check_fasta(self.path)
        suffixes = (".fai", ".gzi") if packed else (".fai",)
        indexes = [self.path.with_name(self.path.name + suffix) for suffix in suffixes]
        made = self.path.stat().st_mtime
        if not all(index.is_file() and index.stat().st_mtime >= made for index in indexes):
            indexes = self._index(indexes)
        compressed = {"filepath_index_compressed": str(indexes[1])} if packed else {}
        try:
            self._file = pysam.FastaFile(str(self.path), filepath_index=str(indexes[0]), **compressed)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path} cannot be read with its index {indexes[0]} ({error}).") from error
        self.lengths: Mapping[str, int] = dict(zip(self._file.references, self._file.lengths, strict=True))
        if len(self.lengths) < len(self._file.references):
            raise InputError(f"{self.path} has a contig twice; names of contigs must be unique.")

    def _index(self, beside: list[Path]) -> list[Path]:
        """Make the indexes; beside the file where none is there and files may be written, else elsewhere."""
        self._folder = tempfile.TemporaryDirectory()
        indexes = [Path(self._folder.name) / path.name for path in beside]
        arguments = ["--fai-idx", str(indexes[0])] + (["--gzi-idx", str(indexes[1])] if len(indexes) > 1 else [])
        try:
            pysam.faidx(str(self.path), *arguments)
        except pysam.utils.SamtoolsError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{self.path} cannot be indexed as FASTA ({reason}); check its lines.") from error
        if any(path.exists() for path in beside):
            return indexes
        for index, path in zip(reversed(indexes), reversed(beside), strict=True):
            temporary = path.with_name(f".{path.name}.{Path(self._folder.name).name}.tmp")
            try:
                shutil.copyfile(index, temporary)
                temporary.replace(path)  # whole or not at all, whoever else does the same
            except OSError:
                temporary.unlink(missing_ok=True)
                return indexes
        return beside

    def fetch(self, contig: str, start: int, stop: int) -> str:
        """Return the letters start..stop-1 of a contig in capitals; N beyond its ends.

        Args:
            contig: one of `lengths`.
            start, stop: 0-based, half-open; may lie beyond the ends.

        Raises:
            InputError: the file is damaged, or its index is of another.
        """
        size = self.lengths[contig]
        low, high = min(max(start, 0), size), min(max(stop, 0), size)
        try:
            inside = self._file.fetch(contig, low, high).upper() if low < high else ""
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path} is damaged at {contig}:{low}-{high} ({error}).") from error
        if len(inside) != max(high - low, 0):
            raise InputError(f"{self.path} ends before {contig}:{low}-{high}; its index is of another file: remove it.")
        return _padded(inside, start, stop, size, "N")


def fetch_window(reference: Reference, window: Window) -> str:
    """Return the letters of a window as they stand on the forward strand."""
    return reference.fetch(window.contig, window.start, window.stop)


def unknown_contig(contig: str, known: Mapping[str, int]) -> str:
    """Say that the genome lacks a contig, with the name that may be meant."""
    close = [name for name in (f"chr{contig}", contig.removeprefix("chr")) if name in known and name != contig]
    close = close or get_close_matches(contig, known, 1)
    hint = f"; is {close[0]!r} meant?" if close else ""
    return f"the genome has no contig {contig!r}{hint}"


def _padded(inside: str, start: int, stop: int, size: int, wildcard: str) -> str:
    before, after = max(min(0, stop) - start, 0), max(stop - max(size, start), 0)
    return wildcard * before + inside + wildcard * after


def _check_fasta(path: Path) -> bool:
    """Whether a FASTA file is packed by bgzip.

    Raises:
        InputError: it is missing, packed otherwise, or does not begin as FASTA does.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(18)
        packed = head.startswith(_GZIP)
        if packed and head[12:16] != _BGZF:
            raise InputError(f"{path} is packed by gzip, of which no stretch can be read; pack it by bgzip instead.")
        if packed:
            with gzip.open(path, "rb") as unpacked:
                head = unpacked.read(18)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except (EOFError, OSError) as error:
        raise InputError(f"{path} cannot be read ({' '.join(str(error).split())}).") from error
    if not head.startswith(b">"):
        raise InputError(f"{path} is no FASTA file of a genome: it begins with {head[:12]!r}, not with '>' and a name.")
    return packed
