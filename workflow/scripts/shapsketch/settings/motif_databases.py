"""Databases of motifs in MEME format, read without numpy.

The format is that of https://meme-suite.org/meme/doc/meme-format.html, as programs and people write it: minimal or a
whole `meme.txt`, with or without widths. Runs in Snakemake's own process, so it imports nothing heavy.
"""

import bz2
import gzip
import lzma
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import InputError
from .letters import kind_of

SUM_ERROR = 0.05  # of the probabilities of a row, which databases round
_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_OTHERS = (
    (r"<\?xml|<MEME|<!DOCTYPE MEME", "MEME's XML; give the text file that was written beside it (meme.txt)"),
    (r"(?i)<!DOCTYPE html|<html", "a web page; give the text file that was written beside it (meme.txt)"),
    (r">[^\n]*\n\s*[A-Za-z]?\s*\[", "in JASPAR's format; take the MEME file of that database, or use jaspar2meme"),
    (r">[^\n]*\n(?:\s*[0-9][0-9.]*)+\s*\n(?:\s*[0-9][0-9.]*)+\s*$", "a file of plain matrices (JASPAR or HOMER); "
     "convert it to MEME format, by jaspar2meme for example"),
    (r"(?m)\A(?:.*\n)*?(?:P[0O]|PO)\s+A\s+C\s+G\s+[TU]\b", "in TRANSFAC's format; convert it by transfac2meme"),
    (r">", "FASTA or another format that begins with '>'"),
)  # fmt: skip


@dataclass
class _Motif:
    """A motif that is being read: its name, its line, and the line and rows of its matrix."""

    name: str
    line: int
    matrix: int = 0
    rows: list[list[float]] = field(default_factory=list)


def read_motifs(path: str | Path, letters: str) -> dict[str, list[list[float]]]:
    """Read the motifs of a MEME file.

    Args:
        path: the file, of version 4 or later; may be packed by gzip, bzip2 or xz.
        letters: that its motifs must have, in any order; U and T are the same.

    Returns:
        By name (identifier and, if there is one, alternative name; what comes twice is numbered) the rows of letter
        probabilities, columns in the order of `letters`, each row summing to 1.

    Raises:
        InputError: the file is no MEME file, has other letters, or a matrix is not whole.
    """
    lines = _lines(path)
    order = _columns(path, lines, letters)
    motifs: dict[str, list[list[float]]] = {}
    for motif in _motifs(path, lines, len(letters)):
        name, number = motif.name, 1
        while name in motifs:
            number += 1
            name = f"{motif.name} ({number})"
        motifs[name] = [[row[k] / sum(row) for k in order] for row in motif.rows]
    if not motifs:
        raise InputError(f"{path} has no motif: no line begins with 'letter-probability matrix'.")
    return motifs


def _lines(path: str | Path) -> list[str]:
    try:
        content = Path(path).read_bytes()
        opener = next((opener for magic, opener in _OPENERS.items() if content.startswith(magic)), None)
        if opener:
            with opener(Path(path)) as handle:
                content = handle.read()
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    if content.startswith(b"\x28\xb5\x2f\xfd"):
        raise InputError(f"{path} is packed by zstd; unpack it, or pack it by gzip.")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = content.decode(encoding, "replace")
    lines = re.split("\r\n|\r|\n", text)
    if not any(re.match(r"\s*MEME version", line) for line in lines):
        start = "\n".join(lines[:50]).lstrip()
        other = next((f"it is {words}" for pattern, words in _OTHERS if re.match(pattern, start)), "")
        raise InputError(f"{path} is not a MEME motif file: {other or 'it has no line MEME version'}.")
    return lines


def _columns(path: str | Path, lines: Sequence[str], letters: str) -> list[int]:
    """Which column of the file's matrices each letter has."""
    same = {"U": "T", "u": "t"} if kind_of(letters) in ("DNA", "RNA") else {}
    symbols = _alphabet(path, lines) or "".join(sorted(letters, key=meme_order))
    if sorted(symbols) != sorted(letters) and letters == letters.upper():
        symbols = symbols.upper()
    plain, wanted = ([same.get(a, a) for a in text] for text in (symbols, letters))
    if sorted(plain) != sorted(wanted):
        raise InputError(f"{path} has motifs of the letters {symbols}; the model's are {letters}.")
    return [plain.index(a) for a in wanted]


def meme_order(letter: str) -> tuple[int, str]:
    """Sort letters as MEME sorts an alphabet that a file defines: letters, then digits, then signs."""
    return (0 if letter.isalpha() else 1 if letter.isdigit() else 2), letter


def _alphabet(path: str | Path, lines: Sequence[str]) -> str:
    """The letters of a MEME file in the order of its columns, or nothing where it does not say."""
    for number, line in enumerate(lines):
        words = line.strip()
        if re.match(r"ALPHABET\s*=", words):
            return words.split("=", 1)[1].replace(" ", "")
        if re.match(r"ALPHABET\b", words):
            return "".join(sorted(_symbols(path, lines, number + 1), key=meme_order))
    return ""


def _symbols(path: str | Path, lines: Sequence[str], start: int) -> Iterator[str]:
    """The core symbols of a block that defines an alphabet, with their complements; not those that stand for others."""
    for line in map(str.strip, lines[start:]):
        if re.match(r"END\s+ALPHABET|MOTIF\b|strands:|Background", line):
            return
        if len(line) == 1:
            yield line
            continue
        words = re.sub(r'"(\\.|[^"\\])*"', " ", line).split("#")[0].replace("~", " ~ ").split()
        if words and not any(word.startswith("=") for word in words[1:]):
            yield words[0]
            if "~" in words[1:-1]:
                yield words[words.index("~", 1) + 1]
    raise InputError(f"{path}, line {start}: the alphabet that begins here has no line END ALPHABET.")


def _motifs(path: str | Path, lines: Sequence[str], q: int) -> Iterator[_Motif]:
    """The motifs, in their order; each has a matrix."""
    motif: _Motif | None = None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words[:1] == ["MOTIF"]:
            yield from _whole(path, motif)
            motif = _Motif(_name(words[1:]), number)
        elif re.match(r"\s*letter-probability matrix", line, re.IGNORECASE):
            if motif is None or not motif.name:
                raise InputError(f"{path}, line {number}: this matrix has no name; a line MOTIF NAME goes before it.")
            if motif.matrix:
                raise InputError(f"{path}, line {number}: the motif {motif.name!r} has a second matrix.")
            motif.matrix, motif.rows = number, _matrix(path, lines, number, motif.name, q)
    yield from _whole(path, motif)


def _name(words: Sequence[str]) -> str:
    """Identifier and alternative name; `meme.txt` goes on with the width and more."""
    return " ".join(words[: words.index("width")] if "width" in words else words)


def _whole(path: str | Path, motif: _Motif | None) -> Iterator[_Motif]:
    if motif is None:
        return
    if not motif.matrix:
        raise InputError(f"{path}, line {motif.line}: the motif {motif.name!r} has no letter-probability matrix.")
    yield motif


def _matrix(path: str | Path, lines: Sequence[str], number: int, name: str, q: int) -> list[list[float]]:
    """The rows below a line that announces a matrix: all that follow and begin with a number."""
    place = f"{path}, line {number}: the matrix of the motif {name!r}"
    declared = {key: int(value) for key, value in re.findall(r"\b(alength|w)\s*=\s*(\d+)", lines[number - 1])}
    if declared.get("alength", q) != q:
        raise InputError(f"{place} has alength= {declared['alength']}, but there are {q} letters.")
    rows: list[list[float]] = []
    for line in lines[number:]:
        words = line.split()
        if words and not re.match(r"[-+]?[.]?\d|[-+]?(nan|inf)", words[0], re.IGNORECASE):
            break
        if words:
            rows.append(_row(words))
    if not rows or declared.get("w", len(rows)) != len(rows):
        raise InputError(f"{place} has {len(rows)} rows" + (f", not w= {declared['w']}." if "w" in declared else "."))
    for k, row in enumerate(rows, 1):
        if len(row) != q or min(row) < 0 or not abs(sum(row) - 1) <= SUM_ERROR:
            raise InputError(
                f"{place} is not whole; each of its rows needs {q} probabilities that sum to 1, and row {k} has not."
            )
    return rows


def _row(words: Sequence[str]) -> list[float]:
    """Numbers of a row; nothing where one is none."""
    try:
        row = [float(word) for word in words]
    except ValueError:
        return []
    return row if all(map(math.isfinite, row)) else []
