"""The design of a sketch: which sequences the model is asked about, and what each answer is for.

A plan is a small JSON file from which every query follows by its global index. Each query has a
role: `holdout` scores the finished spectrum and nothing else, `validation` chooses between estimators
and their settings, `train` and `lattice` are fitted. All of them together are the budget: no other
evaluation is made. The indices run through rounds, each with its share of every role, so that the
first rounds are themselves the sketch of a smaller budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..sequences.alphabet import Alphabet
from ..sequences.background import Background
from ..sequences.rng import DISTINCT_STREAM, QUERY_STREAM, TABLE_STREAM, generator, permuted, random_words
from ..sequences.template import Template
from ..settings.errors import InputError
from ..settings.rounds import round_ends
from ..sparse_fourier.subsampling import Lattice, fit_lattice, least_queries
from ..storage.files import read_json, sha256_json, write_json
from ..storage.provenance import made_with

PLAN_VERSION = 4

Design = Literal["auto", "random", "fourier", "exhaustive", "table"]
Role = Literal["holdout", "validation", "train", "lattice"]

HOLDOUT_SHARE, MAX_HOLDOUT = 0.1, 10_000
VALIDATION_SHARE, MAX_VALIDATION = 0.05, 10_000
LATTICE_SHARE = {"auto": 0.25, "fourier": 0.85}  # of what is left for fitting
MIN_BUDGET = 100
DISTINCT = 1000  # sequences per query: in a smaller space, queries are drawn without replacement
DRAWN_AT_ONCE = 1 << 18  # queries whose random words are held in memory


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
        rounds: the number of queries of each role, round by round; the lattice is in the last.
        distinct: whether random queries never repeat (in small spaces).
        lattice: the lattice, when there is one.
        until_r2: rounds are sampled one after another until every output's R2 is above this; None: all are.
        checked: the evaluations that a first look at the model has made, which count beside the queries.
    """

    model: dict[str, Any]
    outputs: tuple[str, ...]
    background: Background
    design: Design
    seed: int
    batch_size: int
    rounds: tuple[dict[Role, int], ...]
    distinct: bool = False
    lattice: Lattice | None = None
    until_r2: float | None = None
    checked: int = 0

    @property
    def template(self) -> Template:
        """The template of the background."""
        return self.background.template

    @cached_property
    def ends(self) -> list[int]:
        """The number of evaluations by the end of each round."""
        return np.cumsum([sum(sizes.values()) for sizes in self.rounds]).tolist()

    @property
    def size(self) -> int:
        """The number of queries."""
        return self.ends[-1]

    @property
    def evaluations(self) -> int:
        """The number of evaluations, all of them: the queries, and those of the first look at the model."""
        return self.checked + self.size

    def count(self, role: Role) -> int:
        """The number of queries of a role."""
        return sum(sizes.get(role, 0) for sizes in self.rounds)

    def blocks(self, role: Role) -> list[slice]:
        """The global indices of a role, one range a round."""
        found, start = [], 0
        for sizes in self.rounds:
            for name, size in sizes.items():
                if name == role and size:
                    found.append(slice(start, start + size))
                start += size
        return found

    def first(self, rounds: int) -> "Plan":
        """The plan of the first rounds alone."""
        lattice = self.lattice if any("lattice" in sizes for sizes in self.rounds[:rounds]) else None
        return replace(self, rounds=self.rounds[:rounds], lattice=lattice)

    def fresh(self, count: int, seed: int) -> "Plan":
        """A plan of `count` other draws from the same background, all of one role."""
        return replace(
            self,
            design="random",
            seed=seed,
            rounds=({"train": count},),
            distinct=_distinct(self.background, count),
            lattice=None,
            until_r2=None,
            checked=0,
        )

    def queries(self, start: int, stop: int) -> np.ndarray:
        """Return the queries start..stop-1 as (stop - start, n) uint8 local codes.

        For the design `table`, the rows are chosen by `table_order` instead.
        """
        template = self.template
        if self.design == "exhaustive":
            return self._numbered(np.arange(start, stop))
        lattice_start = self.blocks("lattice")[0].start if self.lattice else self.size
        codes = np.zeros((stop - start, template.n), np.uint8)
        drawn = max(min(stop, lattice_start) - start, 0)
        for first in range(0, drawn, DRAWN_AT_ONCE):
            part = codes[first : min(first + DRAWN_AT_ONCE, drawn)]
            self._draw(start + first, part)
        if drawn < stop - start:
            assert self.lattice is not None
            codes[drawn:, template.free] = self.lattice.queries(
                self.seed, start + drawn - lattice_start, stop - lattice_start
            )
        return codes

    def _draw(self, start: int, codes: np.ndarray) -> None:
        """Fill in the random queries from index `start` on."""
        stop = start + len(codes)
        if self.distinct:
            places = permuted(self.seed, DISTINCT_STREAM, np.arange(start, stop), self.template.space)
            codes[:] = self._numbered(places.astype(np.int64))
            return
        words = random_words(self.seed, QUERY_STREAM, start, stop, self.template.n)
        for threshold in self.background.thresholds.T:
            codes += words >= threshold

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
            "rounds": list(self.rounds),
            "distinct": self.distinct,
            "lattice": asdict(self.lattice) if self.lattice else None,
            "until_r2": self.until_r2,
            "checked": self.checked,
        }

    def save(self, path: str | Path, table: Mapping[str, Any] | None = None, notes: Sequence[str] = ()) -> None:
        """Write the plan as JSON, with its hash, and what is not part of it.

        Args:
            path: the file.
            table: what of a table is used; see `table_model.describe`.
            notes: sentences for the reports: what was left out on the way to this plan.
        """
        aside = {"table": dict(table) if table else None, "notes": list(notes), "versions": made_with()}
        write_json(path, {"hash": self.hash, "evaluations": self.evaluations, **self._content(), **aside})

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
            tuple(content["rounds"]),
            content["distinct"],
            Lattice(**content["lattice"]) if content["lattice"] else None,
            content["until_r2"],
            content["checked"],
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
    until_r2: float | None = None,
    design: Design = "auto",
    seed: int = 0,
    batch_size: int = 1024,
    table_rows: int | None = None,
    checked: int = 0,
) -> Plan:
    """Divide a budget of evaluations into roles and rounds.

    A table is sampled by its rows, all of them if it is complete and the budget allows. A space that
    the budget covers is enumerated. Otherwise a tenth of the budget (at most 10,000) is held out, a
    twentieth validates, and the rest is fitted: for `auto` a quarter of it on the lattice of the
    sparse Fourier transform, if the background is uniform, all free positions have equally many
    letters, and that quarter holds enough bins to be of use.

    What a first look at the model has `checked` is taken off the budget before.

    Raises:
        InputError: the design cannot be had with this template, background or budget.
    """
    template = background.template
    ends = [end - checked for end in round_ends(budget, until_r2 is not None)]
    budget -= checked
    if table_rows is not None:
        budget, design = min(budget, table_rows), "table"
    elif design == "exhaustive" or _asks_all(template, budget, design):
        if template.space > budget:
            raise InputError(
                f"sketch.design is exhaustive, but the template has {template.space} sequences and "
                f"sketch.budget is {budget + checked}."
            )
        budget, design = template.space, "exhaustive"

    def plan(rounds: tuple[dict[Role, int], ...], design: Design, lattice: Lattice | None = None) -> Plan:
        common = (model, tuple(outputs), background, design, seed, batch_size, rounds)
        return Plan(*common, _distinct(background, budget), lattice, until_r2, checked)

    if design in ("table", "exhaustive") and budget == template.space:
        return plan(({"train": budget}, *({} for _ in ends[1:])), design)
    if budget + checked < MIN_BUDGET:
        raise InputError(
            f"A budget of {budget + checked} evaluations is too small to fit, choose and score; give at least "
            f"{MIN_BUDGET}."
        )
    lattice = None
    if design in LATTICE_SHARE:
        queries = int((budget - _scoring(budget)) * LATTICE_SHARE[design])
        lattice = _fit_lattice(background, queries, design == "fourier")
    if design == "auto":
        design = "fourier" if lattice else "random"
    return plan(_divide([min(end, budget) for end in ends], lattice), design, lattice)


def left_for_checks(template: Template, budget: int, design: Design) -> int:
    """Return how many evaluations a first look at the model may take: what enumerating all sequences leaves."""
    return budget - template.space if _asks_all(template, budget, design) else budget


def _asks_all(template: Template, budget: int, design: Design) -> bool:
    return design in ("auto", "exhaustive") and template.space <= budget


def _distinct(background: Background, count: int) -> bool:
    return background.is_uniform and background.template.space <= DISTINCT * count


def _scoring(budget: int) -> int:
    """Evaluations of a budget that are not fitted."""
    return min(int(budget * HOLDOUT_SHARE), MAX_HOLDOUT) + min(int(budget * VALIDATION_SHARE), MAX_VALIDATION)


def _divide(ends: list[int], lattice: Lattice | None) -> tuple[dict[Role, int], ...]:
    """Give every round the share of each role that a budget up to its end would have; the lattice comes last."""
    most = ends[-1] - _scoring(ends[-1]) - (lattice.size if lattice else 0)
    totals = []
    for end in ends:
        holdout = min(int(end * HOLDOUT_SHARE), MAX_HOLDOUT)
        totals.append((holdout, _scoring(end) - holdout, min(end - _scoring(end), most)))
    roles: tuple[Role, ...] = ("holdout", "validation", "train")
    steps = np.diff(np.array([(0, 0, 0), *totals]), axis=0).tolist()
    rounds: list[dict[Role, int]] = [dict(zip(roles, step, strict=True)) for step in steps]
    if lattice:
        rounds[-1]["lattice"] = lattice.size
    return tuple(rounds)


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
