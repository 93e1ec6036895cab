"""Which sequences a sketch has seen the like of: those that its background, or its near queries, may well draw."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betaln

from ..sequences.background import Background
from ..sequences.rng import TYPICAL_STREAM, generator

RARE_SHARE = 1e-3  # share of the draws below which a sequence's probability is remarkable
DRAWS = 20_000  # draws that tell
ROWS_AT_ONCE, CENTRES_AT_ONCE = 512, 2_000  # sequences that are compared at once


@dataclass(frozen=True)
class Typical:
    """What a sketch has drawn.

    Attributes:
        background: its background.
        near: (C, n) uint8 local codes of the sequences that queries were drawn near; None where none were.
    """

    background: Background
    near: np.ndarray | None = None

    def is_rare(self, codes: np.ndarray) -> np.ndarray:
        """Return (N,) bool: which (N, n) alphabet codes are less likely than all but a thousandth of the draws.

        Of the background, and where there are near queries also of these. An ambiguous letter counts as any.
        """
        rare = self.background.log_probabilities(codes) < self._least
        if self.near is not None and rare.any():
            local = self.background.template.to_local(codes[rare])
            rare[rare] = self._near_scores(local) < self._least_near
        return rare

    @cached_property
    def _least(self) -> float:
        return _below(self.background.log_probabilities(self.background.template.to_alphabet(self._draws)))

    @cached_property
    def _draws(self) -> np.ndarray:
        shape = (DRAWS, self.background.template.n)
        return self.background.draw(generator(0, TYPICAL_STREAM).integers(0, 2**32, shape, np.uint64))

    @cached_property
    def _least_near(self) -> float:
        """Of near queries as they are drawn: each letter of a sequence stays with probability 1 - u, u uniform."""
        assert self.near is not None
        words = generator(0, TYPICAL_STREAM + (1 << 16))
        centres, rates = self.near[words.integers(0, len(self.near), DRAWS)], words.random((DRAWS, 1))
        changed = words.random(centres.shape) < rates
        return _below(self._near_scores(np.where(changed, self._draws, centres)))

    def _near_scores(self, codes: np.ndarray) -> np.ndarray:
        """(N,) log-probability of (N, n) local codes to be drawn near the likeliest sequence, from below.

        With m letters kept, the integral over u of (1 - u)^m u^(n - m) is B(m + 1, n - m + 1); the others are drawn.
        """
        kept_chance = betaln(np.arange(self._free + 1) + 1, self._free - np.arange(self._free + 1) + 1)
        best = np.full(len(codes), -np.inf)
        for start in range(0, len(codes), ROWS_AT_ONCE):
            rows, logs = self._one_hot(codes[start : start + ROWS_AT_ONCE])
            for first in range(0, len(self._centres), CENTRES_AT_ONCE):
                centres = self._centres[first : first + CENTRES_AT_ONCE].T
                kept = np.rint(rows @ centres).astype(np.int64)
                drawn = logs.sum(1)[:, None] - logs @ centres
                block = best[start : start + ROWS_AT_ONCE]
                np.maximum(block, (kept_chance[kept] + drawn).max(1), out=block)
        return best

    @property
    def _free(self) -> int:
        return len(self.background.template.free)

    @cached_property
    def _centres(self) -> np.ndarray:
        """(C, L) which letters of the free positions each sequence has."""
        assert self.near is not None
        return self._one_hot(self.near)[0]

    def _one_hot(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, L) float64: which letters of the free positions codes have, and the same times log-probabilities."""
        free, local = self.background.template.free.tolist(), self.background.local
        letters = np.concatenate([codes[:, i, None] == np.arange(len(local[i])) for i in free], 1).astype(np.float64)
        return letters, letters * np.log(np.concatenate([local[i] for i in free]))


def _below(scores: np.ndarray) -> float:
    """The score below which a thousandth lie, and a little less."""
    least = float(np.quantile(scores, RARE_SHARE))
    return least - 1e-9 * abs(least)
