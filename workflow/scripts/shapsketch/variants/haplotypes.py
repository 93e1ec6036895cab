"""Variants of one haplotype as players: what each adds, what pairs do together, exact or from samples.

The value v(S) of some variants S is what the model says of the window with these made and the others left as in the
reference: v of none is the reference, v of all the haplotype. Shapley values (Shapley 1953) share out their difference;
a pair's Shapley interaction index (Grabisch & Roubens 1999) is what the two do beyond what each does, averaged over the
company of others: of two variants alone it is `joint - sum of singles`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pyarrow as pa

from ..masks import fit_values
from ..masks.plan import MIN_BUDGET, make_mask_plan
from ..models import Model
from ..sequences.genome import Reference
from ..sequences.rng import HAPLOTYPE_STREAM, generator
from ..sequences.windows import Window
from .effects import EffectAsker
from .reading import Placing, placed
from .variant import Change, edited

PAIR_SHARE = 5  # of the evaluations of a sampled haplotype, one in so many checks what was found of its interactions
HAPLOTYPES_AT_ONCE = 64  # whose windows are asked together, from multiples of it on
WINDOWS_AT_ONCE = 1 << 24  # letters of windows that are held at once
_PLACE = [
    ("haplotype", pa.string()),
    ("contig", pa.string()),
    ("start", pa.int64()),
    ("end", pa.int64()),
    ("strand", pa.string()),
    ("output", pa.string()),
]
VALUE_SCHEMA = pa.schema(
    [
        *_PLACE,
        ("carriers", pa.int64()),
        ("samples", pa.string()),
        ("missing", pa.int64()),
        ("players", pa.int64()),
        ("method", pa.string()),
        ("evaluations", pa.int64()),
        ("ref_value", pa.float64()),
        ("alt_value", pa.float64()),
        ("joint", pa.float64()),
        ("sum_of_singles", pa.float64()),
        ("beyond_singles", pa.float64()),
        ("variant_id", pa.string()),
        ("positions", pa.string()),
        ("ref", pa.string()),
        ("alt", pa.string()),
        ("single", pa.float64()),
        ("shapley_value", pa.float64()),
        ("standard_error", pa.float64()),
    ]
)
PAIR_SCHEMA = pa.schema(
    [
        *_PLACE,
        ("players", pa.int64()),
        ("method", pa.string()),
        ("variant_1", pa.string()),
        ("variant_2", pa.string()),
        ("positions", pa.string()),
        ("interaction", pa.float64()),
        ("standard_error", pa.float64()),
        ("r2", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Explained:
    """A game of k variants, of one output.

    Attributes:
        values, errors: (k,) float64 Shapley values and their standard errors; NaN where they are exact.
        interactions, interaction_errors: (k, k) float64, the Shapley interaction index of each pair, and its standard
            error, NaN where it is exact; symmetric.
        r2: how well interactions that are not exact reproduce the game on fresh coalitions; NaN where they are.
    """

    values: np.ndarray
    errors: np.ndarray
    interactions: np.ndarray
    interaction_errors: np.ndarray
    r2: float


def exact_values(cube: np.ndarray) -> Explained:
    """Explain a game that is known for every coalition.

    Args:
        cube: (2,) * k float64; index 1 along an axis: the player is there.

    Returns:
        phi_i = sum over S without i of |S|! (k - |S| - 1)! / k! [v(S + i) - v(S)], and of pairs the same sum of second
        differences with |S|! (k - |S| - 2)! / (k - 1)!.
    """
    k = cube.ndim
    sizes = np.indices((2,) * (k - 1)).sum(0)
    weights = np.array([1 / (k * comb(k - 1, s)) for s in range(k)])[sizes]
    values = np.array([(weights * np.diff(cube, axis=i).squeeze(i)).sum() for i in range(k)])
    interactions = np.zeros((k, k))
    if k > 1:
        weights = np.array([1 / ((k - 1) * comb(k - 2, s)) for s in range(k - 1)])[np.indices((2,) * (k - 2)).sum(0)]
        for i, j in combinations(range(k), 2):
            second = np.diff(np.diff(cube, axis=j), axis=i).squeeze((i, j))
            interactions[i, j] = interactions[j, i] = (weights * second).sum()
    return Explained(values, np.full(k, np.nan), interactions, np.full((k, k), np.nan), float("nan"))


@dataclass(frozen=True)
class HaplotypeAsker:
    """Asks a model about haplotypes.

    Attributes:
        model: the model.
        reference: the genome, or given sequences.
        placing: how windows are cut.
        max_exact: variants of a haplotype up to which every coalition is asked.
        budget: evaluations of a haplotype of more; every `PAIR_SHARE`-th of them checks the interactions of pairs. More
            are asked where the variants are nearly as many, since `MIN_BUDGET` coalitions at least are fitted.
        seed: of their coalitions.
    """

    model: Model
    reference: Reference
    placing: Placing
    max_exact: int = 16
    budget: int = 5000
    seed: int = 0

    @cached_property
    def _asker(self) -> EffectAsker:
        return EffectAsker(self.model, self.reference, self.placing)

    def masks(self, players: int) -> np.ndarray:
        """Return the (N, k) uint8 coalitions that are asked: the empty one, all players, each alone, and others."""
        if players <= self.max_exact:
            return np.indices((2,) * players, np.uint8).reshape(players, -1).T
        whole, none = np.ones((1, players), np.uint8), np.zeros((1, players), np.uint8)
        checks = check_masks(players, self.budget // PAIR_SHARE, self.seed)
        return np.concatenate([none, whole, np.eye(players, dtype=np.uint8), checks, self._plan(players).masks])

    def _plan(self, players: int) -> Any:
        left = self.budget - self.budget // PAIR_SHARE - players - 2
        return make_mask_plan(players, max(left, MIN_BUDGET), seed=self.seed, noisy=False)

    def __call__(self, haplotypes: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Explain some haplotypes.

        Args:
            haplotypes: with `HAPLOTYPE_SCHEMA`; `HAPLOTYPES_AT_ONCE` at most, for values that do not depend on how a
                file was divided.

        Returns:
            With `VALUE_SCHEMA`, one row per haplotype, output and variant, and with `PAIR_SCHEMA`, one per pair.
        """
        rows = haplotypes.to_pylist()
        answers = self._answers(rows)
        values, pairs = list[dict[str, Any]](), list[dict[str, Any]]()
        for row, of_group in zip(rows, answers, strict=True):
            for k, output in enumerate(self.model.outputs):
                explained = self._explain(len(row["variant_ids"]), of_group[:, k])
                made = _rows(row, output, of_group[:, k], explained, self.max_exact)
                values, pairs = values + made[0], pairs + made[1]
        return pa.Table.from_pylist(values, VALUE_SCHEMA), pa.Table.from_pylist(pairs, PAIR_SCHEMA)

    def _answers(self, rows: list[dict[str, Any]]) -> list[np.ndarray]:
        """(N, outputs) of the coalitions of each haplotype; those of small ones are asked together."""
        answers, waiting, counts = list[np.ndarray](), list[str](), list[int]()

        def ask() -> None:
            if waiting:
                values = self._asker.ask(waiting)
                answers.extend(np.split(values, np.cumsum(counts)[:-1]))
                waiting.clear()
                counts.clear()

        for row in rows:
            windows = self._windows(*placed(row))
            if (len(waiting) + len(windows)) * self.model.template.n > WINDOWS_AT_ONCE:
                ask()
            waiting.extend(windows)
            counts.append(len(windows))
        ask()
        return answers

    def _windows(self, window: Window, changes: tuple[Change, ...]) -> list[str]:
        """The window of every coalition, as a model reads it."""
        slack = sum(max(len(change.ref) - len(change.alt), 0) for change in changes)
        offset = window.start - slack * (self.placing.fill == "left")
        text = self.reference.fetch(window.contig, offset, window.stop + slack * (self.placing.fill == "right"))
        width = window.stop - window.start
        return [
            window.oriented(
                edited(text, offset, window.start, width, [changes[i] for i in np.flatnonzero(mask)], self.placing.fill)
            )
            for mask in self.masks(len(changes))
        ]

    def _explain(self, players: int, answers: np.ndarray) -> Explained:
        """Explain one output from its answers at `masks`."""
        if players <= self.max_exact:
            return exact_values(answers.reshape((2,) * players))
        whole, plan, checks = float(answers[1]), self._plan(players), self.budget // PAIR_SHARE
        known, asked = np.split(answers[2 + players :], [checks])
        fit = fit_values(plan, asked, whole)
        gap = whole - float(answers[0]) - fit.values.sum()  # the fit's own value of nobody is an estimate
        masks = check_masks(players, checks, self.seed)
        missed, errors = missed_interactions(masks, known - fit.parities.predict(masks))
        interactions = pair_interactions(players, *fit.parities.dividends) + missed
        return Explained(fit.values + gap / players, fit.errors, interactions, errors, fit.record["r2"])


def check_masks(players: int, count: int, seed: int) -> np.ndarray:
    """Draw the (count, k) uint8 coalitions that check interactions: of every size alike, from nobody to all."""
    rng = generator(seed, HAPLOTYPE_STREAM)
    sizes = rng.integers(0, players + 1, (count, 1))
    return (rng.random((count, players)).argsort(1).argsort(1) < sizes).astype(np.uint8)


def missed_interactions(masks: np.ndarray, residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate the interactions of what a fit has missed of a game.

    The Shapley interaction index is a sum of v(T) over coalitions T, with weights by their size t and by how many of
    the pair they hold (Fumagalli et al. 2023, SHAP-IQ, theorem 4.1): over coalitions of every size alike it is the mean
    of v(T) times k (k + 1) / [t (t - 1)], - k (k + 1) / [t (k - t)] or k (k + 1) / [(k - t) (k - t - 1)], where they
    hold both, one or none.

    Args:
        masks: (N, k) uint8, from `check_masks`.
        residuals: (N,) float64, the game there less the fit.

    Returns:
        (k, k) float64 each: the interactions of pairs, without bias but for the mean residual, which is taken off; and
        their standard errors. Zero on the diagonal.
    """
    count, k = masks.shape
    present = masks.astype(np.float64)
    sizes = present.sum(1)
    left = k - sizes
    scale = k * (k + 1) * (residuals - residuals.mean())
    both, one, none = (
        sign * scale / np.maximum(part, 1)
        for sign, part in ((1, sizes * (sizes - 1)), (-1, sizes * left), (1, left * (left - 1)))
    )
    moments = []
    for power in (1, 2):
        inside, mixed, outside = both**power, one**power, none**power
        held, other = (present * inside[:, None]).T @ present, ((1 - present) * outside[:, None]).T @ (1 - present)
        cross = (present * mixed[:, None]).T @ (1 - present)
        moments.append((held + other + cross + cross.T) / count)
    mean, square = moments
    errors = np.sqrt(np.maximum(square - mean**2, 0) / max(count - 1, 1))
    np.fill_diagonal(mean, 0)
    np.fill_diagonal(errors, 0)
    return mean, errors


def pair_interactions(players: int, supports: np.ndarray, dividends: np.ndarray) -> np.ndarray:
    """Return the (k, k) Shapley interaction index of all pairs: the sum of a(T) / (|T| - 1) over T that hold both.

    Args:
        players: k.
        supports: (D, w) int64, players in ascending order, filled up with k.
        dividends: (D,) float64, a(T).
    """
    shared = np.zeros((players + 1, players + 1))
    sizes = (supports < players).sum(1)
    for i, j in combinations(range(supports.shape[1]), 2):
        rows = sizes > j
        np.add.at(shared, (supports[rows, i], supports[rows, j]), dividends[rows] / (sizes[rows] - 1))
    return (shared + shared.T)[:players, :players]


def _rows(
    row: Mapping[str, Any], output: str, answers: np.ndarray, explained: Explained, max_exact: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of one haplotype and output, of values and of pairs."""
    names, players = row["variant_ids"], len(row["variant_ids"])
    exact = players <= max_exact
    base, whole = float(answers[0]), float(answers[-1 if exact else 1])
    alone = answers[2 ** np.arange(players)[::-1]] if exact else answers[2 : 2 + players]
    singles = alone - base
    place = {key: row[key] for key in ("haplotype", "contig", "start", "end", "strand")} | {"output": output}
    size = {"players": players, "method": "exact" if exact else "sampled"}
    sums = {"ref_value": base, "alt_value": whole, "joint": whole - base, "sum_of_singles": float(singles.sum())}
    shared = {key: row[key] for key in ("carriers", "samples", "missing")} | size | {"evaluations": len(answers)}
    sums |= {"beyond_singles": sums["joint"] - sums["sum_of_singles"]}
    parts = list(zip(*(row[key].split(",") for key in ("positions", "ref", "alt")), strict=True))
    values = [
        place | shared | sums | {"variant_id": name, "positions": part[0], "ref": part[1], "alt": part[2]}
        | {"single": float(singles[k]), "shapley_value": float(explained.values[k])}
        | {"standard_error": None if exact else float(explained.errors[k])}
        for k, (name, part) in enumerate(zip(names, parts, strict=True))
    ]  # fmt: skip
    pairs = [
        place | size | {"variant_1": names[i], "variant_2": names[j], "positions": f"{parts[i][0]},{parts[j][0]}"}
        | {"interaction": float(explained.interactions[i, j])}
        | {"standard_error": None if exact else float(explained.interaction_errors[i, j])}
        | {"r2": None if exact else explained.r2}
        for i, j in combinations(range(players), 2)
    ]  # fmt: skip
    return values, pairs
