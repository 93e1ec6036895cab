"""Motifs on the page of a masked explanation: their logos, their names, and where each sequence holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

MAX_TARGETS = 3  # motifs of a database that are named beside one
NAMED_Q = 0.05  # q-value up to which the best of them gives a motif its name
SIGNIFICANT_DIGITS = 4


@dataclass(frozen=True)
class Motifs:
    """What was found.

    Attributes:
        motifs, matrices, instances: the tables of these names.
        found: by output, what was looked through; see `found.json`.
        tomtom: the matches in a database; None where none was searched.
    """

    motifs: pd.DataFrame
    matrices: pd.DataFrame
    instances: pd.DataFrame
    found: Mapping[str, Mapping[str, Any]]
    tomtom: pd.DataFrame | None = None

    def of(self, output: str) -> dict[str, Any]:
        """Return `reason`, why none is listed, and `motifs` of an output.

        Each has `name`, `called` (the database's name; empty for none), `consensus`, `share` with `low` and `high`,
        `value`, `sequences`, `instances`, `matches` (in words) and `columns`: of each, by letter, its mean contribution
        times its frequency, and whether it makes up the motif.
        """
        listed = []
        for row in self.motifs[self.motifs["output"] == output].itertuples():
            matrix = self.matrices[(self.matrices["output"] == output) & (self.matrices["motif"] == row.motif)]
            columns = [
                {
                    "heights": {
                        str(cell.letter): _short(cell.frequency * cell.contribution) for cell in letters.itertuples()
                    },
                    "core": bool(letters["core"].iloc[0]),
                }
                for _, letters in matrix.groupby("column", sort=True)
            ]
            matches = self._matches(output, row.motif)
            listed.append(
                {
                    "name": row.motif,
                    "called": self._called(output, row.motif),
                    "consensus": row.consensus,
                    "share": _short(row.share),
                    "low": _short(row.share_low),
                    "high": _short(row.share_high),
                    "value": _short(row.value),
                    "sequences": int(row.sequences),
                    "instances": int(row.instances),
                    "matches": [f"{m.target} (q {m.q_value:.2g})" for m in matches.itertuples()],
                    "columns": columns,
                }
            )
        return {"motifs": listed, **{key: self.found[output][key] for key in ("reason", "trusted")}}

    def by_sequence(self, output: str) -> dict[str, list[dict[str, Any]]]:
        """Return the stretches of each sequence, by its name."""
        stretches: dict[str, list[dict[str, Any]]] = {}
        for row in self.instances[self.instances["output"] == output].itertuples():
            stretches.setdefault(str(row.sequence_id), []).append(
                {
                    "motif": row.motif,
                    "start": int(row.start) - 1,
                    "end": int(row.end),
                    "minus": row.strand == "-",
                    "value": _short(row.value),
                }
            )
        return stretches

    def _matches(self, output: str, motif: str) -> pd.DataFrame:
        if self.tomtom is None:
            return pd.DataFrame(columns=["target", "q_value"])
        rows = self.tomtom
        return rows[(rows["output"] == output) & (rows["motif"] == motif)].head(MAX_TARGETS)

    def _called(self, output: str, motif: str) -> str:
        best = self._matches(output, motif).head(1)
        return str(best["target"].iloc[0]) if len(best) and best["q_value"].iloc[0] <= NAMED_Q else ""


def _short(value: float) -> float | None:
    return None if pd.isna(value) else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
