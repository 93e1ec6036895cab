"""Phased genotypes of a VCF: which variants lie on one chromosome of a sample.

Within a phase set (PS) genotypes say it; those without one are a set of their own. What is alike on all chromosomes is
of every phase set. Of two phase sets nobody knows how they lie together, as of a genotype that is not phased.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from ..settings.errors import InputError
from ..storage.opening import VCF, open_text
from .grouping import Group, Haplotypes, Row
from .vcf import Line, read_header, read_lines

UNPHASED = "genotypes are not phased, or not called"
EVERY = "every"  # the phase set of genotypes that are alike on all chromosomes
NOT_CALLED = -1


@dataclass
class Chromosome:
    """A chromosome of a sample while a VCF is read: a group of each phase set, until a variant is too far away.

    Attributes:
        carrier: its name, such as `NA12878|1`.
        haplotypes: takes the groups.
        groups: by phase set. That of `EVERY` stands alone: the first phase set with a variant there takes it over.
        shared: the last variants of `EVERY`, as far as windows reach.
        missing: 0-based places of variants that are, or may be, on the chromosome, each with the one phase set whose
            groups do not miss it; `EVERY`: all do.
    """

    carrier: str
    haplotypes: Haplotypes
    groups: dict[str, Group] = field(default_factory=dict)
    shared: list[Row] = field(default_factory=list)
    missing: list[tuple[int, str]] = field(default_factory=list)

    def add(self, row: Row, phase: str) -> None:
        """Take a variant of a phase set; of `EVERY`, it joins each group."""
        if phase != EVERY:
            self._group(row, phase).add(row)
            return
        self.shared.append(row)
        for name, group in list(self.groups.items()):
            if group.takes(row, self.haplotypes.checker):
                group.add(row)
            else:
                self._close(name)
        if not self.groups:
            self.groups[EVERY] = Group()
            self.groups[EVERY].add(row)

    def miss(self, place: int, known_to: str = EVERY) -> None:
        """Note that a variant is, or may be, on the chromosome, and in no group but that of a phase set."""
        reach = place - self.haplotypes.checker.template.n
        for name, group in list(self.groups.items()):
            if group.changes[0].start < reach - sum(len(change.ref) for change in group.changes):
                self._close(name)
        self.shared = [row for row in self.shared if row["end"] > reach]
        starts = [group.changes[0].start for group in self.groups.values()] + [row["start"] for row in self.shared]
        first = min(starts, default=place)
        self.missing = [one for one in self.missing if one[0] >= first]
        self.missing.append((place, known_to))

    def close(self) -> None:
        """Give away all groups, as the contig ends."""
        for name in list(self.groups):
            self._close(name)
        self.shared.clear()
        self.missing.clear()

    def _group(self, row: Row, phase: str) -> Group:
        """The group that a variant of a phase set joins; one that is too far away for it ends."""
        name = phase if phase in self.groups else EVERY
        if name not in self.groups:
            self.groups[phase] = self._begun(row)
        elif self.groups[name].takes(row, self.haplotypes.checker):
            self.groups[phase] = self.groups.pop(name)
        else:
            self._close(name)
            self.groups[phase] = Group()
        return self.groups[phase]

    def _begun(self, row: Row) -> Group:
        """The first group of a phase set: of variants of every set that are near enough."""
        for first in range(len(self.shared)):
            group = Group()
            for one in self.shared[first:]:
                group.add(one)
            if group.takes(row, self.haplotypes.checker):
                return group
        return Group()

    def _close(self, phase: str) -> None:
        group = self.groups.pop(phase)
        group.missing = [
            place for place, known_to in self.missing if known_to == EVERY or phase not in (EVERY, known_to)
        ]
        self.haplotypes.close(group, self.carrier)


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
        chromosomes: dict[tuple[str, int], Chromosome] = {}
        before, seen = ("", 0, 0), set[str]()
        record, of_record = next(kept, (-1, {}))
        for line in read_lines(path, header, below) if columns else ():
            if line.cells[0] != before[0]:
                _close(chromosomes)
            before = _sorted(path, line, before, seen)
            mine = of_record if line.number == record else {}
            if mine:
                record, of_record = next(kept, (-1, {}))
            for sample, column in columns.items():
                _take(path, line, mine, sample, column, chromosomes, haplotypes)
        _close(chromosomes)


def _close(chromosomes: Mapping[tuple[str, int], Chromosome]) -> None:
    for chromosome in chromosomes.values():
        chromosome.close()


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
    chromosomes: dict[tuple[str, int], Chromosome],
    haplotypes: Haplotypes,
) -> None:
    """Add a line's alleles to the chromosomes of a sample."""
    values = dict(zip(line.cells[8].split(":"), line.cells[column].split(":"), strict=False))
    genotype, place = values.get("GT", "."), int(line.cells[1]) - 1
    carried = _carried(path, line, genotype, sample)
    # The allele * only repeats another line's deletion.
    there = [allele > 0 and line.alternatives[allele - 1] != "*" for allele in carried]
    if not any(there):
        return
    alike = len(set(carried)) == 1
    phased = NOT_CALLED not in carried and (alike or "/" not in genotype)
    phase = EVERY if alike else values.get("PS") or "."
    for allele in set() if phased else kept.keys() & set(carried):
        haplotypes.leave_out(kept[allele], UNPHASED)
    for number, (allele, is_there) in enumerate(zip(carried, there, strict=True), 1):
        if not is_there and (sample, number) not in chromosomes:
            continue
        chromosome = chromosomes.setdefault((sample, number), Chromosome(f"{sample}|{number}", haplotypes))
        taken = phased and allele in kept
        if taken:
            chromosome.add(kept[allele], phase)
        if not phased or (is_there and not taken):
            chromosome.miss(place)
        elif not alike:
            chromosome.miss(place, known_to=phase)


def _carried(path: str | Path, line: Line, genotype: str, sample: str) -> list[int]:
    """The number of the allele on each chromosome of a sample, or `NOT_CALLED`."""
    texts = genotype.replace("|", "/").split("/")
    if any(text != "." and not (text.isdigit() and int(text) <= len(line.alternatives)) for text in texts):
        raise InputError(
            f"{path}: line {line.number} has the genotype {genotype!r} of {sample}, which names no allele of it."
        )
    return [NOT_CALLED if text == "." else int(text) for text in texts]
