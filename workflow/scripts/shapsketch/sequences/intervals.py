"""Intervals of a genome as sequences: BED, narrowPeak, GTF and GFF in, windows as long as a model's input out.

Lines are read by hand, so that each can be told by its number. BED is 0-based and half-open, GTF and GFF 1-based with
both ends; narrowPeak has its summit in the tenth column, from the start (https://genome.ucsc.edu/FAQ/FAQformat.html).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd

from ..settings.errors import InputError
from ..storage.opening import GFF, open_text
from .genome import Reference, fetch_window, unknown_contig
from .reader import AmbiguousChoice, Choice, Problem, find_problems
from .template import Template
from .windows import Strand, Window

Anchor = Literal["auto", "centre", "start", "summit"]
LETTERS_AT_ONCE = 1 << 23  # of the windows that are checked together
COLUMNS = ["sequence_id", "sequence", "group", "contig", "start", "end", "strand", "name"]

_HEADER = re.compile(r"#|track\b|browser\b")
_NAMES = [
    re.compile(rf'(?:^|[;\s]){key}[ =]"?([^";]+)') for key in ("gene_name", "Name", "transcript_id", "gene_id", "ID")
]


@dataclass(frozen=True)
class Interval:
    """A line of BED, GTF or GFF.

    Attributes:
        line: its number in the file, from 1.
        contig: its name.
        start, stop: 0-based and half-open.
        strand: `+`, `-` or `.`.
        name: as the file has it; may be empty.
        summit: 0-based, of a narrowPeak that has one; None otherwise.
    """

    line: int
    contig: str
    start: int
    stop: int
    strand: str = "."
    name: str = ""
    summit: int | None = None

    def window(self, width: int, anchor: Anchor, strand: Literal["file", "+", "-"]) -> Window:
        """Return the window whose place `width // 2` (0-based, on the forward strand) is the anchor.

        Args:
            width: letters.
            anchor: the middle letter (of an even number, the right one of the two in the middle), the first letter in
                the direction of the strand, the summit, or the summit where there is one and else the middle.
            strand: of the window; `file`: as the interval's, forward where it has none.
        """
        place = (self.start + self.stop) // 2
        if anchor == "start":
            place = self.stop - 1 if self.strand == "-" else self.start
        elif self.summit is not None and anchor in ("auto", "summit"):
            place = self.summit
        side: Strand = "-" if (self.strand if strand == "file" else strand) == "-" else "+"
        first = place - width // 2
        return Window(self.contig, first, first + width, side)


def read_intervals(path: str | Path, feature: str = "") -> Iterator[Interval]:
    """Read the intervals of a BED, narrowPeak, GTF or GFF file, plain or packed.

    Args:
        path: the file.
        feature: of GTF and GFF, the kind in the third column that is wanted; empty: all.

    Raises:
        InputError: a line is none of these formats.
    """
    with open_text(path, GFF) as handle:
        gff: bool | None = None
        for number, line in enumerate(handle, 1):
            text = line.rstrip("\n")
            if text.startswith("##FASTA"):
                return
            if not text.strip() or _HEADER.match(text):
                continue
            cells = text.split("\t") if "\t" in text else text.split()
            if gff is None:
                gff = len(cells) >= 8 and not cells[1].isdigit() and cells[3].isdigit() and cells[4].isdigit()
                if feature and not gff:
                    raise InputError(f"{path} is BED, which has no kinds of features; leave the key `feature` out.")
            if gff:
                interval = _gff(path, number, cells)
                if not feature or cells[2] == feature:
                    yield interval
            else:
                yield _bed(path, number, cells)


def _bed(path: str | Path, number: int, cells: list[str]) -> Interval:
    if len(cells) < 3 or not (cells[1].isdigit() and cells[2].isdigit()):
        raise InputError(
            f"{path}: line {number} is no line of BED, GTF or GFF: a contig, a start and an end are needed, separated "
            f"by tabs, and it begins with {' '.join(cells)[:40]!r}."
        )
    start, stop = int(cells[1]), int(cells[2])
    if start > stop:
        raise InputError(f"{path}: line {number} ends at {stop}, before it starts at {start}.")
    summit = None
    if len(cells) == 10 and re.fullmatch("-?[0-9]+", cells[9]) and int(cells[9]) >= 0:  # narrowPeak; -1 is none
        summit = start + int(cells[9])
    strand = cells[5] if len(cells) > 5 else "."
    return Interval(number, cells[0], start, stop, _strand(path, number, strand), _plain(cells[3:4]), summit)


def _gff(path: str | Path, number: int, cells: list[str]) -> Interval:
    if len(cells) < 8 or not (cells[3].isdigit() and cells[4].isdigit()):
        raise InputError(f"{path}: line {number} is no line of GTF or GFF, which has nine columns separated by tabs.")
    start, stop = int(cells[3]) - 1, int(cells[4])
    if not 0 <= start <= stop:
        raise InputError(f"{path}: line {number} ends at {stop}, before it starts at {start + 1}.")
    named = next(filter(None, (pattern.search(cells[8]) for pattern in _NAMES)), None) if len(cells) > 8 else None
    return Interval(number, cells[0], start, stop, _strand(path, number, cells[6]), named[1] if named else "")


def _strand(path: str | Path, number: int, text: str) -> str:
    if text not in ("+", "-", ".", "?", ""):
        raise InputError(f"{path}: line {number} has {text!r} as its strand; +, - or . is right.")
    return text if text in ("+", "-") else "."


def _plain(cells: list[str]) -> str:
    return cells[0] if cells and cells[0] != "." else ""


def stream_intervals(
    path: str | Path,
    genome: Reference,
    template: Template,
    *,
    anchor: Anchor = "auto",
    strand: Literal["file", "+", "-"] = "file",
    feature: str = "",
    ambiguous: AmbiguousChoice = "error",
    mismatch: Choice = "error",
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Read intervals, and cut a window as long as the template around each.

    Args:
        path: the file.
        genome: of its contigs.
        template: of the model.
        anchor, strand: see `Interval.window`.
        feature: see `read_intervals`.
        ambiguous: what to do with windows that hold N, or reach beyond the ends of their contig, which reads as N.
        mismatch: what to do with contigs that the genome lacks, and with letters that the template does not allow.

    Yields:
        The sequences kept (`COLUMNS`), named `contig:start-end(strand)`, and those dropped (`record`, `sequence_id`,
        `reason`). A window that comes twice is kept once.

    Raises:
        InputError: one sentence that names file and line.
    """
    choice = {"mismatch": mismatch, "ambiguous": ambiguous}
    intervals, size = read_intervals(path, feature), max(1, LETTERS_AT_ONCE // template.n)
    seen, kept_count, reason = dict[str, int](), 0, ""
    while piece := list(islice(intervals, size)):
        windows = [interval.window(template.n, anchor, strand) for interval in piece]
        texts = [_letters(genome, window) for window in windows]
        problems = _problems(genome, template, windows, texts)
        kept, dropped = list[tuple[object, ...]](), list[tuple[object, ...]]()
        for row, (interval, window, text) in enumerate(zip(piece, windows, texts, strict=True)):
            problem, first = problems.get(row), seen.setdefault(window.name, interval.line)
            if problem and choice[problem.kind] == "error":
                raise InputError(f"{path}: line {interval.line} ({window.name}) {problem.sentence}; {problem.remedy}.")
            if problem and choice[problem.kind] == "drop":
                dropped.append((interval.line, window.name, problem.sentence))
            elif first != interval.line:
                dropped.append((interval.line, window.name, f"is the same window as line {first}"))
            else:
                place = (window.contig, window.start, window.stop, window.strand)
                kept.append((window.name, text, "", *place, interval.name))
        kept_count, reason = kept_count + len(kept), reason or (str(dropped[0][2]) if dropped else "")
        yield pd.DataFrame(kept, columns=COLUMNS), pd.DataFrame(dropped, columns=["record", "sequence_id", "reason"])
    if not seen:
        raise InputError(f"{path} holds no intervals{f' of the kind {feature!r}' if feature else ''}.")
    if not kept_count:
        raise InputError(f"{path}: all intervals were dropped; the first one {reason}.")


def _letters(genome: Reference, window: Window) -> str:
    """The window as a model reads it; of an unknown contig, nothing."""
    return window.oriented(fetch_window(genome, window)) if window.contig in genome.lengths else ""


def _problems(genome: Reference, template: Template, windows: list[Window], texts: list[str]) -> dict[int, Problem]:
    problems = find_problems(template, template.alphabet.normalise(texts))
    for row, window in enumerate(windows):
        size = genome.lengths.get(window.contig)
        if size is None:
            remedy = "give the genome that the intervals are of, or set mismatch to drop"
            problems[row] = Problem(
                "mismatch", f"cannot be read: {unknown_contig(window.contig, genome.lengths)}", remedy
            )
        elif row in problems and problems[row].kind == "ambiguous" and (window.start < 0 or window.stop > size):
            sentence = f"reaches beyond {window.contig}, which has {size} letters"
            problems[row] = Problem("ambiguous", sentence, "set ambiguous to drop or resolve")
    return problems
