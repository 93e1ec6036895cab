"""Conditions on the comparison page: outputs on the same sequences on one scale, and their differences on another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..sequences.template import Template
from ..storage.tsv import read_table
from .analysis import Analysis

MAX_STRONGEST = 10  # differences of two outputs that are listed


def condition_contents(
    conditions: Mapping[str, Mapping[str, Any]], analyses: Sequence[Analysis], differences: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what the page draws of each condition.

    Args:
        conditions: of the config.
        analyses: all of them.
        differences: the path of `contribution_differences.tsv`; none where there are no conditions.
    """
    explained = {(a.model, a.sequence_set): a for a in analyses}
    table = read_table(differences[0]) if differences else pd.DataFrame({"condition": []})
    return [
        _content(name, condition, explained, table[table["condition"] == name])
        for name, condition in conditions.items()
    ]


def _content(
    name: str, condition: Mapping[str, Any], explained: Mapping[tuple[str, str], Analysis], rows: pd.DataFrame
) -> dict[str, Any]:
    members, sequence_set = list(condition["outputs"]), condition["sequences"]
    analyses = [explained[member.partition("/")[0], sequence_set] for member in members]
    template = analyses[0].spectrum.template
    pairs = dict(iter(rows.groupby(["output_a", "output_b"], sort=False)))
    beside_first = [pairs[members[0], other] for other in members[1:]]
    compared = int(beside_first[0].groupby("position")["sequences"].sum().iloc[0])
    counts = [next(iter(a.on_queries.values()))["sequences"] for a in analyses]
    return {
        "name": name,
        "sequence_set": sequence_set,
        "members": members,
        "compared": compared,
        "left_out": [count - compared for count in counts],
        "letters": template.alphabet.letters,
        "fixed": (np.flatnonzero(template.sizes == 1) + 1).tolist(),
        "heights": [
            _matrix(beside_first[0], "mean_a", template),
            *(_matrix(pair, "mean_b", template) for pair in beside_first),
        ],
        "pairs": [_pair(a, b, pair, template) for (a, b), pair in pairs.items()],
    }


def _pair(a: str, b: str, rows: pd.DataFrame, template: Template) -> dict[str, Any]:
    """Two outputs: their differences, standard errors (None where there is none), and the largest differences."""
    order = rows["mean_difference"].abs().sort_values(ascending=False, kind="stable").index[:MAX_STRONGEST]
    largest = rows.loc[order].drop(columns=["condition", "output_a", "output_b"])
    return {
        "a": a,
        "b": b,
        "heights": _matrix(rows, "mean_difference", template),
        "errors": _matrix(rows, "standard_error", template),
        "strongest": largest.astype(object).where(largest.notna(), None).to_dict("records"),
    }


def _matrix(rows: pd.DataFrame, column: str, template: Template) -> list[list[float | None]]:
    """A column as (n, q) numbers; 0 where no sequence has the letter, None where the table has no number."""
    letters = template.alphabet.letters
    matrix = np.zeros((template.n, len(letters)))
    matrix[rows["position"] - 1, rows["letter"].map(letters.index)] = rows[column]
    return [[None if np.isnan(value) else float(f"{value:.6g}") for value in row] for row in matrix]
