"""The kinds of queries: rules that give the sequence of an index, whatever else is asked.

A plan is a list of segments, each a range of global indices and the rule for them. A new kind of query is one more
frozen dataclass with a `__call__` here (or in a module of its own, as `near`), and its segments in `Plan.segments`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..sequences.background import Background
from ..sequences.rng import DISTINCT_STREAM, QUERY_STREAM, permuted, random_words
from ..sequences.template import Template
from ..sparse_fourier.subsampling import Lattice


class Rule(Protocol):
    """What draws the sequence of an index; the same index has the same sequence, in whatever range it is asked."""

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return the (stop - start, n) uint8 local codes of the queries start..stop-1."""
        ...


@dataclass(frozen=True)
class Segment:
    """Consecutive queries of one kind.

    Attributes:
        start, stop: their global indices, start <= index < stop.
        rule: what gives their sequences.
    """

    start: int
    stop: int
    rule: Rule


@dataclass(frozen=True)
class Drawn:
    """Sequences of the background, with replacement: query i is row i of the plan's random words."""

    background: Background
    seed: int

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return the queries; see `Rule`."""
        return self.background.draw(random_words(self.seed, QUERY_STREAM, start, stop, self.background.template.n))


@dataclass(frozen=True)
class Distinct:
    """Sequences of a uniform background without replacement: query i has the i-th place of a random permutation.

    Only indices below `template.space` have one.
    """

    template: Template
    seed: int

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return the queries; see `Rule`."""
        places = permuted(self.seed, DISTINCT_STREAM, np.arange(start, stop), self.template.space)
        return _numbered(self.template, places.astype(np.int64))


@dataclass(frozen=True)
class Every:
    """Every sequence of the template once: query i is the sequence with the number i."""

    template: Template

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return the queries; see `Rule`."""
        return _numbered(self.template, np.arange(start, stop))


@dataclass(frozen=True)
class OnLattice:
    """The queries of the sparse Fourier transform: query `first` + j is the lattice's query j."""

    lattice: Lattice
    template: Template
    seed: int
    first: int

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return the queries; see `Rule`."""
        codes = np.zeros((stop - start, self.template.n), np.uint8)
        codes[:, self.template.free] = self.lattice.queries(self.seed, start - self.first, stop - self.first)
        return codes


def _numbered(template: Template, numbers: np.ndarray) -> np.ndarray:
    """The (N, n) uint8 local codes of the sequences with these numbers, 0 to space - 1."""
    strides = np.append(np.cumprod(template.sizes[:0:-1])[::-1], 1)
    return (numbers[:, None] // strides % template.sizes).astype(np.uint8)
