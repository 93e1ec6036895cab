"""How the letters of a motif are chosen: from an interaction on, those that interact with all of them and add to them.

Letters join one by one while each interacts with those that are there; afterwards those that add little to what all
explain together leave again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .letter_tables import cells_of
from .patterns import ResidualTables

MIN_EDGE_SHARE = (
    0.4  # of the strongest dividend of its order: how strongly a letter must interact with the others to join them
)
MIN_EDGE = 0.15  # and with each of them
MIN_EDGE_Z = 3.0  # standard errors over the translations, of the weakest of these interactions
GROWTH_RADIUS = 20  # positions around the letters of a motif where it grows
MAX_WORD_CELLS = 10_000  # letters^columns of a pattern: 6 nucleotides, 3 amino acids
MIN_LETTER_SHARE = 0.25  # of the variance that a motif explains, so of its effects half: what a letter must add to stay


@dataclass(frozen=True)
class Family:
    """Letters at one placement and its translations; dividends at all of them count.

    Attributes:
        residuals: the tables.
        shifts: how far the translations are moved, 0 included.
        sign: of the motif, 1 or -1.
        min_sequences: how many sequences must have the letters, over all translations.
        min_variance: what a letter must add at least to what the motif explains, over all translations.
    """

    residuals: ResidualTables
    shifts: list[int]
    sign: float
    min_sequences: int
    min_variance: float

    def dividends(self, letters: Mapping[int, int], free: int | None = None) -> np.ndarray:
        """(D, 1): at each translation, of the letters at these positions, times the sign; zero where unknown.

        (D, q) for all letters at the position `free`.
        """
        q = self.residuals.q
        rows, support = self._rows(letters)
        word = np.repeat(np.array([[letters[i] for i in support]]), q if free is not None else 1, axis=0)
        if free is not None:
            word[:, support.index(free)] = np.arange(q)
        cells = self.residuals.residual[len(support)][rows[:, None], cells_of(word, q)]
        return np.where(rows[:, None] >= 0, self.sign * cells, 0.0)

    def _rows(self, letters: Iterable[int]) -> tuple[np.ndarray, list[int]]:
        """(D,) the rows of the tables of these positions at each translation, -1 where there is none; the positions."""
        support = sorted(letters)
        row = self.residuals.stacks[len(support)].row
        return np.array([row.get(tuple(i + shift for i in support), -1) for shift in self.shifts]), support

    def sequences(self, letters: Mapping[int, int]) -> float:
        """At most so many sequences have these letters, over all translations, as far as tables tell."""
        known = max((order for order in self.residuals.stacks if order <= len(letters)), default=0)
        most = np.inf
        for chosen in combinations(sorted(letters), known):
            rows, support = self._rows(chosen)
            if (rows >= 0).all():
                cell = cells_of(np.array([[letters[i] for i in support]]), self.residuals.q)
                most = min(most, float(self.residuals.stacks[known].counts[rows, cell].sum()))
        return most

    def core(self, seed: dict[int, int]) -> dict[int, int]:
        """The letters of a motif that starts from these: they grow, and those that add little leave again."""
        return self.pruned(self.grown(seed))

    def grown(self, core: dict[int, int]) -> dict[int, int]:
        """Add letters at further positions while each interacts with those that are there, in enough sequences."""
        core, q = dict(core), self.residuals.q
        while q ** (len(core) + 1) <= MAX_WORD_CELLS:
            edges = self._edges(core)
            joined = False
            for i in sorted(edges, key=lambda i: (-edges[i].max(), i)):
                if edges[i].max() < MIN_EDGE_SHARE:
                    break
                wider = core | {i: int(np.argmax(edges[i]))}
                if self.sequences(wider) >= self.min_sequences:
                    core, joined = wider, True
                    break
            if not joined:
                break
        return dict(sorted(core.items()))

    def pruned(self, core: dict[int, int]) -> dict[int, int]:
        """Leave out letters that add little to the variance that the motif explains, the least first; two stay."""
        core = dict(core)
        parts = self._explained(core)
        while len(core) > 2:
            whole = sum(parts.values())
            added = {i: sum(part for chosen, part in parts.items() if i in chosen) for i in core}
            weakest = min(core, key=lambda i: (added[i], i))
            if added[weakest] >= max(MIN_LETTER_SHARE * whole, self.min_variance):
                break
            left = {chosen: part for chosen, part in parts.items() if weakest not in chosen}
            if not sum(left.values()) > 0:
                break
            del core[weakest]
            parts = left
        return core

    def _explained(self, core: Mapping[int, int]) -> dict[tuple[int, ...], float]:
        """The variance that a word explains, of each set of two or more of its letters, over all translations.

        That of the indicator of the word's letters, centred at each position with background p: of a mean dividend d
        of the motif's sign it is d^2 times the product of p / (1 - p), as the projection on the indicator shows.
        """
        shifts, odds = np.array(self.shifts), {}
        for i, letter in core.items():
            chances = self.residuals.probabilities[i + shifts, letter]
            odds[i] = np.divide(chances, 1 - chances, out=np.zeros_like(chances), where=chances < 1)
        parts = {}
        for order in (order for order in self.residuals.stacks if 2 <= order <= len(core)):
            for chosen in combinations(sorted(core), order):
                mean = max(float(self.dividends({i: core[i] for i in chosen}).mean()), 0.0)
                parts[chosen] = mean**2 * float(np.prod([odds[i] for i in chosen], axis=0).sum())
        return parts

    def _edges(self, core: dict[int, int]) -> dict[int, np.ndarray]:
        """How strongly each letter at each further position interacts with the core's letters, on average: (q,) each.

        With each letter of the core, of all dividends that hold both the largest counts, over the largest of its
        order within the core.
        """
        members, stacks = sorted(core), self.residuals.stacks
        reference = {
            order: max(self.dividends({i: core[i] for i in s}).mean() for s in combinations(members, order))
            for order in range(2, len(core) + 1)
            if order in stacks
        }
        seed = max(reference.values())
        low, high = max(members[0] - GROWTH_RADIUS, -min(self.shifts)), members[-1] + GROWTH_RADIUS
        high = min(high, len(self.residuals.probabilities) - 1 - max(self.shifts))
        edges = {}
        for i in set(range(low, high + 1)) - set(members):
            strength = np.full((len(members), len(self.shifts), self.residuals.q), -np.inf)
            for size in range(1, len(members) + 1):
                for chosen in combinations(range(len(members)), size) if size + 1 in stacks else ():
                    value = self.dividends({members[c]: core[members[c]] for c in chosen} | {i: 0}, i)
                    scale = reference.get(size + 1, 0.0)
                    rows = list(chosen)
                    strength[rows] = np.maximum(strength[rows], value / (scale if scale > 0 else seed))
            strength[np.isinf(strength)] = 0.0
            weakest = strength.min(0)
            error = weakest.std(0) / np.sqrt(len(self.shifts))
            sure = weakest.mean(0) >= np.maximum(MIN_EDGE, MIN_EDGE_Z * error)
            edges[i] = np.where(sure, strength.mean((0, 1)), 0.0)
        return edges
