"""Variants as they come in files, checked against the reference and the model's template.

Whatever is left out is listed with its reason: alleles that say no letters, a REF that is not what the reference has,
windows that the model cannot read. What the file itself has wrong (no columns, positions that are no numbers) ends the
run with a sentence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from ..sequences.alphabet import Alphabet, character_codes
from ..sequences.genome import Reference, unknown_contig
from ..sequences.reader import find_problems
from ..sequences.template import Template
from ..sequences.windows import Strand, Window, window_around
from ..settings.errors import InputError
from ..storage.opening import VCF, is_parquet, open_text
from .tables import Columns, read_variants
from .variant import Change, Dropped, Variant, applied, changes_of, columns_of, edited, fits, left_out
from .vcf import alleles, read_header, read_lines

LETTERS_AT_ONCE = 1 << 23  # of the windows that are checked together

VARIANT_SCHEMA = pa.schema(
    [
        ("record", pa.int64()),
        ("allele", pa.int32()),
        ("variant_id", pa.string()),
        ("contig", pa.string()),
        ("positions", pa.string()),
        ("ref", pa.string()),
        ("alt", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("strand", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("haplotype", pa.string()),
    ]
)
DROPPED_COLUMNS = ["record", "variant_id", "contig", "positions", "ref", "alt", "genome", "reason"]


@dataclass(frozen=True)
class Placing:
    """How the windows of variants are cut.

    Attributes:
        strand: of the windows, where the file does not say.
        fill: which end of an alternative window is cut or filled where letters are inserted or deleted, on the
            forward strand.
        whole: whether the window is always the whole contig, as of a protein.
    """

    strand: Strand = "+"
    fill: Literal["right", "left"] = "right"
    whole: bool = False

    def window(self, variant: Variant, width: int) -> Window:
        """Return the window of a variant."""
        strand: Strand = variant.strand or self.strand  # type: ignore[assignment] # checked when it was read
        if self.whole:
            return Window(variant.contig, 0, width, strand)
        return window_around(variant.contig, variant.start, variant.stop, width, strand)

    def letters(self, reference: Reference, window: Window, changes: tuple[Change, ...]) -> tuple[str, str]:
        """Return the letters of a window as a model reads them: of the reference, and with the changes made."""
        slack = sum(max(len(change.ref) - len(change.alt), 0) for change in changes)
        offset = window.start - slack * (self.fill == "left")
        text = reference.fetch(window.contig, offset, window.stop + slack * (self.fill == "right"))
        width = window.stop - window.start
        plain = text[window.start - offset : window.stop - offset]
        made = edited(text, offset, window.start, width, changes, self.fill)
        return window.oriented(plain), window.oriented(made)


@dataclass(frozen=True)
class Checker:
    """Checks variants against a reference and a template.

    Attributes:
        reference: the genome, or given sequences.
        template: of the model.
        placing: how windows are cut.
        reads_unknown: whether the model reads the letter that stands for any.
    """

    reference: Reference
    template: Template
    placing: Placing
    reads_unknown: bool = False

    def place(self, variant: Variant) -> Dropped | None:
        """Return the variant as left out, where it does not fit the reference or its window; None where it does."""
        lengths, contig = self.reference.lengths, variant.contig
        if contig not in lengths:
            return left_out(variant, unknown_contig(contig, lengths))
        if variant.strand not in ("", "+", "-"):
            return left_out(variant, f"its strand is {variant.strand!r}, neither + nor -")
        size = lengths[contig]
        for change in variant.changes:
            if not 0 <= change.start <= change.stop <= size:
                return left_out(variant, f"position {change.start + 1} is not in {contig}, which has {size} letters")
            there = self.reference.fetch(contig, change.start, change.stop)
            if there != change.ref.replace("U", "T") and there != change.ref:
                shown = there if len(there) <= 50 else f"{there[:47]}..."
                return left_out(variant, f"REF is {change.ref:.50}, and the genome has {shown} there", there)
        window = self.placing.window(variant, self.template.n)
        if not fits(variant.changes, window.start, window.stop, self.placing.fill):
            return left_out(variant, f"its letters do not fit into the window {window.name}")
        if not self.reads_unknown and (window.start < 0 or window.stop > size):
            return left_out(variant, f"its window {window.name} goes beyond {contig}, which has {size} letters")
        return None

    def problems(self, windows: list[str]) -> dict[int, str]:
        """Return what is wrong with the letters of windows, by number, where the model cannot read them."""
        if not windows:
            return {}
        texts = self.template.alphabet.normalise(windows)
        local = self.template.to_local(self.template.alphabet.encode(texts))
        bad = local >= self.template.sizes
        if self.reads_unknown:
            bad &= character_codes(texts).reshape(bad.shape) != ord(self.template.alphabet.wildcard)
        rows = np.flatnonzero(bad.any(1)).tolist()
        problems = find_problems(self.template, [texts[k] for k in rows])
        return {k: problems[number].sentence for number, k in enumerate(rows)}

    def problem_together(self, window: Window, changes: tuple[Change, ...]) -> str:
        """Return what the model cannot read in a window of which any of some changes are made; empty where it can.

        Looked at are the window without changes, with all of them, and with the deletions alone, which fill it from
        further away than any others do: no combination has letters of the reference or new ones that these do not have.
        (A template's fixed positions are looked at in these three only.)
        """
        shorter = tuple(change for change in changes if len(change.alt) < len(change.ref))
        plain, whole = self.placing.letters(self.reference, window, changes)
        windows = {"": plain, " with all of its changes": whole}
        if shorter:
            windows[" with its deletions"] = self.placing.letters(self.reference, window, shorter)[1]
        problems = self.problems(list(windows.values()))
        return next((f"{window.name}{name} {problems[k]}" for k, name in enumerate(windows) if k in problems), "")


def stream_variants(
    path: str | Path,
    checker: Checker,
    *,
    columns: Columns,
    protein: tuple[str, str] | None = None,
    first: int = 1,
    ambiguous: Literal["drop", "error"] = "drop",
) -> Iterator[tuple[pa.Table, pd.DataFrame]]:
    """Read and check variants piece by piece.

    Args:
        path: VCF, CSV, TSV or Parquet, text packed or not.
        checker: what they must fit.
        columns: the column of labels (of a VCF: the key of INFO) and of scores.
        protein: the name and letters of the sequence that names of protein variants change.
        first: the number of its first letter.
        ambiguous: what becomes of variants whose window has letters that the model cannot read.

    Yields:
        The variants kept (`VARIANT_SCHEMA`), and those left out (`DROPPED_COLUMNS`).

    Raises:
        InputError: the file is not as it should be, or all variants are left out.
    """
    variants = _read(Path(path), columns, protein, first)
    size = max(1, LETTERS_AT_ONCE // checker.template.n)
    kept_count, dropped_count, first_reason = 0, 0, ""
    while piece := list(islice(variants, size)):
        kept, dropped = _check(path, checker, piece, ambiguous, protein)
        kept_count, dropped_count = kept_count + kept.num_rows, dropped_count + len(dropped)
        first_reason = first_reason or (dropped["reason"].iloc[0] if len(dropped) else "")
        yield kept, dropped
    if not kept_count and not dropped_count:
        raise InputError(f"{path} holds no variants.")
    if not kept_count:
        raise InputError(f"{path}: all {dropped_count} variants are left out; the first one because {first_reason}.")


def _read(path: Path, columns: Columns, protein: tuple[str, str] | None, first: int) -> Iterator[Variant | Dropped]:
    if is_vcf(path):
        if columns.score:
            raise InputError(f"{path} is a VCF, which has no column of scores ({columns.score}); give a table.")
        with open_text(path, VCF) as handle:
            header, below = read_header(path, enumerate(handle, 1))
            number = header.number_of(columns.label)
            for line in read_lines(path, header, below):
                yield from alleles(line, columns.label, number)
    else:
        yield from read_variants(path, columns, protein, first)


def is_vcf(path: str | Path) -> bool:
    """Whether a file of variants is a VCF: it begins as one, or with the line that names a VCF's columns."""
    if is_parquet(path):
        return False
    with open_text(path, VCF) as handle:
        first = handle.readline()
    return first.startswith(("##fileformat=VCF", "#CHROM\tPOS\tID\tREF\tALT\tQUAL"))


def _check(
    path: str | Path,
    checker: Checker,
    piece: list[Variant | Dropped],
    ambiguous: str,
    protein: tuple[str, str] | None,
) -> tuple[pa.Table, pd.DataFrame]:
    """Check a piece; the order of the file is kept in both tables."""
    results: list[Variant | Dropped] = [checker.place(one) or one if isinstance(one, Variant) else one for one in piece]
    places = [k for k, one in enumerate(results) if isinstance(one, Variant)]
    kept = [one for one in results if isinstance(one, Variant)]
    windows = [checker.placing.window(one, checker.template.n) for one in kept]
    letters = [
        checker.placing.letters(checker.reference, window, one.changes)
        for window, one in zip(windows, kept, strict=True)
    ]
    wrong = {k: _mutated(one, protein[1], checker.template.alphabet) if protein else "" for k, one in enumerate(kept)}
    for number in (0, 1):
        problems = checker.problems([pair[number] for pair in letters])
        for k, sentence in problems.items():
            wrong[k] = wrong[k] or f"its window {windows[k].name}{' with ALT' * number} {sentence}"
            if ambiguous == "error" and "ambiguous" in sentence:
                where = f"{path}: record {kept[k].record} ({kept[k].name!r})"
                raise InputError(f"{where}: {wrong[k]}; leave it out, or set ambiguous to drop.")
    for k, reason in wrong.items():
        if reason:
            results[places[k]] = left_out(kept[k], reason)
    dropped = [one for one in results if isinstance(one, Dropped)]
    whole = [(one, window) for k, (one, window) in enumerate(zip(kept, windows, strict=True)) if not wrong[k]]
    return _table(whole), pd.DataFrame([_dropped_row(one) for one in dropped], columns=DROPPED_COLUMNS)


def _mutated(variant: Variant, sequence: str, alphabet: Alphabet) -> str:
    """What is wrong with the whole sequence that the file says beside the changes; empty where it is right."""
    said, made = alphabet.normalise([variant.mutated, applied(sequence, variant.changes)])
    if said and said != made:
        return "its mutated_sequence is not the unchanged sequence with these changes"
    return ""


def _table(kept: list[tuple[Variant, Window]]) -> pa.Table:
    rows = [
        (one.record, one.allele, one.name, one.contig, *columns_of(one.changes), window.start, window.stop,
         window.strand, one.label, one.score, one.haplotype)
        for one, window in kept
    ]  # fmt: skip
    columns = list(zip(*rows, strict=True)) or [()] * len(VARIANT_SCHEMA)
    arrays = [
        pa.array(column, field.type, from_pandas=True) for column, field in zip(columns, VARIANT_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=VARIANT_SCHEMA)


def _dropped_row(one: Dropped) -> tuple[Any, ...]:
    return one.record, one.name, one.contig, one.positions, one.ref, one.alt, one.genome, one.reason


def placed(row: Mapping[str, Any]) -> tuple[Window, tuple[Change, ...]]:
    """Return the window and the changes of a row of `VARIANT_SCHEMA`."""
    window = Window(row["contig"], row["start"], row["end"], row["strand"])
    return window, changes_of(row["positions"], row["ref"], row["alt"])
