"""What is told of a masked explanation, as tables: its strongest interactions, and how far it can be trusted."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..spectrum.indices import InteractionMap, interaction_map
from ..spectrum.interaction_tables import INTERACTION_SCHEMA, Listing
from ..spectrum.interactions import strongest_interactions
from . import MaskFit
from .game import Players

# Interactions of a masked explanation have a standard error each.
MASK_INTERACTION_SCHEMA = INTERACTION_SCHEMA.append(pa.field("standard_error", pa.float32()))

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


def interactions_table(
    name: str, output: str, fit: MaskFit, players: Players, listing: Listing, sequence: str
) -> pa.Table:
    """Return the strongest interactions of an explanation, with `MASK_INTERACTION_SCHEMA`.

    Args:
        name: of the sequence.
        output: of the model.
        fit: the explanation.
        players: who they are.
        listing: which interactions are listed.
        sequence: the letters.
    """
    tables, terms = [MASK_INTERACTION_SCHEMA.empty_table()], fit.parities.terms
    everything = np.ones((1, players.count), np.uint8)
    names, apart = players.names, "" if players.are_positions else ","
    words = [sequence[a : b + 1] for a, b in zip(players.first.tolist(), players.last.tolist(), strict=True)]
    for index in listing.indices:
        if index == "SV":
            continue
        mapping = interaction_map(terms, index, listing.max_order)
        if not mapping.is_value:
            mapping = mapping.select(mapping.orders >= listing.min_order)
        strongest = strongest_interactions(terms, mapping, everything, top_k=listing.top_k, threshold=listing.threshold)
        supports = [mapping.supports[k] for k in strongest.columns.tolist()]
        columns = {
            "sequence_id": pa.repeat(name, len(supports)),
            "output": pa.repeat(output, len(supports)),
            "index": pa.repeat(mapping.index, len(supports)),
            "order": mapping.orders[strongest.columns].astype(np.int8),
            "positions": pa.array([",".join(names[i] for i in s) for s in supports], pa.string()),
            "letters": pa.array([apart.join(words[i] for i in s) for s in supports], pa.string()),
            "value": strongest.values.astype(np.float32),
            "standard_error": interaction_errors(fit, mapping, strongest.columns).astype(np.float32),
        }
        tables.append(pa.table(columns, schema=MASK_INTERACTION_SCHEMA))
    return pa.concat_tables(tables)


def interaction_errors(fit: MaskFit, mapping: InteractionMap, columns: np.ndarray) -> np.ndarray:
    """Return the (J,) standard errors of an index at some (J,) of its supports, in a fit of everybody's presence.

    An index is linear in the dividends, which are linear in the coefficients (`Parities.pull_back`).
    """
    dividends = mapping.matrix[columns].toarray()  # the empty one is not among the terms
    weights = fit.parities.pull_back(np.hstack([np.zeros((len(columns), 1)), dividends]))
    return np.sqrt(fit.variances(weights))
