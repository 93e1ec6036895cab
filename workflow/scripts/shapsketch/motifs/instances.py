"""Instances: where sequences hold a motif, and what their letters and contributions are there."""

from dataclasses import dataclass

import numpy as np

from .letter_tables import cells_of
from .motif import Motif
from .reading import Chunk

MAX_VALUES = 4_000_000  # letters looked at in one step
TIE = 1e-9  # of the largest value: so much more on the other strand is rounding
MAX_LISTED_INSTANCES = 10  # instances of a motif listed per sequence: the strongest


@dataclass(frozen=True)
class Hits:
    """Instances of a motif in some sequences.

    Attributes:
        rows: (H,) the sequence of each, ascending.
        places: (H,) the placement of each.
        values: (H,) float64, what the letters add together.
    """

    rows: np.ndarray
    places: np.ndarray
    values: np.ndarray

    def strongest(self, most: int) -> "Hits":
        """At most so many of each sequence, the strongest first; ties by placement."""
        order = np.lexsort([self.places, -np.abs(self.values), self.rows])
        rows = self.rows[order]
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        rank = np.arange(len(rows)) - np.repeat(first, np.diff([*first, len(rows)]))
        kept = order[rank < most]
        return Hits(self.rows[kept], self.places[kept], self.values[kept])


@dataclass(frozen=True)
class Sites:
    """Instances, with all that a table says of them.

    Attributes:
        rows: (H,) the sequence of each, in its chunk.
        positions: (H, k) 0-based positions of the letters that act together, ascending.
        starts, stops: (H,) the stretch from the first column to one past the last.
        minus: (H,) bool.
        values: (H,) float64.
    """

    rows: np.ndarray
    positions: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    minus: np.ndarray
    values: np.ndarray


def column_positions(motif: Motif) -> np.ndarray:
    """Return (P, L): the position of each column of the motif's matrix at each placement.

    Columns run from the first to the last letter; where a gap varies, over both halves without it.
    """
    positions = motif.placements.positions
    direction = np.where(motif.placements.minus, -1, 1)[:, None]
    halves = [(0, motif.split), (motif.split, motif.order)] if motif.split < motif.order else [(0, motif.order)]
    offsets = motif.offsets
    return np.hstack([positions[:, [start]] + direction * np.arange(offsets[stop - 1] + 1) for start, stop in halves])


def core_columns(motif: Motif) -> np.ndarray:
    """Return (k,) the columns of the motif's matrix that hold its letters."""
    offsets = motif.offsets.copy()
    offsets[motif.split :] += offsets[motif.split - 1] + 1
    return offsets


class InstanceSums:
    """Finds the instances of a motif, and adds up their letters and contributions.

    Args:
        motif: the motif.
        complement: (q,) the complements of the letters; needed for placements on the minus strand.
        q: the number of letters.
    """

    def __init__(self, motif: Motif, complement: np.ndarray | None, q: int) -> None:
        self.motif, self._complement, self._q = motif, complement, q
        self._columns = column_positions(motif)
        self._sites, self._tie = motif.placements.sites, TIE * float(np.abs(motif.values).max(initial=0.0))
        self._word = np.full(q**motif.order, -1, np.int32)
        self._word[cells_of(motif.words, q)] = np.arange(len(motif.words))
        self.frequencies, self.contributions = np.zeros((2, self._columns.shape[1], q))
        self.by_place = np.zeros(len(motif.placements), np.int64)
        self.sequences, self.value, self.magnitude = 0, 0.0, 0.0

    @property
    def instances(self) -> int:
        """How many were found."""
        return int(self.by_place.sum())

    def find(self, chunk: Chunk) -> Hits:
        """Find the instances in sequences."""
        step = max(1, MAX_VALUES // self.motif.placements.positions.size)
        parts = [self._find(chunk.codes, k, k + step) for k in range(0, len(chunk.rows), step)]
        rows, places, values = (
            (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else np.zeros((3, 0))
        )
        return Hits(rows.astype(np.int64), places.astype(np.int64), values)

    def _find(self, codes: np.ndarray, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        placements = self.motif.placements
        letters = self._read(codes[start:stop, placements.positions], placements.minus[None, :])
        words = self._word[cells_of(letters, self._q)]
        rows, places = np.nonzero(words >= 0)
        values = self.motif.values[places, words[rows, places]]
        # What both strands read at a site is one instance, on the strand where it adds more, or on plus.
        strength = np.abs(values) + np.where(placements.minus[places], 0.0, self._tie)
        order = np.lexsort([-strength, self._sites[places], rows])
        sites = np.column_stack([rows, self._sites[places]])[order]
        kept = np.sort(order[np.diff(sites, axis=0, prepend=-1).any(1)])
        return rows[kept] + start, places[kept], values[kept]

    def add(self, chunk: Chunk, hits: Hits) -> None:
        """Add the letters and contributions of instances that were found in a chunk."""
        length, shape = self._columns.shape[1], self.frequencies.shape
        for k in range(0, len(hits.rows), MAX_VALUES // length):
            rows, places = hits.rows[k : k + MAX_VALUES // length], hits.places[k : k + MAX_VALUES // length]
            columns = self._columns[places]
            letters = self._read(chunk.codes[rows[:, None], columns], self.motif.placements.minus[places])
            cells = (letters + self._q * np.arange(length)).ravel()
            cell_values = chunk.values[rows[:, None], columns]
            self.frequencies += np.bincount(cells, minlength=length * self._q).reshape(shape)
            self.contributions += np.bincount(cells, cell_values.ravel(), length * self._q).reshape(shape)
        self.by_place += np.bincount(hits.places, minlength=len(self.by_place))
        self.sequences += len(np.unique(hits.rows))
        self.value += float(hits.values.sum())
        self.magnitude += float(np.abs(hits.values).sum())

    def listed(self, chunk: Chunk) -> Sites:
        """Say where the strongest instances of each sequence lie, at most `MAX_LISTED_INSTANCES`."""
        hits = self.find(chunk).strongest(MAX_LISTED_INSTANCES)
        placements = self.motif.placements[hits.places]
        positions = np.sort(placements.positions, axis=1)
        return Sites(hits.rows, positions, positions[:, 0], positions[:, -1] + 1, placements.minus, hits.values)

    def _read(self, letters: np.ndarray, minus: np.ndarray) -> np.ndarray:
        """(..., k) letters as the strand of each placement reads them; `minus` lacks the last axis."""
        if self._complement is None or not minus.any():
            return letters
        return np.where(minus[..., None], self._complement[letters], letters)
