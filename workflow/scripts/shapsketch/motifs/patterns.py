"""Patterns: some words of letters at some places of the sequence, and the part of a spectrum that they make up.

A pattern h is a function of k letters that is not zero on its *words* alone. At a *placement* (k positions) it adds
h(x at these positions) to the model; its dividends there are the centred averages of h, on every subset of the
positions (the functional ANOVA of h under the background). Comparing these with the dividends that were sketched tells
whether the pattern is at a placement, and how strongly.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ..spectrum.terms import Support
from .letter_tables import Stack, cells_of

Columns = tuple[int, ...]


@dataclass(frozen=True)
class Placements:
    """Where a pattern of k letters lies.

    Attributes:
        positions: (P, k) int64, 0-based, in the order of the pattern's letters: ascending on the plus strand,
            descending on the minus strand.
        minus: (P,) bool, whether the letters are read as their complements, from right to left.
    """

    positions: np.ndarray
    minus: np.ndarray

    @classmethod
    def of(cls, positions: np.ndarray) -> "Placements":
        """Placements at (P, k) 0-based positions on the plus strand."""
        positions = np.asarray(positions, np.int64)
        return cls(positions, np.zeros(len(positions), bool))

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, chosen: Any) -> "Placements":
        return Placements(self.positions[chosen], self.minus[chosen])

    @property
    def starts(self) -> np.ndarray:
        """(P,) the leftmost positions."""
        return self.positions.min(1)

    @property
    def stops(self) -> np.ndarray:
        """(P,) one past the rightmost positions."""
        return self.positions.max(1) + 1

    @property
    def sites(self) -> np.ndarray:
        """(P,) int64, which are at the same positions, whichever the strand: those of one number."""
        return np.unique(np.sort(self.positions, axis=1), axis=0, return_inverse=True)[1].ravel()

    def once(self, words: np.ndarray, complement: np.ndarray | None) -> np.ndarray:
        """Return the (P,) bool mask of placements, without those that read on the minus strand what others do on plus.

        Both strands of a site read the same where the reverse complement of every word is a word.

        Args:
            words: (W, k) uint8 letter codes.
            complement: (q,) the complements; None where no placement is on the minus strand.
        """
        if complement is None:
            return np.ones(len(self), bool)
        here, there = (set(map(tuple, letters.tolist())) for letters in (words, complement[words[:, ::-1]]))
        if here != there:
            return np.ones(len(self), bool)
        sites = self.sites
        return ~(self.minus & np.isin(sites, sites[~self.minus]))


def subsets(size: int, orders: Mapping[int, Stack], least: int = 2) -> Iterator[Columns]:
    """All sets of `least` or more of `size` columns, of orders that have tables."""
    for order in range(least, size + 1):
        if order in orders:
            yield from combinations(range(size), order)


def gather(
    stack: Stack, tables: np.ndarray, placements: Placements, columns: Columns, complement: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read the tables of some columns of placements, turned to the order of the pattern's letters.

    Args:
        stack: of the order of `columns`.
        tables: (T, q^k) in the stack's layout.
        placements: P placements.
        columns: which columns of the pattern.
        complement: (q,) the complements; None where no placement is on the minus strand.

    Returns:
        (F,) the placements that have a support there, (F,) its rows, and (F, q^k) its tables.
    """
    order = len(columns)
    keys = np.sort(placements.positions[:, columns], axis=1)
    rows = np.array([stack.row.get(tuple(key), -1) for key in keys.tolist()], np.int64)
    held = np.flatnonzero(rows >= 0)
    held_tables, minus = tables[rows[held]], placements.minus[held]
    if complement is not None and minus.any():
        held_tables[minus] = reverse_complement(held_tables[minus], order, complement)
    return held, rows[held], held_tables


def reverse_complement(tables: np.ndarray, order: int, complement: np.ndarray) -> np.ndarray:
    """Return (P, q^order) tables as the other strand reads them."""
    shaped = tables.reshape(len(tables), *[len(complement)] * order).transpose(0, *range(order, 0, -1))
    index: tuple[Any, ...] = (slice(None), *np.ix_(*[complement] * order))
    return shaped[index].reshape(len(tables), -1)


def component(h: np.ndarray, probabilities: np.ndarray, columns: Columns) -> np.ndarray:
    """Return the dividends of a pattern on some of its columns.

    Args:
        h: (q, ..., q) the pattern, k axes.
        probabilities: (k, q) background of each column's letters.
        columns: which columns.

    Returns:
        (q^len(columns),): the average over the other columns, centred along each axis.
    """
    for c in reversed(range(h.ndim)):
        mean = np.tensordot(h, probabilities[c], (c, 0))
        h = h - np.expand_dims(mean, c) if c in columns else mean
    return h.ravel()


def weights_of(probabilities: np.ndarray) -> np.ndarray:
    """Return the (q^k,) probabilities of words of independent letters with (k, q) probabilities."""
    product = np.ones(1)
    for row in probabilities:
        product = np.outer(product, row).ravel()
    return product


@dataclass(frozen=True)
class Fit:
    """How well placements agree with a pattern.

    Attributes:
        scales: (P,) what the pattern is to be multiplied by (least squares under the background).
        cosines: (P,) of the angle between the placement's tables and the pattern's, -1 to 1.
    """

    scales: np.ndarray
    cosines: np.ndarray


class ResidualTables:
    """The dividends in which motifs are searched, less what the motifs found so far explain.

    Args:
        stacks: by order.
        probabilities: (n, q) background over the alphabet.
        pairing: (q,) the letters' complements, of DNA and RNA.
        both_strands: whether a pattern may lie on either strand.
    """

    def __init__(
        self,
        stacks: Mapping[int, Stack],
        probabilities: np.ndarray,
        pairing: np.ndarray | None = None,
        *,
        both_strands: bool = False,
    ) -> None:
        self.stacks, self.probabilities, self.pairing = stacks, probabilities, pairing
        self.complement = pairing if both_strands else None
        self.residual = {order: stack.tables.copy() for order, stack in stacks.items()}
        self.free = (probabilities > 0).sum(1) > 1
        self._profiles = np.unique(np.round(probabilities, 12), axis=0, return_inverse=True)[1].ravel()

    @property
    def q(self) -> int:
        """The number of letters."""
        return self.probabilities.shape[1]

    def profiles(self, placements: Placements) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the numbers of placements that share one background, and that (k, q) background, column by column."""
        kinds = np.column_stack([self._profiles[placements.positions], placements.minus])
        unique, kind = np.unique(kinds, axis=0, return_inverse=True)
        for number in range(len(unique)):
            members = np.flatnonzero(kind.ravel() == number)
            rows = self.probabilities[placements.positions[members[0]]]
            if placements.minus[members[0]] and self.complement is not None:
                rows = rows[:, self.complement]
            yield members, rows

    def fit(self, h: np.ndarray, placements: Placements, least: int = 2, split: int | None = None) -> Fit:
        """Compare what is left of the tables at placements with a pattern; supports without a table are zero.

        Args:
            h: (q, ..., q) the pattern.
            placements: P placements of it.
            least: the smallest number of letters whose dividends count.
            split: where the pattern's second half starts; then only dividends of letters of both halves count.
        """
        dot, squares, pattern = (np.zeros(len(placements)) for _ in range(3))
        for members, probabilities in self.profiles(placements):
            for columns in subsets(h.ndim, self.stacks, least):
                if split is not None and not columns[0] < split <= columns[-1]:
                    continue
                stack, left = self.stacks[len(columns)], self.residual[len(columns)]
                held, _, tables = gather(stack, left, placements[members], columns, self.complement)
                expected, weights = component(h, probabilities, columns), weights_of(probabilities[list(columns)])
                dot[members[held]] += tables @ (expected * weights)
                squares[members[held]] += tables**2 @ weights
                pattern[members] += expected**2 @ weights
        scales = np.divide(dot, pattern, out=np.zeros_like(dot), where=pattern > 0)
        norm = np.sqrt(squares * pattern)
        return Fit(scales, np.divide(dot, norm, out=np.zeros_like(dot), where=norm > 0))

    def joint(self, placements: Placements, least: int = 2) -> np.ndarray:
        """Return (q^k,): what the letters of every word still add together, on average over some placements.

        The sum of what is left of the dividends of all their subsets of `least` letters or more.
        """
        size, q = placements.positions.shape[1], self.q
        total = np.zeros([q] * size)
        for columns in subsets(size, self.stacks, least):
            order = len(columns)
            _, _, tables = gather(self.stacks[order], self.residual[order], placements, columns, self.complement)
            total += (tables.sum(0) / len(placements)).reshape([q if c in columns else 1 for c in range(size)])
        return total.ravel()

    def values(self, placements: Placements, words: np.ndarray, least: int = 2, *, left: bool = False) -> np.ndarray:
        """Return (P, W): what the letters of each word add together at each placement, beyond each alone.

        Args:
            placements: P placements.
            words: (W, k) letter codes.
            least: the smallest number of letters whose dividends count.
            left: count only what no motif has explained yet.
        """
        total = np.zeros((len(placements), len(words)))
        for columns in subsets(words.shape[1], self.stacks, least):
            stack = self.stacks[len(columns)]
            source = self.residual[len(columns)] if left else stack.tables
            held, _, tables = gather(stack, source, placements, columns, self.complement)
            total[held] += tables[:, cells_of(words[:, columns], self.q)]
        return total

    def subtract(
        self, h: np.ndarray, words: np.ndarray, placements: Placements, least: int = 2
    ) -> dict[Support, np.ndarray]:
        """Take a pattern out of what is left, placement by placement; return what was taken, table by table.

        Each table loses its projection on the pattern's dividends, and its cells of the pattern's words.

        Args:
            h: (q, ..., q) the pattern's function of its k letters.
            words: (W, k) letters where it is not zero.
            placements: where it lies.
            least: the least order of a table.
        """
        taken: dict[Support, np.ndarray] = {}
        for members, probabilities in self.profiles(placements):
            for columns in subsets(h.ndim, self.stacks, least):
                order, cells = len(columns), cells_of(words[:, columns], self.q)
                expected, weights = component(h, probabilities, columns), weights_of(probabilities[list(columns)])
                variance = float(expected**2 @ weights)
                if variance == 0:
                    continue
                part = placements[members]
                held, rows, tables = gather(self.stacks[order], self.residual[order], part, columns, self.complement)
                scales = np.maximum(tables @ (expected * weights) / variance, 0)
                for k in np.unique(rows, return_index=True)[1].tolist():  # overlapping placements share tables
                    lost, blank = scales[k] * expected, np.zeros(len(expected), bool)
                    blank[cells] = True
                    if part.minus[held[k]] and self.complement is not None:
                        lost = reverse_complement(lost[None], order, self.complement)[0]
                        blank = reverse_complement(blank[None], order, self.complement)[0]
                    self.residual[order][rows[k]] -= lost
                    self.residual[order][rows[k]][blank] = 0
                    support = tuple(self.stacks[order].supports[rows[k]].tolist())
                    shaped = lost.reshape([self.q] * order)
                    taken[support] = taken[support] + shaped if support in taken else shaped
        return taken
