"""Shapley values and interaction indices from dividends.

Every index here is linear in the dividends: I(S) = sum over T containing S of w(|S|, |T|) a(T), so the
indices of N sequences are one product of their (N, T) dividends with a sparse matrix that the
supports alone determine.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from scipy import sparse

from ..settings.errors import InputError
from .terms import Support, Terms

Index = Literal["SV", "BV", "SII", "k-SII", "BII", "STII", "FSII", "FBII"]
Weight = Callable[[int, int, int], Fraction | int]


def _shapley_interaction(s: int, t: int, top: int) -> Fraction:
    """SII: 1 / (t - s + 1) (Grabisch & Roubens 1999)."""
    return Fraction(1, t - s + 1)


@lru_cache(maxsize=64)
def _bernoulli(count: int) -> tuple[Fraction, ...]:
    """The Bernoulli numbers B_0 ... B_count, with B_1 = -1/2."""
    numbers: list[Fraction] = []
    for m in range(count + 1):
        total = sum((comb(m + 1, k) * b for k, b in enumerate(numbers)), Fraction(0))
        numbers.append(Fraction(1) if m == 0 else -total / (m + 1))
    return tuple(numbers)


def _aggregated_shapley(s: int, t: int, top: int) -> Fraction:
    """k-SII: SII of all supersets up to the top order, weighted by Bernoulli numbers (Bordt & von Luxburg 2023)."""
    numbers = _bernoulli(top)
    terms = (comb(t - s, j) * numbers[j] / (t - s - j + 1) for j in range(min(top, t) - s + 1))
    return sum(terms, Fraction(0))


def _banzhaf_interaction(s: int, t: int, top: int) -> Fraction:
    """BII: 2^-(t - s) (Grabisch & Roubens 1999); its order 1 is the Banzhaf value."""
    return Fraction(1, 2 ** (t - s))


def _shapley_taylor(s: int, t: int, top: int) -> Fraction | int:
    """STII: a(S) below the top order, 1 / C(t, top) at it (Sundararajan et al. 2020, Eq. 5)."""
    return int(s == t) if s < top else Fraction(1, comb(t, top))


def _faith_shap(s: int, t: int, top: int) -> Fraction | int:
    """FSII: a(S), and higher dividends weighted by Tsai et al. (2023), Theorem 19."""
    if t <= top:
        return int(s == t)
    sign = -1 if (top - s) % 2 else 1
    return Fraction(sign * s * comb(top, s) * comb(t - 1, top), (top + s) * comb(t + top - 1, top + s))


def _faith_banzhaf(s: int, t: int, top: int) -> Fraction | int:
    """FBII: a(S), and higher dividends weighted by Tsai et al. (2023), Theorem 17."""
    if t <= top:
        return int(s == t)
    sign = -1 if (top - s) % 2 else 1
    return Fraction(sign * comb(t - s - 1, top - s), 2 ** (t - s))


VALUES: tuple[Index, ...] = ("SV", "BV")  # of single positions; the other indices have a top order
WEIGHTS: dict[str, Weight] = {
    "SV": lambda s, t, top: Fraction(1, t),
    "BV": _banzhaf_interaction,
    "SII": _shapley_interaction,
    "k-SII": _aggregated_shapley,
    "BII": _banzhaf_interaction,
    "STII": _shapley_taylor,
    "FSII": _faith_shap,
    "FBII": _faith_banzhaf,
}


@dataclass(frozen=True)
class InteractionMap:
    """The linear map from dividends to an interaction index.

    Attributes:
        index: the index.
        supports: the S sets of positions that can have a value, by order, then by position.
        matrix: (S, T) sparse weights.
        max_order: the top order of the index.
        train_columns: (S,) int64: which of the values that a train gives belongs to a support; None without trains, -1
            for supports above the orders that trains list.
    """

    index: Index
    supports: list[Support]
    matrix: sparse.csr_array
    max_order: int
    train_columns: np.ndarray | None = None

    @cached_property
    def orders(self) -> np.ndarray:
        """(S,) int64: the size of each support."""
        return np.array([len(support) for support in self.supports], np.int64)

    @cached_property
    def padded(self) -> np.ndarray:
        """(S, largest order) int64: the supports, filled up with zeros."""
        table = np.zeros((len(self.supports), max(map(len, self.supports), default=1)), np.int64)
        for row, support in zip(table, self.supports, strict=True):
            row[: len(support)] = support
        return table

    @property
    def is_value(self) -> bool:
        """Whether the index is of single positions only."""
        return self.index in VALUES

    def select(self, keep: np.ndarray) -> "InteractionMap":
        """Return the map to the supports whose (S,) mask is true."""
        kept = np.flatnonzero(keep)
        columns = None if self.train_columns is None else self.train_columns[kept]
        return replace(self, supports=[self.supports[k] for k in kept], matrix=self.matrix[kept], train_columns=columns)

    def apply(self, dividends: np.ndarray) -> np.ndarray:
        """Turn (N, T) dividends into (N, S) index values."""
        return np.ascontiguousarray((self.matrix @ dividends.T).T)


def interaction_map(terms: Terms, index: Index, max_order: int = 1) -> InteractionMap:
    """Return the map of an index up to an order.

    Args:
        terms: the terms; only their supports matter.
        index: `SV`, `BV`, `SII`, `k-SII`, `BII`, `STII`, `FSII` or `FBII`.
        max_order: the top order, at least 1; `SV` and `BV` have order 1 only.

    Raises:
        InputError: the index is not known.
    """
    if index not in WEIGHTS:
        raise InputError(f"The interaction index {index!r} is not one of {', '.join(WEIGHTS)}.")
    top = 1 if index in VALUES else max_order
    keys, columns, weights = [np.empty((0, top + 1), np.int64)], [np.empty(0, int)], [np.empty(0)]
    for order in np.unique(terms.orders).tolist():
        members = np.flatnonzero(terms.orders == order)
        positions = terms.positions[terms.offsets[members][:, None] + np.arange(order)]
        for size in range(1, min(order, top) + 1):
            weight = float(WEIGHTS[index](size, order, top))
            if weight == 0:
                continue
            for chosen in combinations(range(order), size):
                key = np.full((len(members), top + 1), -1, np.int64)
                key[:, 0], key[:, 1 : size + 1] = size, positions[:, chosen]
                keys.append(key)
                columns.append(members)
                weights.append(np.full(len(members), weight))
    unique, rows = np.unique(np.concatenate(keys), axis=0, return_inverse=True)
    entries = (np.concatenate(weights), (rows.ravel(), np.concatenate(columns)))
    matrix = sparse.csr_array(entries, shape=(len(unique), len(terms)))
    return InteractionMap(index, [tuple(k[1 : k[0] + 1]) for k in unique.tolist()], matrix, top)
