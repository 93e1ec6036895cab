"""Near queries: sequences between those that a user will explain and the background.

The Shapley values of x depend on a model only at the points (x_S, z), z drawn from the background and |S| uniform in
0..n. Draws of the background alone hardly ever come near x where x is rare among them (a splice site, a start codon, a
wild type). A near query takes a sequence of a named set and a rate u, uniform in [0, 1], keeps each letter with
probability 1 - u, and draws the others from the background: that is the distribution above.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow.parquet as pq

from ..sequences.background import Background
from ..sequences.rng import NEAR_STREAM, random_words
from ..sequences.template import Template
from ..settings.errors import InputError

MAX_CENTRES = 10_000  # sequences of a set that queries are drawn near; of more, so many at equal steps


@dataclass(frozen=True)
class Near:
    """Which queries of a sketch are near, and near what.

    Attributes:
        share: of the budget, 0 < share < 1.
        sets: sequences by the name of their set, each of the template's length, without ambiguous letters; every set
        has
            the same number of queries.
    """

    share: float
    sets: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, share: float, sets: Mapping[str, list[str]]) -> "Near":
        """Take sets of any size; of more than `MAX_CENTRES` sequences, so many at equal steps."""
        chosen = {}
        for name, sequences in sets.items():
            rows = np.arange(min(len(sequences), MAX_CENTRES)) * len(sequences) // min(len(sequences), MAX_CENTRES)
            chosen[name] = tuple(sequences[row] for row in rows.tolist())
        return cls(share, chosen)

    def content(self) -> dict[str, Any]:
        """Return plain values, as a plan holds them."""
        return {"share": self.share, "sets": {name: list(sequences) for name, sequences in self.sets.items()}}

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Near":
        """Read what `content` gives."""
        return cls(content["share"], {name: tuple(sequences) for name, sequences in content["sets"].items()})

    def fill(self, background: Background, seed: int, block: slice, start: int, codes: np.ndarray) -> None:
        """Write near queries into codes.

        The queries of a block are those of the first set, then those of the next. A query depends on its index, its set
        and the number of nothing else: where a set is added, those of the others that stay are the same.

        Args:
            background: what letters are drawn from.
            seed: of the plan.
            block: the indices of a role's near queries in a round.
            start: the index of the first row of codes.
            codes: (N, n) uint8; rows whose index is in the block are overwritten with local codes.
        """
        size, count = block.stop - block.start, len(self.sets)
        for k, (name, centres) in enumerate(self.centres(background.template).items()):
            first = max(block.start + k * size // count, start)
            last = min(block.start + (k + 1) * size // count, start + len(codes))
            if first < last:
                codes[first - start : last - start] = _draw(background, seed, name, centres, first, last)

    def centres(self, template: Template) -> dict[str, np.ndarray]:
        """Return the (C, n) uint8 local codes of each set."""
        if template not in self._centres:
            self._centres[template] = {
                name: template.to_local(template.alphabet.encode(list(sequences)))
                for name, sequences in self.sets.items()
            }
        return self._centres[template]

    @cached_property
    def _centres(self) -> dict[Template, dict[str, np.ndarray]]:
        return {}


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


def _draw(background: Background, seed: int, name: str, centres: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The near queries of a set with these indices."""
    n = background.template.n
    words = random_words(seed, NEAR_STREAM + (crc32(name.encode()) << 8), start, stop, 2 + 2 * n)
    chosen = centres[(words[:, 0].astype(np.uint64) * np.uint64(len(centres)) >> np.uint64(32)).astype(np.int64)]
    drawn = np.zeros(chosen.shape, np.uint8)
    for threshold in background.thresholds.T:
        drawn += words[:, 2 + n :] >= threshold
    return np.where(words[:, 2 : 2 + n] < words[:, 1:2], drawn, chosen)
