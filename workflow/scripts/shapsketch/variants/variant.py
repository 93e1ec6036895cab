"""Variants: what differs from a reference, in one place or in several."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise


@dataclass(frozen=True, order=True)
class Change:
    """Letters of the reference that become others.

    Attributes:
        start: 0-based place of the first letter of `ref`; of an insertion without `ref`, of the letter after it.
        ref: letters of the reference; may be empty in proteins.
        alt: what stands there instead; may be empty in proteins.
    """

    start: int
    ref: str
    alt: str

    @property
    def stop(self) -> int:
        """0-based place after the last letter of `ref`."""
        return self.start + len(self.ref)


@dataclass(frozen=True)
class Variant:
    """An allele of a line of a VCF, or a row of a table.

    Attributes:
        record: the line of the file (VCF), or the row below a table's header, from 1.
        allele: which of the line's alternative alleles, from 1.
        name: its identifier, or what it changes where it has none.
        contig: where.
        changes: in ascending order, one for each site.
        strand: `+`, `-`, or empty where the file does not say.
        label: its class, where the file has one; empty otherwise.
        score: a measured value, where the file has one; NaN otherwise.
        haplotype: of a table with such a column, which haplotype it is on; empty where it says none.
        mutated: the whole sequence with all changes, where the file says it; of a genome nobody reads it.
    """

    record: int
    allele: int
    name: str
    contig: str
    changes: tuple[Change, ...]
    strand: str = ""
    label: str = ""
    score: float = float("nan")
    haplotype: str = ""
    mutated: str = field(default="", repr=False)

    @property
    def start(self) -> int:
        """Where its first change begins, 0-based."""
        return self.changes[0].start

    @property
    def stop(self) -> int:
        """Where its last change ends, 0-based, half-open."""
        return max(change.stop for change in self.changes)


@dataclass(frozen=True)
class Dropped:
    """A variant that is left out.

    Attributes:
        record, name, contig: as of a `Variant`.
        positions: 1-based, joined by commas.
        ref, alt: as the file has them, joined by commas.
        genome: what the reference has in the place of REF; empty where that is not the reason.
        reason: why, in words.
    """

    record: int
    name: str
    contig: str
    positions: str
    ref: str
    alt: str
    genome: str
    reason: str


def left_out(variant: Variant, reason: str, genome: str = "") -> Dropped:
    """Return a variant with the reason why it is left out."""
    positions, ref, alt = columns_of(variant.changes)
    return Dropped(variant.record, variant.name, variant.contig, positions, ref, alt, genome, reason)


def columns_of(changes: Sequence[Change]) -> tuple[str, str, str]:
    """Return the 1-based positions, the reference letters and the alternative letters of changes, joined by commas."""
    return (
        ",".join(str(change.start + 1) for change in changes),
        ",".join(change.ref for change in changes),
        ",".join(change.alt for change in changes),
    )


def changes_of(positions: str, ref: str, alt: str) -> tuple[Change, ...]:
    """Return the changes that `columns_of` has written."""
    parts = zip(positions.split(","), ref.split(","), alt.split(","), strict=True)
    return tuple(Change(int(position) - 1, r, a) for position, r, a in parts)


def trimmed(change: Change) -> Change:
    """Return a change without the letters at its beginning that stay, as the one that a VCF puts before an indel."""
    same = next((k for k, (a, b) in enumerate(zip(change.ref, change.alt, strict=False)) if a != b), None)
    same = min(len(change.ref), len(change.alt)) if same is None else same
    return Change(change.start + same, change.ref[same:], change.alt[same:])


def overlap(changes: Sequence[Change]) -> bool:
    """Whether two of some ascending changes touch the same letters, or insert at the same place.

    An insertion directly before letters that change does not.
    """
    return any(b.start < a.stop or (b.start == a.start and not (b.ref and not a.ref)) for a, b in pairwise(changes))


def fits(changes: Sequence[Change], start: int, stop: int, fill: str = "right") -> bool:
    """Whether all letters of ascending changes, replaced and new, lie within a window, whichever of them are made."""
    if changes[0].start < start or max(change.stop for change in changes) > stop:
        return False
    shifts = [max(len(change.alt) - len(change.ref), 0) for change in changes]
    if fill == "right":
        return all(change.stop + shift <= stop for change, shift in zip(changes, accumulate(shifts), strict=True))
    left = zip(reversed(changes), accumulate(reversed(shifts)), strict=True)
    return all(change.start - shift >= start for change, shift in left)


def applied(text: str, changes: Sequence[Change]) -> str:
    """Return a whole sequence with ascending changes made that do not overlap, longer or shorter where they are."""
    parts, at = list[str](), 0
    for change in changes:
        parts += [text[at : change.start], change.alt]
        at = change.stop
    return "".join([*parts, text[at:]])


def edited(text: str, offset: int, start: int, width: int, changes: Sequence[Change], fill: str = "right") -> str:
    """Return a window of the forward strand with changes made, as wide as without them.

    Where letters were inserted or deleted, the window is cut or filled from the reference at one end: with `right`,
    the letters left of the first change stay where they are, with `left` those right of the last one.

    Args:
        text: a stretch of the reference that holds the window, and as many letters beyond the end to be filled as the
            changes delete.
        offset: 0-based place of its first letter.
        start: of the window, 0-based.
        width: of the window, in letters.
        changes: ascending, not overlapping, within the window.
        fill: `right` or `left`, in the reference's own direction.
    """
    if fill == "right":
        parts, at = list[str](), start - offset
        for change in changes:
            parts += [text[at : change.start - offset], change.alt]
            at = change.stop - offset
        made = "".join(parts)
        return (made + text[at : at + max(width - len(made), 0)])[:width]
    parts, at = [], start + width - offset
    for change in reversed(changes):
        parts += [text[change.stop - offset : at], change.alt]
        at = change.start - offset
    made = "".join(reversed(parts))
    return (text[max(at - max(width - len(made), 0), 0) : at] + made)[-width:]
