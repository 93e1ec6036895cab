"""A model that recovery is measured on, with what it is scored by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import numpy as np

from shapsketch.sampling.design import make_plan
from shapsketch.sampling.near import Near
from shapsketch.sampling.plan import Design, Plan
from shapsketch.sequences.background import Background
from shapsketch.sequences.rng import generator
from shapsketch.sequences.template import Template
from shapsketch.spectrum.terms import Terms
from shapsketch.storage.files import sha256_file

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ReferenceModel:
    """A model to sketch, with what its recovery is scored by.

    Attributes:
        name: as on the command line and in the table.
        template: the template.
        outputs: the names of the outputs.
        function: (N, n) alphabet codes to (N, outputs) float64.
        budgets: evaluations to spend, one benchmark each.
        explained: (S, n) uint8 local codes of the sequences whose Shapley values are compared.
        files: the data it was built from; their hashes name cached evaluations.
        design: the design of the sketch.
        exact: the true terms of each output, where they are known.
        noise: the standard deviation of the noise on every answer; scores refer to the noiseless function.
        control: the estimator that takes variance out of simulated Shapley values,
        control_budget: from so many evaluations.
        truth_error: simulated Shapley values may have such standard errors, as a share of their spread.
        rows: (R, n) uint8 local codes, for a table: only these can be asked.
        mutated: a sequence that the background mutates, and its rate; None: the background is uniform.
        minutes: that recovery may take on two cores, as `recovery.minutes`; None for as long as it likes.
    """

    name: str
    template: Template
    outputs: tuple[str, ...]
    function: Function
    budgets: tuple[int, ...]
    explained: np.ndarray
    files: tuple[Path, ...] = ()
    design: Design = "auto"
    exact: tuple[Terms, ...] = ()
    noise: float = 0.0
    control: str = "regression"
    control_budget: int = 50_000
    truth_error: float = 0.02
    rows: np.ndarray | None = field(default=None, repr=False)
    mutated: tuple[str, float] | None = None
    minutes: float | None = None

    @property
    def background(self) -> Background:
        """What queries are drawn from."""
        return Background.mutated(self.template, *self.mutated) if self.mutated else Background.uniform(self.template)

    @property
    def has_gaps(self) -> bool:
        """Whether some sequences of the template cannot be asked."""
        return self.rows is not None and len(self.rows) < self.template.space

    @property
    def identity(self) -> dict[str, object]:
        """What its values follow from; cached ones are named by it."""
        files = {path.name: sha256_file(path) for path in self.files}
        identity = {"benchmark": self.name, "files": files, "template": self.template.pattern, "outputs": self.outputs}
        return identity | ({"mutated": self.mutated} if self.mutated else {})

    def plan(self, budget: int, seed: int = 0, design: Design | None = None, near: float = 0.0) -> Plan:
        """Return the plan of a sketch of this model, a share of it near the explained sequences."""
        explained = self.template.alphabet.decode(self.template.to_alphabet(self.explained))
        return make_plan(
            self.identity,
            self.outputs,
            self.background,
            budget=budget,
            design=design or self.design,
            seed=seed,
            table_rows=None if self.rows is None else len(self.rows),
            near=Near.of(near, {"explained": explained}) if near else None,
        )

    def queries(self, plan: Plan) -> np.ndarray:
        """Return the (plan.size, n) uint8 local codes that a plan asks for."""
        if self.rows is not None:
            return self.rows[plan.table_order(len(self.rows))]
        return plan.queries(0, plan.size)

    def evaluate(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, outputs) float64 noiseless values at local codes."""
        return self.function(self.template.to_alphabet(codes))

    def ask(self, codes: np.ndarray) -> np.ndarray:
        """Return the values with noise, which follows from the queries alone."""
        values = self.evaluate(codes)
        if self.noise:
            values += self.noise * generator(crc32(codes.tobytes()), 0).normal(size=values.shape)
        return values
