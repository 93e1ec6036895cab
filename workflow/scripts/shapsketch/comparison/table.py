"""The table that sets methods side by side: what each costs, how right it is, and when the sketch pays."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..sequences.template import Template
from . import Task, UnsuitedError, explain
from .exact import is_enumerable
from .registry import PAID_ONCE, SCORES, break_even
from .saturation_mutagenesis import evaluations_of
from .scoring import Scorer, flatten
from .truth import Truth

COLUMNS = [
    "output", "method", "compared", "evaluations", "once", "each", "amortised", "seconds",
    *(f"{name}{end}" for name in SCORES for end in ("", "_low", "_high")),
    "break_even", "truth_error", "pair_truth_error", "note",
]  # fmt: skip


def evaluations_given(name: str, template: Template, each: int, once: int) -> int:
    """Return how many evaluations a method gets.

    Args:
        name: of the method.
        template: decides the number of saturation mutagenesis.
        each: of a sequence, of methods that pay for each.
        once: in all, of those that pay once.
    """
    if name == "saturation_mutagenesis":
        return evaluations_of(template)
    return once if name in PAID_ONCE else each


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
            for count in self._budgets(name, task)
        ]

    def _budgets(self, name: str, task: Task) -> Sequence[int]:
        template, once = task.background.template, task.evaluations
        try:
            fixed = name == "exact" and is_enumerable(task)
        except ModuleNotFoundError:
            return self.evaluations[:1]  # `explain` tells what is missing
        given = [once if fixed else evaluations_given(name, template, each, once) for each in self.evaluations]
        return list(dict.fromkeys(given))

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
