"""Which sequences a sketch has seen the like of: those that its background, or its near queries, may well draw."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betaln

from ..sequences.background import Background
from ..sequences.rng import TYPICAL_STREAM, generator

RARE_SHARE = 1e-3  # share of the draws below which a sequence's probability is remarkable
DRAWS = 20_000  # draws that tell
CENTRES_AT_ONCE = 2_000


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
        assert self.near is not None
        free = self.background.template.free
        local, n = [self.background.local[i] for i in free.tolist()], len(free)
        logs = [np.append(np.log(p), np.zeros(256 - len(p))) for p in local]
        own = np.stack([table[codes[:, i]] for table, i in zip(logs, free.tolist(), strict=True)], 1)
        best = np.full(len(codes), -np.inf)
        for start in range(0, len(self.near), CENTRES_AT_ONCE):
            kept, drawn = np.zeros((2, len(codes), len(self.near[start : start + CENTRES_AT_ONCE])))
            for column, i in enumerate(free.tolist()):
                same = codes[:, i, None] == self.near[None, start : start + CENTRES_AT_ONCE, i]
                kept += same
                drawn += np.where(same, 0.0, own[:, column, None])
            best = np.maximum(best, (betaln(kept + 1, n - kept + 1) + drawn).max(1))
        return best


def _below(scores: np.ndarray) -> float:
    """The score below which a thousandth lie, and a little less."""
    least = float(np.quantile(scores, RARE_SHARE))
    return least - 1e-9 * abs(least)
