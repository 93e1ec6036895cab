"""Near queries: sequences between those that a user will explain and the background.

The Shapley values of x depend on a model only at the points (x_S, z), z drawn from the background and |S| uniform in
0..n. Draws of the background alone hardly ever come near x where x is rare among them (a splice site, a start codon, a
wild type). A near query takes a sequence of a named set and a rate u, uniform in [0, 1], keeps each letter with
probability 1 - u, and draws the others from the background: that is the distribution above.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq

from ..sequences.background import Background
from ..sequences.rng import NEAR_STREAM, random_words
from ..sequences.template import Template
from ..settings.errors import InputError
from .queries import Segment

MAX_CENTRES = 10_000  # sequences of a set that queries are drawn near; of more, so many at equal steps


class NearContent(TypedDict):
    """The attributes of `Near`, as plain values."""

    share: float
    sets: dict[str, list[str]]
    order: NotRequired[list[str]]


@dataclass(frozen=True)
class Near:
    """Which queries of a sketch are near, and near what.

    Attributes:
        share: of the budget, 0 < share < 1.
        sets: sequences by the name of their set, each of the template's length, without ambiguous letters; every
            set has the same number of queries, in the order of the sets.
        order: the names of the sets in their order, where that is not the alphabet's, by which a plan's hash would sort
            them; empty in plans that were made before it was told.
    """

    share: float
    sets: Mapping[str, tuple[str, ...]]
    order: tuple[str, ...] = ()

    @classmethod
    def of(cls, share: float, sets: Mapping[str, list[str]]) -> "Near":
        """Take sets of any size; of more than `MAX_CENTRES` sequences, so many at equal steps."""
        chosen = {}
        for name, sequences in sets.items():
            rows = np.arange(min(len(sequences), MAX_CENTRES)) * len(sequences) // min(len(sequences), MAX_CENTRES)
            chosen[name] = tuple(sequences[row] for row in rows.tolist())
        return cls(share, chosen, tuple(chosen) if list(chosen) != sorted(chosen) else ())

    def content(self) -> NearContent:
        """Return plain values, as a plan holds them."""
        content: NearContent = {"share": self.share, "sets": {name: list(own) for name, own in self.sets.items()}}
        return content | {"order": list(self.order)} if self.order else content

    @classmethod
    def from_content(cls, content: NearContent) -> "Near":
        """Read what `content` gives."""
        order = tuple(content.get("order", ()))
        return cls(content["share"], {name: tuple(content["sets"][name]) for name in order or content["sets"]}, order)

    def segments(self, background: Background, seed: int, start: int, stop: int) -> list[Segment]:
        """Divide indices evenly between the sets: first the queries of the first set, then those of the next.

        Args:
            background: what letters are drawn from.
            seed: of the plan.
            start, stop: the indices of a role's near queries in a round.
        """
        template, count = background.template, len(self.sets)
        segments = []
        for k, (name, sequences) in enumerate(self.sets.items()):
            centres = template.to_local(template.alphabet.encode(list(sequences)))
            first, last = (start + part * (stop - start) // count for part in (k, k + 1))
            segments.append(Segment(first, last, Mixed(background, seed, name, centres)))
        return segments


@dataclass(frozen=True)
class Mixed:
    """Sequences of a set mixed with the background, the kind of query that this module is about.

    A query depends on its index and the name and sequences of its set alone: where a set is added, those of the others
    that stay are the same.

    Attributes:
        background: what letters are drawn from.
        seed: of the plan.
        name: of the set.
        centres: (C, n) uint8 local codes of its sequences.
    """

    background: Background
    seed: int
    name: str
    centres: np.ndarray

    def __call__(self, start: int, stop: int) -> np.ndarray:
        """Return the queries; see `queries.Rule`."""
        n, count = self.background.template.n, np.uint64(len(self.centres))
        stream = NEAR_STREAM + (crc32(self.name.encode()) << 8)
        words = random_words(self.seed, stream, start, stop, 2 + 2 * n)
        which, rate, changes, letters = words[:, 0], words[:, 1:2], words[:, 2 : 2 + n], words[:, 2 + n :]
        chosen = self.centres[(which.astype(np.uint64) * count >> np.uint64(32)).astype(np.int64)]
        return np.where(changes < rate, self.background.draw(letters), chosen)


def read_near(share: float, files: Mapping[str, str | Path], template: Template, tell: Callable[[str], object]) -> Near:
    """Read the sequences that queries are drawn near.

    Args:
        share: of the budget.
        files: by the name of each set, its `sequences.parquet`.
        template: of the model.
        tell: called with a sentence about what is left out.

    Raises:
        InputError: a set has no sequence without ambiguous letters.
    """
    sets = {}
    for name, path in files.items():
        sequences = pq.read_table(path, columns=["sequence"])["sequence"].to_pylist()
        plain = [s for s in sequences if not set(s) - set(template.alphabet.letters)]
        if not plain:
            raise InputError(f"sketch.near names the sequences {name}, none of which is without ambiguous letters.")
        if len(plain) < len(sequences):
            left = len(sequences) - len(plain)
            tell(f"{left} sequences of {name} have ambiguous letters; no query is drawn near them.")
        if len(plain) > MAX_CENTRES:
            tell(f"Queries are drawn near {MAX_CENTRES:,} of the {len(plain):,} sequences of {name}, at equal steps.")
        sets[name] = plain
    return Near.of(share, sets)
