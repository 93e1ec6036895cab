"""Ridge regression on parities, whose ridge and prior are chosen by checking on other masks.

What is written of parities holds for other products of a row for each player, too, as `dividends` has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ..spectrum.metrics import r_squared
from .parities import correlate, features, support_keys

RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 1e-4, 1e-6, 1e-9, 1e-13)
SEARCH_RIDGES = (0.03, 3e-3, 1e-4, 1e-9)  # of a search, while it goes on
REWEIGHTINGS = 2
RIDGE_FACTOR = 12.0  # times the ridge that was best: what is tried next is hardly ever more
MIN_PRIOR_SHARE = 1e-3  # of the noise of a coefficient's square: weaker ones are dropped when the prior is reweighted
MAX_SHARE = 0.3  # parities per sample
MAX_PARITIES = 3000
MIN_CHANCE = 0.1  # of a player to be there or not, where parities are scored: rarer ones would weigh too much
MIN_GAIN = 0.002  # of the unexplained variance: less is no gain
EXACT_SHARE = 1e-16  # of the values' variance: what is left is rounding
PATIENCE = 2  # ridges that validate no better, and the path ends


@dataclass(frozen=True)
class Data:
    """Masks with their values, to fit and to choose by.

    Attributes:
        table, values: (m + 1, N) float32 signs and (N,) float64.
        check_table, check_values: of other masks.
        max_order: the highest order of a parity.
        chances: (N,) with which each player was present in each mask; None: 1/2 in all.
    """

    table: np.ndarray
    values: np.ndarray
    check_table: np.ndarray
    check_values: np.ndarray
    max_order: int
    chances: np.ndarray | None = None

    @cached_property
    def standardised(self) -> np.ndarray:
        """(m + 1, N) float32 signs with mean 0 and variance 1 given the chance of a player to be present.

        Their products are orthonormal whatever the chances (the biased Fourier basis; O'Donnell 2014, section 8.4).
        """
        if self.chances is None:
            return self.table
        chances = np.clip(self.chances, MIN_CHANCE, 1 - MIN_CHANCE).astype(np.float32)
        signs = (self.table - (1 - 2 * chances)) / (2 * np.sqrt(chances * (1 - chances)))
        signs[-1] = 1
        return signs

    @property
    def players(self) -> int:
        """The number m of players."""
        return len(self.table) - 1

    @property
    def max_parities(self) -> int:
        """How many parities can be fitted."""
        return min(MAX_PARITIES, int(MAX_SHARE * len(self.values)))

    @property
    def everything(self) -> "Data":
        """All masks as those that are fitted: the checking ones first."""
        table, values = np.hstack([self.check_table, self.table]), np.append(self.check_values, self.values)
        return Data(table, values, table[:, :0], values[:0], self.max_order)


@dataclass(frozen=True)
class Fitted:
    """Parities with their coefficients, and how well they do on the masks that choose.

    Attributes:
        supports, coefficients: as those of `parities.Parities`.
        score: R2 on the checking masks.
        ridge: of the solution, relative to the prior's largest variance.
        prior: (K,) variances relative to their largest.
        residual: (N,) float64, what the fit leaves.
        equations: whose solution it is.
    """

    supports: np.ndarray
    coefficients: np.ndarray
    score: float
    ridge: float
    prior: np.ndarray
    residual: np.ndarray
    equations: "Equations"

    @property
    def is_exact(self) -> bool:
        """Whether nothing is left but rounding."""
        values = self.equations.data.values
        return bool(self.residual @ self.residual <= EXACT_SHARE * np.sum((values - values.mean()) ** 2))


def fit(
    data: Data,
    supports: np.ndarray,
    ridges: Sequence[float],
    reweightings: int = REWEIGHTINGS,
    known: Fitted | None = None,
) -> Fitted:
    """Fit coefficients by ridge regression; the ridge, and how often the prior is reweighted, are chosen by checking.

    Args:
        data: the data.
        supports: (K, w), the empty one first.
        ridges: from the strongest on.
        reweightings: how often at most the prior is set to what was found (an iterated ridge; Chartrand & Yin 2008).
        known: a fit to the same data, whose equations are used again.
    """
    equations = Equations.collect(data, supports, known.equations if known else None)
    best = equations.solve_path(np.ones(len(supports)), ridges)
    for _ in range(reweightings):
        prior = best[1] ** 2 / max(float(np.max(best[1][1:] ** 2, initial=0)), 1e-300)
        noise = float(np.mean(equations.residual(best[1]) ** 2)) / len(data.values)
        prior = np.maximum(prior, MIN_PRIOR_SHARE * noise / max(float(np.max(best[1][1:] ** 2, initial=0)), 1e-300))
        weaker = [ridge for ridge in ridges if ridge <= RIDGE_FACTOR * best[2]]
        solved = equations.solve_path(np.minimum(prior, 1.0), weaker)
        gained = 1 - solved[0] < (1 - MIN_GAIN) * (1 - best[0])
        best = solved if solved[0] > best[0] else best
        if not gained:
            break
    score, coefficients, ridge, prior = best
    return Fitted(supports, coefficients, score, ridge, prior, equations.residual(coefficients), equations)


@dataclass(frozen=True)
class Equations:
    """The normal equations of some parities.

    The Gram matrix holds sums of +1 and -1, exact in single precision up to 2^24 samples, whatever their order.
    """

    data: Data
    supports: np.ndarray
    values: np.ndarray
    check: np.ndarray
    gram: np.ndarray
    moments: np.ndarray

    @classmethod
    def collect(cls, data: Data, supports: np.ndarray, known: "Equations | None" = None) -> "Equations":
        """Evaluate the parities of (P, width) supports, but for those that are known."""
        check = features(data.check_table, supports)
        if known is None:
            values = features(data.table, supports)
            gram = (values @ values.T).astype(np.float64)
            return cls(data, supports, values, check, gram, correlate(values, data.values))
        keys, known_keys = (support_keys(rows, data.players) for rows in (supports, known.supports))
        _, here, there = np.intersect1d(keys, known_keys, assume_unique=True, return_indices=True)
        new = np.setdiff1d(np.arange(len(supports)), here, assume_unique=True)
        values = np.empty((len(supports), len(data.values)), np.float32)
        gram, moments = np.empty((len(supports), len(supports))), np.empty(len(supports))
        values[here], values[new] = known.values[there], features(data.table, supports[new])
        gram[np.ix_(here, here)] = known.gram[np.ix_(there, there)]
        gram[new] = values[new] @ values.T
        gram[:, new] = gram[new].T
        moments[here], moments[new] = known.moments[there], correlate(values[new], data.values)
        return cls(data, supports, values, check, gram, moments)

    @property
    def of_everything(self) -> "Equations":
        """The equations of all masks, the checking ones included."""
        values, gram = np.hstack([self.check, self.values]), self.gram + self.check @ self.check.T
        moments = self.moments + correlate(self.check, self.data.check_values)
        return Equations(self.data.everything, self.supports, values, self.check[:, :0], gram, moments)

    def solve_path(self, prior: np.ndarray, ridges: Sequence[float]) -> tuple[float, np.ndarray, float, np.ndarray]:
        """Solve for one ridge after another under the (P,) prior variances; return the best.

        Returns:
            R2 on the checking masks, the (P,) coefficients, their ridge, and `prior`.
        """
        best, worse = None, 0
        for ridge in ridges:
            w = self.solve(prior, ridge)
            score = r_squared(self.data.check_values, _transposed(self.check, w))
            worse = 0 if best is None or score > best[0] else worse + 1
            if worse == 0:
                best = (score, w, ridge, prior)
            if worse == PATIENCE:
                break
        assert best is not None
        return best

    def solve(self, prior: np.ndarray, ridge: float) -> np.ndarray:
        """Minimise |A w - y|^2 + N ridge sum w^2 / prior over the (K,) w; the empty parity is free."""
        return self._solved(prior, ridge, self.moments)

    def _solved(self, prior: np.ndarray, ridge: float, right: np.ndarray) -> np.ndarray:
        """Solve the ridge's equations for one (K,) right side, or for each column of (K, J)."""
        scale = np.sqrt(prior)
        scale[0] = 1.0
        matrix = self.gram * scale * scale[:, None]
        penalty = np.full(len(scale), len(self.data.values) * ridge)
        penalty[0] = 0.0
        matrix[np.diag_indices_from(matrix)] += penalty
        right = (scale * right.T).T
        try:
            return (scale * cho_solve(cho_factor(matrix, check_finite=False), right).T).T
        except LinAlgError:  # parities that the masks cannot tell apart
            return (scale * np.linalg.lstsq(matrix, right)[0].T).T

    def variances(self, weights: np.ndarray, w: np.ndarray, prior: np.ndarray, ridge: float) -> np.ndarray:
        """Return the (J,) sampling variances of sums of the coefficients `w`, the solution of such a prior and ridge.

        The masks are drawn, so what the fit misses of each is noise like any other; each answer's residual stands for
        its variance (the sandwich of White 1980).

        Args:
            weights: (K, J) of the coefficients in each sum.
            w: (K,) coefficients.
            prior: (K,) variances relative to their largest.
            ridge: as `solve` takes it.
        """
        solved = self._solved(prior, ridge, weights)
        squares = np.square(self.residual(w))
        freedom = max(1, len(squares) - len(w)) / len(squares)
        return squares @ np.square(_transposed(self.values, solved)) / freedom

    def residual(self, w: np.ndarray) -> np.ndarray:
        """What (P,) coefficients leave of the (N,) values."""
        return self.data.values - _transposed(self.values, w)


def _transposed(values: np.ndarray, w: np.ndarray) -> np.ndarray:
    """(N, ...) float64 products of the transpose of (K, N) float32 with (K, ...)."""
    total = np.zeros((values.shape[1], *w.shape[1:]))
    for start in range(0, len(values), 256):
        total += values[start : start + 256].astype(np.float64).T @ w[start : start + 256]
    return total
