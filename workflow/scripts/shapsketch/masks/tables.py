"""How far a masked explanation can be trusted, as a table: a row for each sequence and output."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from . import MaskFit

SEQUENCES_JOINED = 64  # whose tables are made one

SCORE_SCHEMA = pa.schema(
    [
        ("sequence_id", pa.string()),
        ("output", pa.string()),
        ("evaluations", pa.int64()),
        ("estimator", pa.string()),
        ("parities", pa.int64()),
        ("order", pa.int8()),
        ("r2", pa.float64()),
        ("r2_low", pa.float64()),
        ("r2_high", pa.float64()),
        ("r2_of_draws", pa.float64()),
        ("noise_share", pa.float64()),
        ("signal", pa.float64()),
        ("missed", pa.float64()),
        ("missed_error", pa.float64()),
        ("half_r2", pa.float64()),
        ("half_r2_low", pa.float64()),
        ("half_r2_high", pa.float64()),
        ("half_signal", pa.float64()),
        ("half_missed", pa.float64()),
        ("half_missed_error", pa.float64()),
        ("base_error", pa.float64()),
        ("gap", pa.float64()),
        ("gap_error", pa.float64()),
        ("least", pa.float64()),
        ("most", pa.float64()),
        ("background_sequences", pa.int64()),
    ]
)


def score_table(
    name: str, output: str, fit: MaskFit, evaluations: int, seen: tuple[float, float], stretches: int | None
) -> pa.Table:
    """Return the row of an explanation, with `SCORE_SCHEMA`.

    Args:
        name, output: of the sequence, and of the model.
        fit: the explanation.
        evaluations: of the model, the prediction not counted.
        seen: the least and the largest value of the model.
        stretches: how many sequences its background has, where it draws from real ones.
    """
    record, half = fit.record, fit.record["half"]
    low, high = record["r2_interval"]
    half_low, half_high = half["r2_interval"]
    scored = ("r2_of_draws", "noise_share", "signal", "missed", "missed_error")
    columns = {
        "sequence_id": name,
        "output": output,
        "evaluations": evaluations,
        **{key: record[key] for key in ("estimator", "parities", "order", "r2")},
        "r2_low": low,
        "r2_high": high,
        **{key: record[key] for key in scored},
        "half_r2": half["r2"],
        "half_r2_low": half_low,
        "half_r2_high": half_high,
        **{f"half_{key}": half[key] for key in ("signal", "missed", "missed_error")},
        "base_error": fit.base_error,
        "gap": fit.gap,
        "gap_error": fit.gap_error,
        "least": seen[0],
        "most": seen[1],
        "background_sequences": stretches,
    }
    return pa.table({key: [value] for key, value in columns.items()}, schema=SCORE_SCHEMA)


class Pieces:
    """Keeps the tables of many sequences in little memory: a table of one row costs thousands of columns.

    Args:
        names: of the tables of each output.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._waiting: list[Sequence[Mapping[str, Any]]] = []
        self._joined: dict[tuple[int, str], list[pa.Table]] = {}

    def add(self, tables: Sequence[Mapping[str, Any]]) -> None:
        """Add what is said of one sequence, by output and by name."""
        self._waiting.append(tables)
        if len(self._waiting) == SEQUENCES_JOINED:
            self._join()

    def of(self, output: int, name: str) -> list[pa.Table]:
        """Return the tables of an output, by its number, in the order of the sequences."""
        if self._waiting:
            self._join()
        return self._joined.get((output, name), [])

    def _join(self) -> None:
        for k in range(len(self._waiting[0])):
            for name in self._names:
                whole = pa.concat_tables([tables[k][name] for tables in self._waiting]).combine_chunks()
                self._joined.setdefault((k, name), []).append(whole)
        self._waiting = []
