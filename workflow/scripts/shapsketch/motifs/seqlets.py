"""Seqlets: short stretches with more contribution than chance, clustered into motifs that may lie anywhere.

Windows are cut where the sum of contributions stands out from sums over positions of different sequences, positive and
negative ones apart; compared by their contributions letter by letter under small shifts (and as reverse complements of
DNA, where asked); clustered by average linkage; and aligned to the middle one of each cluster. The steps are those of
TF-MoDISco (Shrikumar et al. 2018), without its randomness, for any alphabet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..sequences.rng import SEQLET_STREAM, random_words
from .reading import Chunk

WINDOW, LONG_WINDOW = 8, 16  # letters whose sum must stand out; even
LONG_INPUT = 200  # letters, from which on windows are long
WINDOWS_IN_CUT = 3  # a cut has half a window on both sides that is compared too, and half a window for shifts
MAX_SEQLETS_PER_SEQUENCE = 8  # seqlets at most
MOST = 50_000  # seqlets kept: the strongest
FALSE_DISCOVERY_RATE = 0.1  # expected share of chance among the windows that stand out
BLANK_CODE = 255  # the code of a place beyond the sequence's ends


@dataclass(frozen=True)
class Seqlets:
    """Stretches of sequences, each cut wide enough to be shifted: C is three windows.

    Attributes:
        rows: (S,) int64, the sequence of each.
        starts: (S,) int64, where its cut begins, 0-based; may lie before the sequence.
        codes: (S, C) uint8 alphabet codes, `BLANK_CODE` beyond the ends.
        values: (S, C) float64 contributions, zero there.
        scores: (S,) float64, the sums over the windows.
        minus: (S,) bool, whether codes and values are those of the other strand.
    """

    rows: np.ndarray
    starts: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    minus: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        """Letters that are compared."""
        return 2 * (self.codes.shape[1] // WINDOWS_IN_CUT)

    @property
    def shift(self) -> int:
        """Letters by which two seqlets are moved against one another at most."""
        return self.width // 4

    def __getitem__(self, chosen: np.ndarray | list[int]) -> "Seqlets":
        return Seqlets(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @classmethod
    def joined(cls, parts: Iterable["Seqlets"]) -> "Seqlets":
        """Put seqlets one after another."""
        parts = list(parts)
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__))

    def strongest(self, most: int) -> "Seqlets":
        """The seqlets with the largest sums, in the order of sequences."""
        if len(self) <= most:
            return self
        return self[np.sort(np.argsort(-np.abs(self.scores), kind="stable")[:most])]

    def letters(self, shift: int, q: int) -> np.ndarray:
        """(S, width * q): the contributions letter by letter, of the part that is compared, moved by some letters."""
        part = slice(self.shift + shift, self.shift + shift + self.width)
        codes, values = self.codes[:, part], self.values[:, part]
        return ((codes[:, :, None] == np.arange(q)) * values[:, :, None]).reshape(len(self), -1)

    def reverse_complement(self, complement: np.ndarray) -> "Seqlets":
        """The same stretches as the other strand reads them, by the (q,) codes of complements."""
        table = np.full(256, BLANK_CODE, np.uint8)
        table[: len(complement)] = complement
        return replace(self, codes=table[self.codes[:, ::-1]], values=self.values[:, ::-1], minus=~self.minus)


class SeqletFinder:
    """Collects stretches that stand out, and those of shuffled contributions, to tell how many are chance.

    Contributions are shuffled among the sequences of a chunk, position by position: what a position tends to
    contribute stays, and what neighbours contribute together is lost. Where contributions have noise that is known,
    stretches must stand out of draws of it too.

    Args:
        n: positions.
        seed: of the shuffles.
    """

    def __init__(self, n: int, seed: int) -> None:
        self._n, self._seed, self._window = n, seed, LONG_WINDOW if n >= LONG_INPUT else WINDOW
        self._kept: list[Seqlets] = []
        self._null: list[np.ndarray] = []
        self._noise: list[np.ndarray] = []

    def add(self, chunk: Chunk, noise: np.ndarray | None = None) -> None:
        """Look through sequences, given (N, n) draws of the noise of their contributions, where it is known."""
        if len(chunk.rows):
            first, last = int(chunk.rows[0]), int(chunk.rows[-1])
            words = random_words(self._seed, SEQLET_STREAM, first, last + 1, self._n)[chunk.rows - first]
            shuffled = np.take_along_axis(chunk.values, np.argsort(words, axis=0, kind="stable"), 0)
            self._null.append(np.abs(_peaks(shuffled, self._window)[2]))
            self._kept.append(_cut(chunk, self._window, *_peaks(chunk.values, self._window)))
            if noise is not None:
                self._noise.append(np.abs(_peaks(noise, self._window)[2]))
        if len(self._kept) > 8:
            self._shorten()

    def _shorten(self) -> None:
        self._kept = [Seqlets.joined(self._kept).strongest(MOST)]
        self._null, self._noise = (
            [-np.sort(-np.concatenate(scores))[:MOST]] if scores else [] for scores in (self._null, self._noise)
        )

    def result(self) -> Seqlets | None:
        """Return those that stand out; None where there are none."""
        if not self._kept:
            return None
        self._shorten()
        seqlets = self._kept[0]
        scores = np.abs(seqlets.scores)
        least = max(_threshold(scores, null) for null in (*self._null, *self._noise))
        stands_out = scores >= least
        return seqlets[stands_out] if stands_out.any() else None


def _threshold(scores: np.ndarray, null: np.ndarray) -> float:
    """The least score above which no larger share than the false discovery rate is chance; infinite if there is none.

    Args:
        scores: magnitudes.
        null: magnitudes by chance, the largest first.
    """
    ordered = np.sort(scores)[::-1]
    chance = np.searchsorted(-null, -ordered, side="right")  # of those by chance, at least as high
    enough = np.flatnonzero((chance <= FALSE_DISCOVERY_RATE * np.arange(1, len(ordered) + 1)) & (ordered > 0))
    return float(ordered[enough[-1]]) if enough.size else np.inf


def _peaks(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The windows of each sequence with the largest sums that do not overlap: their rows, first positions and sums."""
    window = min(window, values.shape[1])
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    sums = sums[:, window:] - sums[:, :-window]
    left, place = np.abs(sums), np.arange(sums.shape[1])
    rows, starts = [], []
    for _ in range(MAX_SEQLETS_PER_SEQUENCE):
        best = left.argmax(1)
        some = np.flatnonzero(left[np.arange(len(left)), best] > 0)
        rows.append(some)
        starts.append(best[some])
        left[np.abs(place - best[:, None]) < window] = 0
    row, start = np.concatenate(rows), np.concatenate(starts)
    order = np.lexsort([start, row])
    return row[order], start[order], sums[row[order], start[order]]


def _cut(chunk: Chunk, window: int, rows: np.ndarray, starts: np.ndarray, scores: np.ndarray) -> Seqlets:
    """Cut the windows out with flanks and room for shifts."""
    margin = window  # half of it is compared, half is for shifts
    columns = starts[:, None] + np.arange(WINDOWS_IN_CUT * window)
    codes = np.pad(chunk.codes, ((0, 0), (margin, margin + window)), constant_values=BLANK_CODE)[rows[:, None], columns]
    values = np.pad(chunk.values, ((0, 0), (margin, margin + window)))[rows[:, None], columns]
    return Seqlets(chunk.rows[rows], starts - margin, codes, values, scores, np.zeros(len(rows), bool))
