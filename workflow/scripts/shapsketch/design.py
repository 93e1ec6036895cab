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
from .counter import generator, permuted, random_words
from .errors import InputError
from .files import read_json, sha256_json, write_json
from .template import Template

PLAN_VERSION = 2
QUERY_STREAM, MATRIX_STREAM, OFFSET_STREAM, TABLE_STREAM, BOOTSTRAP_STREAM, DISTINCT_STREAM = range(6)

Design = Literal["auto", "random", "fourier", "exhaustive", "table"]
Role = Literal["holdout", "validation", "train", "lattice"]

HOLDOUT_SHARE, HOLDOUT_MOST = 0.1, 10_000
VALIDATION_SHARE, VALIDATION_MOST = 0.05, 10_000
LATTICE_SHARE = {"auto": 0.25, "fourier": 0.85}  # of what is left for fitting
LATTICE_MATRICES = 3
LEAST_BUDGET = 100
DISTINCT = 1000  # sequences per query: in a smaller space, queries are drawn without replacement


@dataclass(frozen=True)
class Lattice:
    """The designed queries of the sparse Fourier transform (q-SFT), over the free positions.

    Query (c, d, l) is x = M_c l + offset_d mod m. For every one of `offsets` random base offsets
    there are the offset itself and, for each free position i, the offset minus e_i.

    Attributes:
        radix: m, the letters per free position.
        free: the number of free positions.
        dimension: b; each matrix hashes the coefficients into m**b bins.
        matrices: the number C of subsampling matrices.
        offsets: the number P of base offsets.
    """

    radix: int
    free: int
    dimension: int
    matrices: int
    offsets: int

    @property
    def bins(self) -> int:
        """The bins m**b of one matrix."""
        return self.radix**self.dimension

    @property
    def delays(self) -> int:
        """The delays P (free + 1) of one matrix."""
        return self.offsets * (self.free + 1)

    @property
    def size(self) -> int:
        """The number of queries C P (free + 1) m**b."""
        return self.matrices * self.delays * self.bins

    def subsampling(self, seed: int) -> np.ndarray:
        """Return the (C, free, b) int64 matrices: full rank modulo every prime factor of m."""
        found: list[np.ndarray] = []
        draws = generator(seed, MATRIX_STREAM)
        while len(found) < self.matrices:
            matrix = draws.integers(0, self.radix, (self.free, self.dimension))
            if all(_rank(matrix, p) == self.dimension for p in _prime_factors(self.radix)):
                found.append(matrix)
        return np.stack(found)

    def shifts(self, seed: int) -> np.ndarray:
        """Return the (P (free + 1), free) int64 offsets, in 0..m-1; row p (free + 1) is a base."""
        words = random_words(seed, OFFSET_STREAM, 0, self.offsets, self.free)
        steps = np.vstack([np.zeros((1, self.free), np.int64), np.eye(self.free, dtype=np.int64)])
        shifts = (words.astype(np.int64) % self.radix)[:, None, :] - steps
        return shifts.reshape(-1, self.free) % self.radix

    def queries(self, seed: int, start: int, stop: int) -> np.ndarray:
        """Return the (stop - start, free) uint8 queries of a range of lattice indices."""
        index = np.arange(start, stop)
        matrix, rest = np.divmod(index, self.delays * self.bins)
        delay, cell = np.divmod(rest, self.bins)
        digits = cell[:, None] // self.radix ** np.arange(self.dimension)[::-1] % self.radix
        points = np.einsum("nfb,nb->nf", self.subsampling(seed)[matrix], digits)
        return ((points + self.shifts(seed)[delay]) % self.radix).astype(np.uint8)


def _prime_factors(m: int) -> list[int]:
    return [p for p in range(2, m + 1) if m % p == 0 and all(p % d for d in range(2, p))]


def _rank(matrix: np.ndarray, p: int) -> int:
    """The rank of an integer matrix modulo a prime."""
    rows, rank = matrix % p, 0
    for column in range(rows.shape[1]):
        pivots = np.flatnonzero(rows[rank:, column])
        if not pivots.size:
            continue
        rows[[rank, rank + pivots[0]]] = rows[[rank + pivots[0], rank]]
        rows[rank] = rows[rank] * pow(int(rows[rank, column]), -1, p) % p
        others = np.arange(len(rows)) != rank
        rows[others] = (rows[others] - rows[others, column][:, None] * rows[rank]) % p
        rank += 1
    return rank


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
    """The lattice with the most bins, then the most offsets, that `queries` can pay for."""
    template = background.template
    radix, free = template.radix, len(template.free)
    if radix is None or not background.is_uniform:
        if required:
            raise InputError(
                "sketch.design is fourier, which needs a uniform background and equally many letters "
                "at every free position; use auto or random."
            )
        return None
    one_bin = LATTICE_MATRICES * (free + 1)
    dimension = 0
    while one_bin * radix ** (dimension + 1) <= queries and dimension + 1 < free:
        dimension += 1
    enough = radix**dimension >= 2 if required else LATTICE_MATRICES * radix**dimension >= (radix - 1) * free
    if dimension == 0 or not enough:
        if required:
            raise InputError(
                f"sketch.design is fourier, which needs at least {one_bin * radix} lattice queries for "
                f"this template; the budget leaves {queries}."
            )
        return None
    offsets = queries // (one_bin * radix**dimension)
    return Lattice(radix, free, dimension, LATTICE_MATRICES, offsets)
