"""Letter tables side by side: the dividends of all supports of one order, and how often their letters occur.

The search for motifs compares tables of different positions, so they are laid out over the whole alphabet, whatever
letters the template allows; cells of letters that it does not allow are zero and never occur.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..spectrum.components import dense_table
from ..spectrum.spectrum import Spectrum
from ..spectrum.terms import Support, Terms

MAX_CELLS = 20_000_000  # of all tables together: 320 MB with their counts
MAX_FOURIER_CELLS = 4096  # terms held as Fourier coefficients are turned into tables up to this size


@dataclass(frozen=True)
class Stack:
    """The T tables of one order k.

    Attributes:
        supports: (T, k) int64, 0-based, each ascending.
        tables: (T, q^k) float64 dividends; the last position's letter runs fastest.
        counts: (T, q^k) int64, the sequences that have these letters there.
        row: the row of each support.
    """

    supports: np.ndarray
    tables: np.ndarray
    counts: np.ndarray
    row: dict[Support, int]

    @property
    def order(self) -> int:
        """The order k."""
        return self.supports.shape[1]


def carried(stack: Stack) -> np.ndarray:
    """Return (T,): the sums over the counted sequences of the squares of their dividends, of each support."""
    return (stack.counts * stack.tables**2).sum(1)


def search_terms(spectrum: Spectrum) -> Terms:
    """Return the terms that are searched for motifs, all as tables: the strongest under the background that fit.

    Terms held as Fourier coefficients become tables where these have at most `MAX_FOURIER_CELLS` cells, and are left
    out otherwise.
    """
    terms, q = spectrum.tables, spectrum.template.alphabet.q
    cells = np.array([float(q) ** k for k in terms.orders])
    fits = terms.has_table | (cells <= MAX_FOURIER_CELLS)
    order = np.argsort(np.where(fits, -spectrum.variances, np.inf), kind="stable")
    kept = np.sort(order[(np.cumsum(cells[order]) <= MAX_CELLS) & fits[order]])
    tables = {}
    for t in kept.tolist():
        support = terms.supports[t]
        tables[support] = dense_table(terms, t)
    return Terms.build(terms.sizes, tables)


def build_stacks(spectrum: Spectrum, terms: Terms, counts: np.ndarray) -> dict[int, Stack]:
    """Lay tables out by order.

    Args:
        spectrum: gives template and alphabet.
        terms: from `search_terms`.
        counts: (cells,) in the layout of `terms.tables`: sequences in each cell.
    """
    template = spectrum.template
    q, allowed = template.alphabet.q, [np.flatnonzero(row) for row in template.allowed]
    stacks = {}
    for order in np.unique(terms.orders).tolist():
        members = np.flatnonzero(terms.orders == order)
        shape = (len(members), *[q] * order)
        tables, occurrences = np.zeros(shape), np.zeros(shape, np.int64)
        for row, t in enumerate(members.tolist()):
            cells = slice(terms.table_offsets[t], terms.table_offsets[t + 1])
            place = np.ix_(*(allowed[i] for i in terms.supports[t]))
            part = terms.table(t)
            tables[row][place], occurrences[row][place] = part, counts[cells].reshape(part.shape)
        supports = np.array([terms.supports[t] for t in members.tolist()], np.int64)
        row_of = {terms.supports[t]: row for row, t in enumerate(members.tolist())}
        stacks[order] = Stack(supports, tables.reshape(len(members), -1), occurrences.reshape(len(members), -1), row_of)
    return stacks


def local_terms(spectrum: Spectrum, tables: dict[Support, np.ndarray]) -> Terms:
    """Turn tables over the whole alphabet, each of shape (q, ..., q), into terms over the template's letters."""
    allowed = spectrum.template.allowed
    return Terms.build(
        spectrum.template.sizes, {s: table[np.ix_(*(allowed[i] for i in s))] for s, table in tables.items()}
    )


def words_of(cells: np.ndarray, order: int, q: int) -> np.ndarray:
    """Return the (W, order) uint8 letter codes of cells of a table over q letters."""
    return np.stack(np.unravel_index(cells, (q,) * order), 1).astype(np.uint8)


def cells_of(words: np.ndarray, q: int) -> np.ndarray:
    """Return the (W,) int64 cells of (W, order) letter codes; the inverse of `words_of`."""
    powers = q ** np.arange(words.shape[-1] - 1, -1, -1, dtype=np.int64)
    return words.astype(np.int64) @ powers


def texts_of(letters: str, words: np.ndarray) -> Sequence[str]:
    """Return (W, order) letter codes as W strings."""
    return ["".join(letters[a] for a in word) for word in words]
