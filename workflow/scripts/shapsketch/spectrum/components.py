"""Components: the dividends of a function as tables and as trains, added up.

Everything that follows from dividends is linear in them, so that tables and trains are explained apart and added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .terms import Support, Terms
from .trains import Train


@dataclass(frozen=True)
class Components:
    """A function without its mean: terms, which list their supports, and trains, which do not.

    Attributes:
        terms: over all positions.
        trains: over the free positions; their means count nothing here.
        free: (p,) int64, the free positions of the template.
    """

    terms: Terms
    trains: tuple[Train, ...]
    free: np.ndarray

    @cached_property
    def term_of(self) -> dict[Support, int]:
        """The number of the term of each support that has one."""
        return {support: term for term, support in enumerate(self.terms.supports)}

    @property
    def train_scale(self) -> float:
        """Which values of trains sums have room for: a value may be 64 times the largest effect that was seen."""
        return 64 * sum(train.scale for train in self.trains)

    def at_free(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, p) columns of (N, n) codes that trains read."""
        return np.ascontiguousarray(codes[:, self.free])

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Return (N,) float64: the function at (N, n) uint8 codes, less its mean."""
        total = self.terms.predict(codes)
        for train in self.trains:
            total += train.predict(self.at_free(codes)) - train.mean
        return total

    def predict_by_order(self, codes: np.ndarray, max_order: int) -> np.ndarray:
        """Return (max_order + 1, N) float64: what `truncate` to each order, from 0 on, predicts.

        Args:
            codes: (N, n) uint8.
            max_order: the highest.
        """
        orders = range(max_order + 1)
        total = np.stack([self.terms.select(self.terms.orders <= order).predict(codes) for order in orders])
        for train in self.trains:
            total += train.predict_by_order(self.at_free(codes), max_order) - train.mean
        return total

    def shapley_values(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, n) float64 Shapley values of (N, n) uint8 codes."""
        values = self.terms.shapley_values(codes)
        for train in self.trains:
            values[:, self.free] += train.shapley_values(self.at_free(codes))
        return values

    def hypothetical_values(self, codes: np.ndarray, letters: int) -> np.ndarray:
        """Return (N, n, letters) float64: the Shapley value of position i, were letter b there and all else as it is.

        Args:
            codes: (N, n) uint8.
            letters: how many codes of each position, from 0 on.
        """
        values = self.terms.hypothetical_values(codes, letters)
        for train in self.trains:
            values[:, self.free] += train.hypothetical_values(self.at_free(codes), letters)
        return values

    def mutations(self, codes: np.ndarray, letters: int) -> np.ndarray:
        """Return (N, n, letters) float64: what the function changes by, were letter b at position i instead.

        Saturation mutagenesis in one pass over each term, and forth and back over each train.

        Args:
            codes: (N, n) uint8, each position's own letters.
            letters: how many codes of each position, from 0 on; without meaning beyond a position's own.
        """
        changes = self.terms.mutations(codes, letters)
        at_free = self.at_free(codes)
        for train in self.trains:
            values = train.mutations(at_free)[..., :letters]
            changes[:, self.free, : values.shape[2]] += values - train.predict(at_free)[:, None, None]
        return changes

    def expand(self, letters: Sequence[np.ndarray]) -> "Components":
        """Return the function of new letters that are averages of the old ones; see `Terms.expand`."""
        at_free = [letters[i] for i in self.free.tolist()]
        return replace(
            self, terms=self.terms.expand(list(letters)), trains=tuple(train.expand(at_free) for train in self.trains)
        )

    def truncate(self, max_order: int) -> "Components":
        """Return the function without dividends above an order."""
        terms = self.terms.select(self.terms.orders <= max_order)
        return replace(self, terms=terms, trains=tuple(train.truncate(max_order) for train in self.trains))

    def scaled(self, factor: float) -> "Components":
        """Return the function times a factor."""
        return replace(
            self, terms=self.terms.scaled(factor), trains=tuple(train.scaled(factor) for train in self.trains)
        )

    def variance_by_order(self, probabilities: Sequence[np.ndarray]) -> dict[int, float]:
        """Return the variance under a product background that the dividends of each order carry.

        Args:
            probabilities: for each position the (m_i,) probabilities of its letters.
        """
        from .train_variances import covariance_by_order

        orders = self.terms.orders
        variances = self.terms.variances(list(probabilities))
        result = {int(k): float(variances[orders == k].sum()) for k in np.unique(orders)}
        at_free = [probabilities[i] for i in self.free.tolist()]
        for number, first in enumerate(self.trains):
            for second in self.trains[: number + 1]:
                by_order = covariance_by_order(first, second, at_free)
                for order, covariance in enumerate(by_order.tolist()[1:], 1):
                    result[order] = result.get(order, 0.0) + covariance * (1 if first is second else 2)
            for term, support in enumerate(self.terms.supports):
                shared = self._covariance(term, support, first, probabilities)
                result[len(support)] = result.get(len(support), 0.0) + 2 * shared
        return dict(sorted(result.items()))

    def variance_by_position(self, probabilities: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Return two (n,) float64: the variance of each position alone, and of all dividends that hold it.

        Over the whole variance these are the first-order and total Sobol' indices (Sobol' 1993; Homma & Saltelli 1996).

        Args:
            probabilities: for each position the (m_i,) probabilities of its letters.
        """
        from .train_variances import total_shares

        n = len(self.terms.sizes)
        alone, whole = np.zeros(n), np.zeros(n)
        for support, variance in zip(self.terms.supports, self.terms.variances(list(probabilities)), strict=True):
            whole[list(support)] += variance
        at_free = [probabilities[i] for i in self.free.tolist()]
        for number, first in enumerate(self.trains):
            for second in self.trains[: number + 1]:
                whole[self.free] += total_shares(first, second, at_free) * (1 if first is second else 2)
            for term, support in enumerate(self.terms.supports):
                whole[list(support)] += 2 * self._covariance(term, support, first, probabilities)
        for i in self.free.tolist():
            table = sum((self.train_table(train, [i]) for train in self.trains), np.zeros(self.terms.sizes[i]))
            if (i,) in self.term_of:
                table = table + dense_table(self.terms, self.term_of[i,])
            alone[i] = table**2 @ probabilities[i]
        return alone, whole

    def _covariance(
        self, term: int, support: tuple[int, ...], train: Train, probabilities: Sequence[np.ndarray]
    ) -> float:
        """E[a(T) b(T)] of a term and a train."""
        product = dense_table(self.terms, term) * self.train_table(train, support)
        for i in reversed(support):
            product = product @ probabilities[i]
        return float(product)

    def train_table(self, train: Train, support: Sequence[int]) -> np.ndarray:
        """Return a train's dividends on a support, (letters, ..., letters) as the template allows there."""
        places = np.searchsorted(self.free, support)
        table = train.table(places.tolist())
        return table[tuple(slice(self.terms.sizes[i]) for i in support)]


def dense_table(terms: Terms, term: int) -> np.ndarray:
    """Return the (letters, ..., letters) table of a term, also where it is held as Fourier coefficients."""
    if terms.has_table[term]:
        return terms.table(term)
    support = list(terms.supports[term])
    shape = tuple(terms.sizes[support])
    codes = np.zeros((int(np.prod(shape)), len(terms.sizes)), np.uint8)
    codes[:, support] = np.indices(shape).reshape(len(shape), -1).T
    return terms.single(term).predict(codes).reshape(shape)
