"""The annotated VCF: every line that came in, with the effects of its alleles in INFO, declared in the header.

Lines stay as they are and in their order. What a header lacks is added, so that readers of VCF have nothing to complain
of: the version, the contigs with their lengths, and declarations of what occurs in FILTER, INFO and FORMAT without one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from ..settings.errors import InputError
from ..storage.opening import VCF, open_text
from .reading import is_vcf
from .vcf import COLUMNS, Header, Line, read_header, read_lines

PREFIX = "SHAPSKETCH"
LEFT_OUT = f"{PREFIX}_LEFT_OUT"
FIELDS = {"ref_value": "REF", "alt_value": "ALT", "delta": "DELTA"}
_MEANING = {
    "REF": "what the model says of the window of the reference, by alternative allele (windows differ)",
    "ALT": "what the model says of the window with the alternative allele",
    "DELTA": "ALT minus REF",
}
_DECLARED = re.compile(r"##(INFO|FORMAT|FILTER|contig)=<.*?\bID=([^,>]+)")

Effects = Iterator[tuple[int, dict[int, dict[str, tuple[float, float, float]]]]]


def keys_of(outputs: Sequence[str]) -> dict[str, str]:
    """Return the INFO key of each output, without the field's name; INFO knows no hyphens, so they become `_`."""
    keys = dict[str, str]()
    for output in outputs:
        key = plain = re.sub(r"[^A-Za-z0-9_.]", "_", output)
        number = 2
        while key in keys.values():
            key, number = f"{plain}_{number}", number + 1
        keys[output] = key
    return keys


def by_record(tables: Iterable[pa.Table]) -> Effects:
    """Yield, in the order of the file, each record with the `ref_value`, `alt_value` and `delta` of its alleles.

    Args:
        tables: with `EFFECT_SCHEMA`, in the order of the file.
    """
    record, effects = -1, dict[int, dict[str, tuple[float, float, float]]]()
    for table in tables:
        columns = (table[name].to_pylist() for name in ("record", "allele", "output", *FIELDS))
        for number, allele, output, *values in zip(*columns, strict=True):
            if number != record:
                if effects:
                    yield record, effects
                record, effects = number, {}
            effects.setdefault(allele, {})[output] = tuple(values)
    if effects:
        yield record, effects


def annotated(
    path: str | Path, effects: Effects, outputs: Sequence[str], lengths: Mapping[str, int], source: str
) -> Iterator[str]:
    """Yield the lines of an annotated VCF.

    Args:
        path: the VCF.
        effects: of its lines, as `by_record` gives them.
        outputs: of the model.
        lengths: of the genome's contigs.
        source: the program and the model, for the header.

    Raises:
        InputError: the file is no VCF, or is not the one whose variants were asked about.
    """
    undeclared, used = _undeclared(path)
    keys = keys_of(outputs)
    with open_text(path, VCF) as handle:
        header, below = read_header(path, enumerate(handle, 1))
        yield from _header(header, undeclared, {name: lengths.get(name) for name in used}, keys, source)
        record, of_record = next(effects, (-1, {}))
        for line in read_lines(path, header, below):
            here = of_record if record == line.number else {}
            if here:
                record, of_record = next(effects, (-1, {}))
            yield _line(line, here, keys)
    if of_record:
        raise InputError(f"{path} has changed: its line {record} is no longer the variant that was asked about.")


def from_table(
    tables: Iterable[pa.Table], outputs: Sequence[str], lengths: Mapping[str, int], source: str
) -> Iterator[str]:
    """Yield the lines of a VCF of the variants of a table, one line per allele, in the order of the table.

    Args:
        tables: with `EFFECT_SCHEMA`.
        outputs, lengths, source: as for `annotated`.
    """
    keys = keys_of(outputs)
    yield from _header(Header([], list(COLUMNS)), {}, dict(lengths), keys, source)
    for table in tables:
        rows = table.to_pylist()
        for start in range(0, len(rows), len(outputs)):
            row, of_row = rows[start], rows[start : start + len(outputs)]
            name = re.sub(r"[\s;]", "_", row["variant_id"]) or "."
            cells = [row["contig"], row["positions"], name, row["ref"], row["alt"], ".", ".", "."]
            values = {one["output"]: tuple(one[field] for field in FIELDS) for one in of_row}
            yield _line(Line(row["record"], cells), {1: values}, keys)


def _line(line: Line, effects: Mapping[int, Mapping[str, tuple[float, ...]]], keys: Mapping[str, str]) -> str:
    """A line with its effects."""
    cells = line.cells + ["."] * (8 - len(line.cells))
    count = len(line.alternatives)
    entries = [] if cells[7] in ("", ".") else [e for e in cells[7].split(";") if not e.startswith(f"{PREFIX}_")]
    if len(effects) < count:
        entries.append(LEFT_OUT)
    for output, key in keys.items() if effects else ():
        for k, field in enumerate(FIELDS.values()):
            triples = [effects.get(allele, {}).get(output) for allele in range(1, count + 1)]
            numbers = ("." if one is None else f"{one[k]:.7g}" for one in triples)
            entries.append(f"{PREFIX}_{field}_{key}={','.join(numbers)}")
    cells[7] = ";".join(entries) or "."
    cells[6] = cells[6] or "."
    return "\t".join(cells)


def _header(
    header: Header,
    undeclared: Mapping[str, str],
    contigs: Mapping[str, int | None],
    keys: Mapping[str, str],
    source: str,
) -> Iterator[str]:
    meta = [line for line in header.meta if f"ID={PREFIX}_" not in line]
    if not (meta and meta[0].startswith("##fileformat=")):
        yield "##fileformat=VCFv4.3"
    yield from meta
    declared = {match[2] for line in meta if (match := _DECLARED.match(line)) and match[1] == "contig"}
    for name, length in contigs.items():
        if name not in declared:
            yield f"##contig=<ID={name}{f',length={length}' if length else ''}>"
    yield from undeclared.values()
    yield f"##{PREFIX.lower()}Source={source}"
    for output, key in keys.items():
        for field, meaning in _MEANING.items():
            yield (f'##INFO=<ID={PREFIX}_{field}_{key},Number=A,Type=Float,Description="Output {output}: {meaning}">')
    yield (
        f"##INFO=<ID={LEFT_OUT},Number=0,Type=Flag,"
        'Description="Alleles of this line are left out; dropped.tsv says why">'
    )
    yield "\t".join(header.columns + list(COLUMNS[len(header.columns) :]))


def _undeclared(path: str | Path) -> tuple[dict[str, str], list[str]]:
    """Declarations of what occurs below a header without one, by kind and name; and the contigs that occur."""
    with open_text(path, VCF) as handle:
        header, below = read_header(path, enumerate(handle, 1))
        known = {match.groups() for line in header.meta if (match := _DECLARED.match(line))}
        named, contigs = dict[tuple[str, str], bool](), dict[str, None]()
        for line in read_lines(path, header, below):
            cells = line.cells + ["."] * (9 - len(line.cells))
            contigs[cells[0]] = None
            for entry in cells[7].split(";") if cells[7] != "." else ():
                name, equals, _ = entry.partition("=")
                if name and not name.startswith(f"{PREFIX}_"):
                    named[("INFO", name)] = named.get(("INFO", name), False) or bool(equals)
            named |= {("FILTER", name): True for name in cells[6].split(";") if name not in (".", "PASS", "")}
            named |= {("FORMAT", name): True for name in cells[8].split(":") if name not in (".", "")}
    lines = dict[str, str]()
    for (kind, name), valued in named.items():
        if (kind, name) not in known:
            shape = "" if kind == "FILTER" else f",Number={'.' if valued else 0},Type={'String' if valued else 'Flag'}"
            shape = ",Number=1,Type=String" if name == "GT" and kind == "FORMAT" else shape
            lines[f"{kind} {name}"] = f'##{kind}=<ID={name}{shape},Description="Not declared in the file">'
    return lines, list(contigs)


def vcf_lines(
    path: str | Path,
    tables: Iterable[pa.Table],
    outputs: Sequence[str],
    lengths: Mapping[str, int],
    source: str,
) -> Iterator[str]:
    """Yield the lines of the annotated VCF of a file of variants, whichever kind of file it is."""
    if is_vcf(path):
        return annotated(path, by_record(tables), outputs, lengths, source)
    return from_table(tables, outputs, lengths, source)
