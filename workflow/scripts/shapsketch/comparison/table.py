"""The table that sets methods side by side: what each costs, how right it is, and when the sketch pays."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..settings.methods import runs_of
from . import Task, UnsuitedError, explain
from .scoring import Scorer, flatten
from .summary import SCORES, break_even
from .truth import Truth

COLUMNS = [
    "output", "method", "compared", "evaluations", "once", "each", "amortised", "seconds",
    *(f"{name}{end}" for name in SCORES for end in ("", "_low", "_high")),
    "break_even", "truth_error", "pair_truth_error", "note",
]  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Attributes:
        tasks: one for each output; their `evaluations` are what methods get that pay once.
        truth: of all outputs.
        methods: names.
        evaluations: per sequence, of the methods that pay per sequence.
        sequences: that the user wants explained, over whom one-off costs are spread.
        draws: for each point of the curves.
    """

    tasks: Sequence[Task]
    truth: Truth
    methods: Sequence[str]
    evaluations: Sequence[int]
    sequences: int
    draws: int = 8

    def runs(self) -> list[tuple[int, str, int]]:
        """Return every run: output, method, evaluations."""
        return [
            (output, name, count)
            for output, task in enumerate(self.tasks)
            for name in self.methods
            for count in runs_of(name, task.background.template, self.evaluations, task.evaluations)
        ]

    def __call__(self, finished: Callable[[], object] = lambda: None) -> pd.DataFrame:
        """Run all; return a table with `COLUMNS`, rows by output in the order of the runs.

        Args:
            finished: called after every run.
        """
        rows = []
        for output, name, count in self.runs():
            rows.append(self.row(output, name, count))
            finished()
        table = pd.DataFrame(rows, columns=COLUMNS)
        for _, of_output in table.groupby("output", sort=False):
            table.loc[of_output.index, "break_even"] = break_even(of_output)
        return table

    def row(self, output: int, name: str, count: int) -> dict[str, Any]:
        """Run a method once; where it cannot, the note says why and the numbers are missing."""
        task = replace(self.tasks[output], evaluations=count)
        row: dict[str, Any] = {"output": task.model.outputs[output], "method": name, "evaluations": count, "note": ""}
        row["compared"] = len(task.codes)
        began = time.perf_counter()
        try:
            answer = explain(name, task)
        except UnsuitedError as error:
            return row | {"note": str(error)}
        seconds = time.perf_counter() - began
        per_sequence = float(answer.per_sequence.mean())
        scores = Scorer(self.truth, output, self.draws, task.seed)(task, answer)
        return row | {
            "once": answer.fixed,
            "each": per_sequence,
            "amortised": answer.fixed / self.sequences + per_sequence,
            "seconds": seconds,
            **flatten(scores),
            "truth_error": self.truth.errors[output],
            "pair_truth_error": self.truth.pair_errors[output],
            "note": answer.note,
        }
