"""The plan of a sketch: which sequences the model is asked about, and what each answer is for.

A plan is a small JSON file from which every query follows by its global index. Each query has a
role: `holdout` scores the finished spectrum and nothing else, `validation` chooses between estimators
and their settings, `train` and `lattice` are fitted. All of them together are the budget: no other
evaluation is made. The indices run through rounds, each with its share of every role, so that the
first rounds are themselves the sketch of a smaller budget.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import numpy as np

from ..models import ModelIdentity
from ..models.table_model import TableUse
from ..sequences.alphabet import Alphabet
from ..sequences.background import Background
from ..sequences.rng import TABLE_STREAM, generator
from ..sequences.template import Template
from ..settings.errors import InputError
from ..sparse_fourier.subsampling import Lattice
from ..storage.files import read_json, sha256_json, write_json
from ..storage.provenance import made_with
from .near import Near, NearContent
from .queries import Distinct, Drawn, Every, OnLattice, Rule, Segment

PLAN_VERSION = 4

Design = Literal["auto", "random", "fourier", "exhaustive", "table"]
Role = Literal["holdout", "validation", "train", "near_holdout", "near_validation", "near", "lattice"]
NEAR: tuple[Role, ...] = ("near_holdout", "near_validation", "near")  # as the first three, but drawn near sequences

MAX_DISTINCT_SPACE = 1000  # sequences per query: in a space up to this, queries are drawn without replacement
DRAWN_AT_ONCE = 1 << 18  # queries whose random words are held in memory


class PlanContent(TypedDict):
    """A plan as `plan.json` holds it, which its hash is of; the attributes of `Plan`, as plain values."""

    version: int
    model: ModelIdentity
    outputs: list[str]
    alphabet: str
    template: str
    background: list[list[float]]
    design: Design
    seed: int
    batch_size: int
    rounds: list[dict[Role, int]]
    distinct: bool
    lattice: dict[str, int] | None
    until_r2: float | None
    checked: int
    transitions: NotRequired[list[list[list[float]]]]
    near: NotRequired[NearContent]


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
        near: the sequences that a share of all queries is drawn near; None: all are drawn from the background.
    """

    model: ModelIdentity
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
    near: Near | None = None

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
        blocks, start = [], 0
        for sizes in self.rounds:
            for name, size in sizes.items():
                if name == role and size:
                    blocks.append(slice(start, start + size))
                start += size
        return blocks

    def first(self, rounds: int) -> "Plan":
        """The plan of the first rounds alone."""
        lattice = self.lattice if any("lattice" in sizes for sizes in self.rounds[:rounds]) else None
        return replace(self, rounds=self.rounds[:rounds], lattice=lattice)

    def fresh(self, count: int, seed: int, near: int = 0) -> "Plan":
        """A plan of `count` other draws from the same background, and of further ones near the same sequences."""
        rounds: dict[Role, int] = {"train": count}
        if near:
            rounds["near"] = near
        return replace(
            self,
            design="random",
            seed=seed,
            rounds=(rounds,),
            distinct=not near and draws_without_replacement(self.background, count),
            lattice=None,
            until_r2=None,
            checked=0,
        )

    def queries(self, start: int, stop: int) -> np.ndarray:
        """Return the queries start..stop-1 as (stop - start, n) uint8 local codes.

        For the design `table`, the rows are chosen by `table_order` instead.
        """
        codes = np.empty((stop - start, self.template.n), np.uint8)
        written = 0
        for segment in self.segments:
            first, last = max(start, segment.start), min(stop, segment.stop)
            for k in range(first, last, DRAWN_AT_ONCE):
                part = segment.rule(k, min(k + DRAWN_AT_ONCE, last))
                codes[k - start : k - start + len(part)] = part
                written += len(part)
        assert written == len(codes), "a plan was asked for more queries than it has"
        return codes

    @cached_property
    def segments(self) -> list[Segment]:
        """What gives the sequence of each index, in the order of the indices."""
        template = self.template
        if self.design == "exhaustive":
            return [Segment(0, template.space, Every(template))]
        draw: Rule = Distinct(template, self.seed) if self.distinct else Drawn(self.background, self.seed)
        segments, start = [], 0
        for sizes in self.rounds:
            for role, size in sizes.items():
                stop = start + size
                if self.near and role in NEAR:
                    segments += self.near.segments(self.background, self.seed, start, stop)
                elif self.lattice and role == "lattice":
                    segments.append(Segment(start, stop, OnLattice(self.lattice, template, self.seed, start)))
                else:
                    segments.append(Segment(start, stop, draw))
                start = stop
        return segments

    @property
    def near_codes(self) -> np.ndarray | None:
        """(C, n) uint8 local codes of the sequences that queries are drawn near; None without near queries."""
        if self.near is None:
            return None
        sequences = [sequence for group in self.near.sets.values() for sequence in group]
        return self.template.to_local(self.template.alphabet.encode(sequences))

    def table_order(self, rows: int) -> np.ndarray:
        """Return which row of a table of `rows` rows each query reads, (size,) int64 (design `table`)."""
        return generator(self.seed, TABLE_STREAM).permutation(rows)[: self.size]

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the plan's content; shards and spectra carry it."""
        return sha256_json(self._content())

    def _content(self) -> PlanContent:
        content: PlanContent = {
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
        if self.background.transitions is not None:
            content["transitions"] = self.background.transitions.tolist()
        if self.near:
            content["near"] = self.near.content()
        return content

    def save(self, path: str | Path, table: TableUse | None = None, notes: Sequence[str] = ()) -> None:
        """Write the plan as JSON, with its hash, and what is not part of it.

        Args:
            path: the file.
            table: what of a table is used; see `table_model.describe`.
            notes: sentences for the reports: what was left out on the way to this plan.
        """
        aside = {"table": table, "notes": list(notes), "versions": made_with()}
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
            Background(
                template,
                np.array(content["background"], float),
                np.array(content["transitions"], float) if "transitions" in content else None,
            ),
            content["design"],
            content["seed"],
            content["batch_size"],
            tuple(content["rounds"]),
            content["distinct"],
            Lattice(**content["lattice"]) if content["lattice"] else None,
            content["until_r2"],
            content["checked"],
            Near.from_content(content["near"]) if "near" in content else None,
        )
        if plan.hash != content["hash"]:
            raise InputError(f"{path} was changed by hand: its content does not match its hash.")
        return plan


def draws_without_replacement(background: Background, queries: int, on_lattice: int = 0) -> bool:
    """Whether random queries never repeat: of a uniform background, where sequences are few but enough for all of them.

    Args:
        background: what is drawn from.
        queries: all of a plan.
        on_lattice: those of them that are not drawn.
    """
    space = background.template.space
    return background.is_uniform and queries - on_lattice <= space <= MAX_DISTINCT_SPACE * queries
