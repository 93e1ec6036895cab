"""Haplotypes: which variants lie together on one chromosome, near enough for one window of the model.

Variants of a haplotype are taken along the contig, as many as fit into one window; the next one begins a new group.
Phased genotypes of a VCF say which variants share a chromosome (see `phasing`), a column `haplotype` does in a table,
and the changes of one row (`A1P:D2N`) are together by themselves.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, groupby
from typing import Any

import pandas as pd
import pyarrow as pa

from ..sequences.windows import Window
from .reading import Checker
from .variant import Change, Variant, changes_of, columns_of, fits, overlap, trimmed

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
OVERLAPS = "it overlaps another variant of its haplotype"
OTHERS_OVERLAP = "two other variants of its haplotype overlap"

Row = Mapping[str, Any]


@dataclass
class Group:
    """Variants of one haplotype, in the order of the contig, while they are gathered.

    Attributes:
        rows: of the variants, as `VARIANT_SCHEMA` has them.
        changes: of all of them.
        missing: 0-based places of further variants that are, or may be, of the haplotype, and are not among these.
    """

    rows: list[Row] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    def takes(self, row: Row, checker: Checker) -> bool:
        """Whether a further variant of the contig shares a window with these."""
        if not self.rows:
            return True
        changes = tuple(sorted([*self.changes, *_changes(row)]))
        window = checker.placing.window(_together(row, changes), checker.template.n)
        return fits(changes, window.start, window.stop, checker.placing.fill)

    def add(self, row: Row) -> None:
        """Take a variant."""
        self.rows.append(row)
        self.changes = sorted([*self.changes, *_changes(row)])

    @property
    def lacks(self) -> int:
        """How many variants are missing between the first change and the last."""
        last = max(change.stop for change in self.changes)
        return sum(self.changes[0].start <= place < last for place in self.missing)


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
            group.add(row)
            haplotypes.close(group, "", row["variant_id"])
    named.sort(key=lambda row: (row["haplotype"], row["contig"], _changes(row)[0], row["record"]))
    for (name, _), of_haplotype in groupby(named, key=lambda row: (row["haplotype"], row["contig"])):
        group = Group()
        for row in of_haplotype:
            if not group.takes(row, haplotypes.checker):
                haplotypes.close(group, "", name)
                group = Group()
            group.add(row)
        haplotypes.close(group, "", name)
