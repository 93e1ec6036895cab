"""Tables of labels: which letters of which sequences have a concept, from TSV or BED files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..settings.errors import InputError

COLUMNS = ("sequence_id", "start", "end")
BED_COLUMNS = ("sequence_id", "start", "end", "concept")
BED_HEADERS = ("#", "track", "browser")  # beginnings of lines that hold no interval


def read_labels(path: str | Path, name: str, ids: Sequence[str], n: int) -> dict[str, np.ndarray]:
    """Read the letters that have concepts.

    A TSV has the columns `sequence_id`, `start` and `end` (1-based, both included; `position` in their place for single
    letters) and may have `concept`. A file named `.bed` has the same without a header, 0-based, without its end; its
    fourth column is the concept. Lines of one concept are joined; overlaps count once.

    Args:
        path: the file.
        name: of the entry in the config.
        ids: of the N sequences.
        n: letters of each.

    Returns:
        By concept (N, n) bool: `NAME`, or `NAME.CONCEPT` where the file names concepts. Other sequences have none.

    Raises:
        InputError: the file cannot be read, names a sequence that is not there, or a place beyond its letters.
    """
    is_bed = Path(path).suffix.lower() == ".bed"
    table, lines = _read_bed(path) if is_bed else _read_tsv(path)
    if table.empty:
        raise InputError(f"{path} of the concept {name!r} labels no letter.")
    places = pd.DataFrame({key: pd.to_numeric(table[key], errors="coerce") for key in ("start", "end")})
    first, last = places["start"] + is_bed, places["end"]
    known = pd.Index(ids)
    rows = known.get_indexer(table["sequence_id"]) if known.is_unique else None
    if rows is None:
        raise InputError(
            f"{path} labels sequences by their ids, and two of the sequences have one id; name them apart."
        )
    wrong = {
        "names the sequence {sequence_id!r}, which is not among the sequences": rows < 0,
        "has no whole numbers as places: {start!r} to {end!r}": ~(first % 1 == 0) | ~(last % 1 == 0),
        f"labels letters {{start}} to {{end}}, and a sequence has {n}": (first < 1) | (last > n) | (first > last),
    }
    for sentence, bad in wrong.items():
        if np.any(bad):
            at = int(np.flatnonzero(bad)[0])
            raise InputError(f"{path}, line {lines[at]}: {sentence.format(**table.iloc[at].to_dict())}.")
    concepts = table["concept"] if "concept" in table else pd.Series([""] * len(table))
    names = concepts.map(lambda one: f"{name}.{one}" if one else name)
    numbers, keys = pd.factorize(names)
    steps = np.zeros((len(keys), len(ids), n + 1), np.int32)
    np.add.at(steps, (numbers, rows, first.to_numpy(int) - 1), 1)
    np.add.at(steps, (numbers, rows, last.to_numpy(int)), -1)
    return dict(zip(keys, steps.cumsum(2)[:, :, :n] > 0, strict=True))


def _read_tsv(path: str | Path) -> tuple[pd.DataFrame, list[int]]:
    """The rows as text, with their lines in the file."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, skip_blank_lines=False)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table ({str(error).strip()}).") from None
    if "position" in table and not {"start", "end"} & set(table):
        table = table.assign(start=table["position"], end=table["position"])
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise InputError(
            f"{path} has no column {missing[0]!r}; it needs sequence_id, start and end (or position), separated by "
            f"tabs, and has {', '.join(map(repr, table.columns[:8]))}."
        )
    return table, list(range(2, len(table) + 2))


def _read_bed(path: str | Path) -> tuple[pd.DataFrame, list[int]]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text ({error}).") from None
    rows, lines = list[list[str]](), list[int]()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(BED_HEADERS):
            continue
        fields = line.split("\t")
        if len(fields) < len(COLUMNS):
            raise InputError(
                f"{path}, line {number}: a BED line needs 3 fields separated by tabs, and this has {len(fields)}."
            )
        rows.append([*fields[:4], ""][:4])
        lines.append(number)
    return pd.DataFrame(rows, columns=list(BED_COLUMNS)), lines
