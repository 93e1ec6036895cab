"""The design of a sketch: which sequences the model is asked about, and what each answer is for.

A plan is a small JSON file from which every query follows by its global index. The indices are
divided into blocks: `holdout` scores the finished spectrum and nothing else, `validation` chooses
between estimators and their settings, `train` and `lattice` are fitted. All blocks together are
the budget: no other evaluation is made.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .alphabet import Alphabet
from .background import Background
from .counter import DISTINCT_STREAM, QUERY_STREAM, TABLE_STREAM, generator, permuted, random_words
from .errors import InputError
from .files import read_json, sha256_json, write_json
from .lattice import Lattice, fit_lattice, least_queries
from .template import Template

PLAN_VERSION = 2

Design = Literal["auto", "random", "fourier", "exhaustive", "table"]
Role = Literal["holdout", "validation", "train", "lattice"]

HOLDOUT_SHARE, HOLDOUT_MOST = 0.1, 10_000
VALIDATION_SHARE, VALIDATION_MOST = 0.05, 10_000
LATTICE_SHARE = {"auto": 0.25, "fourier": 0.85}  # of what is left for fitting
LEAST_BUDGET = 100
DISTINCT = 1000  # sequences per query: in a smaller space, queries are drawn without replacement


@dataclass(frozen=True)
class Plan:
    """Everything that determines a sketch.

    Attributes:
        model: the model's identity: its source as configured and the SHA-256 of each of its files.
        outputs: the names of the model's outputs.
        background: the background (with its template and alphabet).
        design: `random`, `fourier` (random and lattice), `exhaustive` (every sequence once) or
            `table` (rows of a table in a random order).
        seed: of every draw.
        batch_size: sequences per call of the model; batches are aligned to global indices.
        sizes: the number of queries of each role.
        lattice: the lattice, when there is one.
    """

    model: dict[str, Any]
    outputs: tuple[str, ...]
    background: Background
    design: Design
    seed: int
    batch_size: int
    sizes: dict[Role, int]
    lattice: Lattice | None = None

    @property
    def template(self) -> Template:
        """The template of the background."""
        return self.background.template

    @property
    def size(self) -> int:
        """The number of evaluations, all of them."""
        return sum(self.sizes.values())

    def block(self, role: Role) -> slice:
        """The global indices of a role."""
        start = 0
        for name, size in self.sizes.items():
            if name == role:
                return slice(start, start + size)
            start += size
        return slice(0, 0)

    def queries(self, start: int, stop: int) -> np.ndarray:
        """Return the queries start..stop-1 as (stop - start, n) uint8 local codes.

        Draws from a uniform background do not repeat where the space is so small that some would.
        For the design `table`, the rows are chosen by `table_order` instead.
        """
        template = self.template
        if self.design == "exhaustive":
            return self._numbered(np.arange(start, stop))
        lattice_start = self.block("lattice").start if self.lattice else self.size
        codes = np.zeros((stop - start, template.n), np.uint8)
        drawn = max(min(stop, lattice_start) - start, 0)
        if drawn and self.background.is_uniform and template.space <= DISTINCT * self.size:
            places = permuted(self.seed, DISTINCT_STREAM, np.arange(start, start + drawn), template.space)
            codes[:drawn] = self._numbered(places.astype(np.int64))
        elif drawn:
            words = random_words(self.seed, QUERY_STREAM, start, start + drawn, template.n)
            for threshold in self.background.thresholds.T:
                codes[:drawn] += words >= threshold
        if drawn < stop - start:
            assert self.lattice is not None
            codes[drawn:, template.free] = self.lattice.queries(
                self.seed, start + drawn - lattice_start, stop - lattice_start
            )
        return codes

    def _numbered(self, numbers: np.ndarray) -> np.ndarray:
        """The sequences of the template with these numbers, 0 to space - 1, as (N, n) uint8 local codes."""
        sizes = self.template.sizes
        strides = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
        return (numbers[:, None] // strides % sizes).astype(np.uint8)

    def table_order(self, rows: int) -> np.ndarray:
        """Return which row of a table of `rows` rows each query reads (design `table`)."""
        return generator(self.seed, TABLE_STREAM).permutation(rows)[: self.size]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the plan's content; shards and spectra carry it."""
        return sha256_json(self._content())

    def _content(self) -> dict[str, Any]:
        return {
            "version": PLAN_VERSION,
            "model": self.model,
            "outputs": list(self.outputs),
            "alphabet": self.template.alphabet.letters,
            "template": self.template.pattern,
            "background": self.background.probabilities.tolist(),
            "design": self.design,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "sizes": self.sizes,
            "lattice": asdict(self.lattice) if self.lattice else None,
        }

    def save(self, path: str | Path) -> None:
        """Write the plan as JSON, with its hash."""
        write_json(path, {"hash": self.hash, "evaluations": self.size, **self._content()})

    @classmethod
    def load(cls, path: str | Path) -> "Plan":
        """Read a plan and check its hash.

        Raises:
            InputError: the file is no plan, is of another version, or was edited.
        """
        content = read_json(path)
        if not isinstance(content, dict) or content.get("version") != PLAN_VERSION:
            raise InputError(f"{path} is not a sketch plan of version {PLAN_VERSION}.")
        template = Template(Alphabet(content["alphabet"]), content["template"])
        plan = cls(
            content["model"],
            tuple(content["outputs"]),
            Background(template, np.array(content["background"], float)),
            content["design"],
            content["seed"],
            content["batch_size"],
            content["sizes"],
            Lattice(**content["lattice"]) if content["lattice"] else None,
        )
        if plan.hash != content["hash"]:
            raise InputError(f"{path} was changed by hand: its content does not match its hash.")
        return plan


def make_plan(
    model: dict[str, Any],
    outputs: Sequence[str],
    background: Background,
    *,
    budget: int,
    design: Design = "auto",
    seed: int = 0,
    batch_size: int = 1024,
    table_rows: int | None = None,
) -> Plan:
    """Divide a budget of evaluations into blocks.

    A table is sampled by its rows, all of them if it is complete and the budget allows. A space that
    the budget covers is enumerated. Otherwise a tenth of the budget (at most 10,000) is held out, a
    twentieth validates, and the rest is fitted: for `auto` a quarter of it on the lattice of the
    sparse Fourier transform, if the background is uniform, all free positions have equally many
    letters, and that quarter holds enough bins to be of use.

    Raises:
        InputError: the design cannot be had with this template, background or budget.
    """
    template = background.template
    common = (model, tuple(outputs), background)
    if table_rows is not None:
        budget, design = min(budget, table_rows), "table"
        if budget == template.space:
            return Plan(*common, design, seed, batch_size, {"train": budget})
    elif design == "exhaustive" or (design == "auto" and template.space <= budget):
        if template.space > budget:
            raise InputError(
                f"sketch.design is exhaustive, but the template has {template.space} sequences and "
                f"sketch.budget is {budget}."
            )
        return Plan(*common, "exhaustive", seed, batch_size, {"train": template.space})
    if budget < LEAST_BUDGET:
        raise InputError(
            f"A budget of {budget} evaluations is too small to fit, choose and score; give at least {LEAST_BUDGET}."
        )
    holdout = min(int(budget * HOLDOUT_SHARE), HOLDOUT_MOST)
    validation = min(int(budget * VALIDATION_SHARE), VALIDATION_MOST)
    rest = budget - holdout - validation
    lattice = None
    if design in LATTICE_SHARE:
        lattice = _fit_lattice(background, int(rest * LATTICE_SHARE[design]), design == "fourier")
    sizes: dict[Role, int] = {
        "holdout": holdout,
        "validation": validation,
        "train": rest - (lattice.size if lattice else 0),
    }
    if lattice:
        sizes["lattice"] = lattice.size
    if design == "auto":
        design = "fourier" if lattice else "random"
    return Plan(*common, design, seed, batch_size, sizes, lattice)


def _fit_lattice(background: Background, queries: int, required: bool) -> Lattice | None:
    """The lattice that `queries` can pay for; without need of one, only if it has enough bins to be of use."""
    template = background.template
    radix, free = template.radix, len(template.free)
    if radix is None or not background.is_uniform:
        if required:
            raise InputError(
                "sketch.design is fourier, which needs a uniform background and equally many letters "
                "at every free position; use auto or random."
            )
        return None
    lattice = fit_lattice(radix, free, queries)
    if lattice is None and required:
        raise InputError(
            f"sketch.design is fourier, which needs at least {least_queries(radix, free)} lattice queries for "
            f"this template; the budget leaves {queries}."
        )
    if lattice and not required and lattice.matrices * lattice.bins < (radix - 1) * free:
        return None
    return lattice
