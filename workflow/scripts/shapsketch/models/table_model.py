"""Tables of sequences and values: a sketch without a model.

Source keys: `path`, a CSV, TSV or Parquet table with a column `sequence` and one column of numbers for each output;
`not_finite`, whether infinite values are an error or dropped; `duplicates`, whether a sequence that occurs twice
is an error or has the mean of its values. Whatever is left out is listed with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from ..sequences.reader import PIECE, find_problems
from ..sequences.template import Template
from ..settings.errors import InputError
from ..storage.delimited import read_rows, to_numbers
from . import Predictor

MAX_NAMED = 5  # unseen letters that a sentence names


@dataclass(frozen=True)
class Table:
    """A table's sequences with their values, each sequence once.

    Attributes:
        codes: (R, n) uint8 alphabet codes, in the order of the file.
        values: (R, outputs) float64, finite.
        numbers: (R,) int64, the row of each below the header, from 1; of repeated ones the first.
        rows: how many rows the table has.
        left_out: rows that are not used: `row` (1-based, below the header), `sequence`, `reason`.
        repeated: how many of the sequences have the mean of several rows.
        averaged: how many rows these are.
    """

    codes: np.ndarray
    values: np.ndarray
    numbers: np.ndarray
    rows: int
    left_out: pd.DataFrame
    repeated: int
    averaged: int


class TableUse(TypedDict):
    """What of a table a sketch uses, as `plan.json` holds it.

    Attributes:
        rows: of the file.
        left_out: rows, by the reason.
        averaged: rows of sequences that occur more than once.
        sequences: after that.
        sampled: of these.
        space: sequences of the template.
        unseen: letters that no sampled sequence has, by their position ("1" is the first).
        notes: sentences.
    """

    rows: int
    left_out: dict[str, int]
    averaged: int
    sequences: int
    sampled: int
    space: int
    unseen: dict[str, str]
    notes: list[str]


def read_table(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Table:
    """Read a table in the order of its rows.

    Args:
        source: as in the config; `sequence` is the name of the column of sequences, if it is another one.
        template: what the sequences must fit.
        outputs: the columns of values.

    Raises:
        InputError: the file, a column, a sequence or a value is not as it should be, or no row is left.
    """
    path = Path(source["path"])
    column = source.get("sequence", "sequence")
    pieces = [piece.rename(columns={column: "sequence"}) for piece in read_rows(path, [column, *outputs], PIECE)]
    if not sum(map(len, pieces)):
        raise InputError(f"{path} holds no rows.")
    table = pd.concat(pieces)
    values = np.column_stack([to_numbers(path, table[output]) for output in outputs])
    reasons = _why_left_out(path, table, values, outputs, source.get("not_finite", "error"))
    sequences = pd.Series(template.alphabet.normalise(table["sequence"].tolist()), table.index, dtype=object)
    kept = np.flatnonzero(reasons == "")
    if not kept.size:
        first = f"row {table.index[0]} has {reasons[0]}"
        raise InputError(f"{path} has no row with a value in each of {', '.join(outputs)}; {first}.")
    _refuse_misfits(path, template, sequences.iloc[kept])
    out = np.flatnonzero(reasons)
    left_out = pd.DataFrame({"row": table.index[out], "sequence": sequences.iloc[out].tolist(), "reason": reasons[out]})
    sequences, values = sequences.iloc[kept], values[kept]
    twice = sequences.duplicated(keep=False).to_numpy()
    if twice.any() and source.get("duplicates", "error") == "error":
        _refuse_duplicate(path, sequences)
    groups, unique = pd.factorize(sequences)
    means = pd.DataFrame(values).groupby(groups, sort=True).mean().to_numpy() if twice.any() else values
    repeated = len(unique) - int((~twice).sum())
    codes = template.alphabet.encode(list(unique))
    numbers = sequences.index[~sequences.duplicated()].to_numpy(np.int64)
    return Table(codes, means, numbers, len(table), left_out, repeated, int(twice.sum()))


def load(source: Mapping[str, Any], template: Template, outputs: Sequence[str]) -> Predictor:
    """Return a predictor that looks sequences up; one that the table lacks is an error."""
    table = read_table(source, template, outputs)
    rows = {key.tobytes(): k for k, key in enumerate(table.codes)}

    def predict(queries: np.ndarray) -> np.ndarray:
        try:
            return table.values[[rows[np.ascontiguousarray(query).tobytes()] for query in queries]]
        except KeyError:
            raise LookupError("a sequence is not in the table") from None

    return predict


def describe(table: Table, template: Template, sampled: np.ndarray) -> TableUse:
    """Say what of a table a sketch uses, for its plan and for the reports.

    Args:
        table: the table.
        template: of the sketch.
        sampled: (K,) the numbers of its sequences that are sampled.

    Returns:
        Plain values.
    """
    codes = table.codes[sampled]
    seen = (codes[:, :, None] == np.arange(template.alphabet.q)).any(0)
    lacking = template.allowed & ~seen
    letters = np.array(list(template.alphabet.letters))
    unseen = {str(i + 1): "".join(letters[lacking[i]]) for i in np.flatnonzero(lacking.any(1))}
    counts = table.left_out["reason"].value_counts(sort=False).to_dict()
    notes = []
    if counts:
        reasons = ", ".join(f"{count} with {reason}" for reason, count in counts.items())
        notes.append(f"{len(table.left_out)} of the table's {table.rows} rows are left out: {reasons}")
    if table.repeated:
        who = "1 sequence occurs" if table.repeated == 1 else f"{table.repeated} sequences occur"
        has = "it has" if table.repeated == 1 else "each has"
        notes.append(f"{who} in {table.averaged} rows of the table: {has} the mean of its values")
    if unseen:
        whole = len(sampled) == len(table.codes)
        notes.append(_tell_unseen(unseen, "in the table" if whole else "among the rows that are sampled"))
    return {
        "rows": table.rows,
        "left_out": counts,
        "averaged": table.averaged,
        "sequences": len(table.codes),
        "sampled": len(sampled),
        "space": template.space,
        "unseen": unseen,
        "notes": notes,
    }


def list_left_out(table: Table | None) -> str:
    """Return the rows of a table that are not used as TSV; without a table, its header."""
    rows = table.left_out if table else pd.DataFrame(columns=["row", "sequence", "reason"])
    return rows.to_csv(sep="\t", index=False)


def _tell_unseen(unseen: Mapping[str, str], where: str) -> str:
    places = [f"{letter} at position {position}" for position, letters in unseen.items() for letter in letters]
    if len(places) > MAX_NAMED:
        others = len(places) - MAX_NAMED
        named = f"{', '.join(places[:MAX_NAMED])} and {others} other letter{'s' * (others > 1)} never occur"
    else:
        named = " and ".join([", ".join(places[:-1]), places[-1]] if len(places) > 1 else places)
        named += " never occurs" if len(places) == 1 else " never occur"
    return f"{named} {where}: nothing is known of sequences that have one, and what is said of them is a guess"


def _why_left_out(
    path: Path, table: pd.DataFrame, values: np.ndarray, outputs: Sequence[str], not_finite: str
) -> np.ndarray:
    """(R,) object: why a row is not used, in words; empty where it is."""
    reasons = np.full(len(values), "", object)
    for k in reversed(range(len(outputs))):
        infinite = np.flatnonzero(np.isinf(values[:, k]))
        if infinite.size and not_finite == "error":
            row, word = table.index[infinite[0]], table[outputs[k]].iloc[infinite[0]]
            several = f", as the first of {infinite.size} rows" if infinite.size > 1 else ""
            raise InputError(
                f"{path}: row {row} has {str(word)!r} in column {outputs[k]!r}{several}; "
                "values must be finite: replace it, or set source.not_finite to drop."
            )
        reasons[infinite] = f"an infinite value in column {outputs[k]!r}"
        reasons[np.isnan(values[:, k])] = f"no value in column {outputs[k]!r}"
    return reasons


def _refuse_misfits(path: Path, template: Template, sequences: pd.Series) -> None:
    problems = find_problems(template, sequences.tolist())
    if problems:
        place = min(problems)
        problem = problems[place]
        remedy = "use single letters" if problem.kind == "ambiguous" else problem.remedy
        raise InputError(f"{path}: row {sequences.index[place]} {problem.sentence}; {remedy}.")


def _refuse_duplicate(path: Path, sequences: pd.Series) -> None:
    repeated = sequences.duplicated()
    sequence = sequences[repeated].iloc[0]
    first, second = sequences.index[sequences == sequence][:2]
    several = f", as the first of {repeated.sum()} repetitions" if repeated.sum() > 1 else ""
    raise InputError(
        f"{path}: rows {first} and {second} hold the same sequence, {sequence}{several}; leave one, or set "
        "source.duplicates to mean."
    )
