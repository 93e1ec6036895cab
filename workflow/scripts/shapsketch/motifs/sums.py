"""Sums over explained sequences: letter contributions of sets of sequences, and shares of variance with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..sequences.alphabet import Alphabet
from ..sequences.rng import BOOTSTRAP_STREAM, random_words
from .reading import Chunk

INTERVAL = (0.025, 0.975)


def extremes(reconstruction: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return two (N,) masks: the sequences with the highest and with the lowest reconstruction.

    Args:
        reconstruction: (N,); NaN for sequences that do not take part.
        share: of the sequences in each; at least one is, if there is any. Ties go by the order of the file.
    """
    there = np.flatnonzero(np.isfinite(reconstruction))
    ranked = there[np.argsort(-reconstruction[there], kind="stable")]
    count = max(1, round(share * len(there)))
    top, bottom = (np.zeros(len(reconstruction), bool) for _ in range(2))
    top[ranked[:count]] = True
    bottom[ranked[len(ranked) - min(count, len(ranked)) :]] = True
    return top, bottom


class LetterSums:
    """Sums of the Shapley values of each letter at each position, over sets of sequences.

    Args:
        alphabet: the letters.
        n: positions.
        sets: the names of the sets.
    """

    def __init__(self, alphabet: Alphabet, n: int, sets: list[str]) -> None:
        self._alphabet, self._sets = alphabet, sets
        self._sums = np.zeros((3, len(sets), n, alphabet.q))  # counts, sums, sums of squares

    def add(self, number: int, codes: np.ndarray, values: np.ndarray) -> None:
        """Add sequences to a set.

        Args:
            number: of the set.
            codes: (N, n) alphabet codes.
            values: (N, n) Shapley values.
        """
        n, q = self._sums.shape[2:]
        cells = (codes + q * np.arange(n)).ravel()
        for sums, weights in zip(self._sums[:, number], (None, values, values**2), strict=True):
            added = np.bincount(cells, None if weights is None else weights.ravel(), minlength=n * q)
            sums += added.reshape(n, q)

    def table(self, output: str) -> pd.DataFrame:
        """One row per set, position (1-based) and letter: `count`, `mean`, `standard_deviation` (0 without any)."""
        (sets, n, q), (count, total, square) = self._sums.shape[1:], self._sums
        mean = total / np.maximum(count, 1)
        spread = np.sqrt(np.maximum(square / np.maximum(count, 1) - mean**2, 0))
        return pd.DataFrame(
            {
                "output": output,
                "set": np.repeat(np.array(self._sets, object), n * q),
                "position": np.tile(np.repeat(np.arange(1, n + 1), q), sets),
                "letter": list(self._alphabet.letters) * (sets * n),
                "count": count.ravel().astype(np.int64),
                "mean": mean.ravel(),
                "standard_deviation": spread.ravel(),
            }
        )


@dataclass(frozen=True)
class Shares:
    """Shares of the variance of the reconstruction, with 95 % intervals; NaN where there is none.

    Attributes:
        share, low, high: (M,) float64.
    """

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def of(self, part: int) -> tuple[float, float, float]:
        """The share of one part, and its interval."""
        return float(self.share[part]), float(self.low[part]), float(self.high[part])


class VarianceShares:
    """Shares of variance of parts of the reconstruction, with intervals by the Bayesian bootstrap (Rubin 1981).

    Variances are mean squares over the sequences, about the background's mean, about which dividends are centred; so a
    motif that all sequences hold has its share too. Each replicate weighs each sequence by an exponential number that
    follows from the seed and the sequence's number.

    Args:
        seed: 0 <= seed < 2**64.
        replicates: how many.
        parts: how many parts M.
    """

    def __init__(self, seed: int, replicates: int, parts: int) -> None:
        self._seed, self._replicates = seed, replicates
        self._sums = np.zeros((replicates + 1, parts + 1))  # row 0 is unweighted

    def add(self, chunk: Chunk, mean: float | np.ndarray, parts: np.ndarray) -> None:
        """Add sequences.

        Args:
            chunk: N sequences; rows are theirs in the file.
            mean: of the background, of all or of each of the (N,) sequences.
            parts: (N, M) what each part adds to the reconstruction.
        """
        if not len(chunk.rows):
            return
        squares = np.column_stack([(chunk.reconstruction - mean) ** 2, parts**2])
        first, last = int(chunk.rows[0]), int(chunk.rows[-1])
        words = random_words(self._seed, BOOTSTRAP_STREAM, first, last + 1, self._replicates)[chunk.rows - first]
        weights = -np.log((words + 0.5) / 2.0**32)
        self._sums[0] += squares.sum(0)
        self._sums[1:] += weights.T @ squares

    def result(self) -> Shares:
        """Return the shares and their intervals."""
        whole, parts = self._sums[:, :1], self._sums[:, 1:]
        shares = np.divide(parts, whole, out=np.full_like(parts, np.nan), where=whole > 0)
        low, high = (
            np.quantile(shares[1:], INTERVAL, axis=0) if self._replicates else np.full((2, parts.shape[1]), np.nan)
        )
        return Shares(shares[0], low, high)
