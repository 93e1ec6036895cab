"""Haplotypes: which variants lie together on one chromosome, near enough for one window of the model.

Variants of a haplotype are taken along the contig, as many as fit into one window; the next one begins a new group.
Phased genotypes of a VCF say which variants share a chromosome, within their phase set (PS; the whole contig where
there is none), a column `haplotype` does in a table, and the changes of one row (`A1P:D2N`) are together by themselves.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from ..sequences.windows import Window
from ..settings.errors import InputError
from ..storage.opening import VCF, open_text
from .reading import Checker
from .variant import Change, Variant, changes_of, columns_of, fits, overlap, trimmed
from .vcf import Line, read_header, read_lines

HAPLOTYPE_SCHEMA = pa.schema(
    [
        ("haplotype", pa.string()),
        ("contig", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("strand", pa.string()),
        ("variant_ids", pa.list_(pa.string())),
        ("positions", pa.string()),
        ("ref", pa.string()),
        ("alt", pa.string()),
        ("carriers", pa.int64()),
        ("samples", pa.string()),
        ("missing", pa.int64()),
    ]
)
LEFT_OUT_COLUMNS = ["record", "variant_id", "contig", "positions", "ref", "alt", "genotypes", "reason"]
MAX_NAMED = 5  # carriers that are named
UNPHASED = "genotypes are not phased, or not called"
OVERLAPS = "it overlaps another variant of its haplotype"
OTHERS_OVERLAP = "two other variants of its haplotype overlap"

Row = Mapping[str, Any]


@dataclass
class Group:
    """Variants of one haplotype, in the order of the contig, while they are gathered.

    Attributes:
        rows: of the variants, as `VARIANT_SCHEMA` has them.
        changes: of all of them.
        phase: their phase set; empty where none has said.
        missing: contigs and 0-based places of further variants of the haplotype that were left out.
    """

    rows: list[Row] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    phase: str = ""
    missing: list[tuple[str, int]] = field(default_factory=list)

    def takes(self, row: Row, phase: str, checker: Checker) -> bool:
        """Whether a further variant shares contig, phase set and window with these."""
        if not self.rows:
            return True
        if self.rows[-1]["contig"] != row["contig"] or (self.phase and phase and self.phase != phase):
            return False
        changes = tuple(sorted([*self.changes, *_changes(row)]))
        window = checker.placing.window(_together(row, changes), checker.template.n)
        return fits(changes, window.start, window.stop, checker.placing.fill)

    def add(self, row: Row, phase: str) -> None:
        """Take a variant."""
        self.rows.append(row)
        self.changes = sorted([*self.changes, *_changes(row)])
        self.phase = self.phase or phase

    @property
    def lacks(self) -> int:
        """How many variants were left out between the first change and the last."""
        contig, last = self.rows[0]["contig"], max(change.stop for change in self.changes)
        return sum(where == contig and self.changes[0].start <= place < last for where, place in self.missing)


@dataclass
class Haplotypes:
    """All haplotypes of a file, each different one once.

    Attributes:
        checker: how windows are cut, and what their letters must fit.
        first: the number that the file gives the first letter; changes of one row are called by it.
    """

    checker: Checker
    first: int = 1
    _found: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)
    _refused: dict[tuple[Any, ...], list[str]] = field(default_factory=dict)
    _left_out: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def close(self, group: Group, carrier: str, name: str = "") -> None:
        """Take a group that is whole, or leave it out; of one change alone there is nothing to share out.

        Args:
            group: the group.
            carrier: who has it, such as `NA12878|1`; empty in tables.
            name: of the haplotype; empty: numbered.
        """
        if len(group.changes) < 2:
            return
        key = (name, *((row["record"], row["allele"]) for row in group.rows), group.lacks)
        if key not in self._found and key not in self._refused:
            window = self._window(group)
            if reasons := _overlaps(group) or _unreadable(group, window, self.checker):
                self._refused[key] = reasons
            else:
                self._found[key] = self._row(group, window, name or f"H{len(self._found) + 1}")
        if key in self._refused:
            for row, reason in zip(group.rows, self._refused[key], strict=True):
                self.leave_out(row, reason)
            return
        known = self._found[key]
        known["carriers"] += 1
        if carrier and known["carriers"] <= MAX_NAMED:
            known["samples"] = ",".join(filter(None, (known["samples"], carrier)))

    def leave_out(self, row: Row, reason: str, genotypes: int = 1) -> None:
        """Count a variant that is on no haplotype for some genotypes."""
        keys = ("record", "variant_id", "contig", "positions", "ref", "alt")
        self._left_out[(*(row[key] for key in keys), reason)] += genotypes

    def _window(self, group: Group) -> Window:
        return self.checker.placing.window(_together(group.rows[0], tuple(group.changes)), self.checker.template.n)

    def _row(self, group: Group, window: Window, name: str) -> dict[str, Any]:
        changes = tuple(group.changes)
        ids = [row["variant_id"] for row in group.rows]
        if len(group.rows) == 1:  # the changes of one row, by what they change
            ids = [f"{change.ref}{change.start + self.first}{change.alt}" for change in changes]
        else:
            order = sorted((change, k) for k, row in enumerate(group.rows) for change in _changes(row))
            ids = [ids[k] for _, k in order]
        positions, ref, alt = columns_of(changes)
        place = {"contig": window.contig, "start": window.start, "end": window.stop, "strand": window.strand}
        texts = {"positions": positions, "ref": ref, "alt": alt, "variant_ids": ids, "samples": ""}
        return {"haplotype": name, **place, **texts, "carriers": 0, "missing": group.lacks}

    def tables(self) -> tuple[pa.Table, pd.DataFrame]:
        """Return the haplotypes (`HAPLOTYPE_SCHEMA`), and the variants that are on none (`LEFT_OUT_COLUMNS`)."""
        rows = [(*key[:-1], count, key[-1]) for key, count in sorted(self._left_out.items())]
        return (
            pa.Table.from_pylist(list(self._found.values()), HAPLOTYPE_SCHEMA),
            pd.DataFrame(rows, columns=LEFT_OUT_COLUMNS),
        )


def _changes(row: Row) -> list[Change]:
    return [trimmed(change) for change in changes_of(row["positions"], row["ref"], row["alt"])]


def _overlaps(group: Group) -> list[str]:
    """Why each variant of a group is left out where some overlap; nothing where none do."""
    if not overlap(group.changes):
        return []
    changes = sorted((change, number) for number, row in enumerate(group.rows) for change in _changes(row))
    those = {number for (a, i), (b, j) in combinations(changes, 2) if overlap((a, b)) for number in (i, j)}
    return [OVERLAPS if number in those else OTHERS_OVERLAP for number in range(len(group.rows))]


def _unreadable(group: Group, window: Window, checker: Checker) -> list[str]:
    """Why each variant of a group is left out where the model cannot read their window; nothing where it can."""
    problem = checker.problem_together(window, tuple(group.changes))
    return [f"the window of its haplotype, {problem}"] * len(group.rows) if problem else []


def _together(row: Row, changes: tuple[Change, ...]) -> Variant:
    return Variant(0, 1, "", row["contig"], changes, strand=row["strand"])


def from_table(rows: Iterable[Row], haplotypes: Haplotypes) -> None:
    """Gather the haplotypes of a table: of its column `haplotype`, and of rows that make several changes.

    Args:
        rows: with `VARIANT_SCHEMA`.
        haplotypes: takes them.
    """
    named = list[Row]()
    for row in rows:
        if row["haplotype"]:
            named.append(row)
        elif "," in row["positions"]:
            group = Group()
            group.add(row, "")
            haplotypes.close(group, "", row["variant_id"])
    named.sort(key=lambda row: (row["haplotype"], row["contig"], _changes(row)[0], row["record"]))
    for (name, _), of_haplotype in groupby(named, key=lambda row: (row["haplotype"], row["contig"])):
        group = Group()
        for row in of_haplotype:
            if not group.takes(row, "", haplotypes.checker):
                haplotypes.close(group, "", name)
                group = Group()
            group.add(row, "")
        haplotypes.close(group, "", name)


def from_vcf(path: str | Path, rows: Iterable[Row], haplotypes: Haplotypes, samples: Sequence[str] = ()) -> None:
    """Gather the haplotypes of a VCF's samples.

    Args:
        path: the VCF, sorted by position within each contig.
        rows: of the variants kept, with `VARIANT_SCHEMA`, in the order of the file.
        haplotypes: takes them.
        samples: whose haplotypes; none: all.

    Raises:
        InputError: a sample is not in the file, or the file is not sorted.
    """
    kept = _by_record(rows)
    with open_text(path, VCF) as handle:
        header, below = read_header(path, enumerate(handle, 1))
        columns = _columns(path, header.samples, samples)
        groups: dict[tuple[str, int], Group] = {}
        before, seen = ("", 0, 0), set[str]()
        record, of_record = next(kept, (-1, {}))
        for line in read_lines(path, header, below) if columns else ():
            before = _sorted(path, line, before, seen)
            mine = of_record if line.number == record else {}
            if mine:
                record, of_record = next(kept, (-1, {}))
            for sample, column in columns.items():
                _take(path, line, mine, sample, column, groups, haplotypes)
        for (sample, number), group in groups.items():
            haplotypes.close(group, f"{sample}|{number}")


def _columns(path: str | Path, known: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    missing = [name for name in wanted if name not in known]
    if missing:
        raise InputError(f"{path} has no sample {missing[0]!r}; it has {', '.join(known) or 'none'}.")
    return {name: 9 + k for k, name in enumerate(known) if not wanted or name in wanted}


def _by_record(rows: Iterable[Row]) -> Iterator[tuple[int, dict[int, Row]]]:
    for record, of_record in groupby(rows, key=lambda row: row["record"]):
        yield record, {row["allele"]: row for row in of_record}


def _sorted(path: str | Path, line: Line, before: tuple[str, int, int], seen: set[str]) -> tuple[str, int, int]:
    """Check that the file is sorted; return the contig, position and number of the line."""
    contig, position = line.cells[0], int(line.cells[1])
    if (contig == before[0] and position < before[1]) or (contig != before[0] and contig in seen):
        raise InputError(
            f"{path} is not sorted: line {line.number} ({contig}:{position}) is behind line {before[2]}; haplotypes "
            "need a sorted file (`bcftools sort`), or set haplotypes.enabled to false."
        )
    seen.add(contig)
    return contig, position, line.number


def _take(
    path: str | Path,
    line: Line,
    kept: Mapping[int, Row],
    sample: str,
    column: int,
    groups: dict[tuple[str, int], Group],
    haplotypes: Haplotypes,
) -> None:
    """Add a line's alleles to the haplotypes of a sample."""
    values = dict(zip(line.cells[8].split(":"), line.cells[column].split(":"), strict=False))
    genotype, phase = values.get("GT", "."), values.get("PS", ".")
    carried, place = genotype.replace("|", "/").split("/"), (line.cells[0], int(line.cells[1]) - 1)
    phased = "/" not in genotype or len(set(carried)) == 1
    if not phased or "." in carried:
        for number in {int(a) for a in carried if a.isdigit()} & kept.keys():
            haplotypes.leave_out(kept[number], UNPHASED)
        return
    phase = "" if phase == "." or len(set(carried)) == 1 else phase  # alike on all: of every phase set
    for number, allele in enumerate(carried, 1):
        if allele == "0":
            continue
        if not allele.isdigit() or int(allele) > len(line.alternatives):
            raise InputError(
                f"{path}: line {line.number} has the genotype {genotype!r} of {sample}, which names no allele of it."
            )
        group = groups.setdefault((sample, number), Group())
        row = kept.get(int(allele))
        if row is None:
            if line.alternatives[int(allele) - 1] != "*":  # which only repeats another line's deletion
                group.missing.append(place)
        elif group.takes(row, phase, haplotypes.checker):
            group.add(row, phase)
        else:
            haplotypes.close(group, f"{sample}|{number}")
            groups[(sample, number)] = group = Group(missing=[one for one in group.missing if one == place])
            group.add(row, phase)
