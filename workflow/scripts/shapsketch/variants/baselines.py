"""Predictors of variants that need no model: substitution matrices, site frequencies of an alignment, conservation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..sequences.alignment import information_content, read_alignment
from ..sequences.alphabet import Alphabet
from ..sequences.residues import PROPERTIES
from ..settings.errors import InputError
from .substitutions import BLOSUM62
from .variant import Change, changes_of, trimmed

NAMES = ("changes", "blosum62", "hydropathy", "site_frequencies", "conservation")


@dataclass(frozen=True)
class Sites:
    """What an alignment says of the sites of a sequence.

    Attributes:
        alphabet: of the letters.
        start: 0-based place in the sequence of the first site.
        frequencies: (L, q) float64, above 0; see `Alignment.frequencies`.
    """

    alphabet: Alphabet
    start: int
    frequencies: np.ndarray

    @classmethod
    def read(
        cls, path: str | Path, sequence: str, alphabet: Alphabet, name: str = "", pseudocount: float = 1
    ) -> "Sites":
        """Read an alignment whose target is the sequence, or a part of it.

        Args:
            path: of the alignment.
            sequence: that variants change.
            alphabet: of it.
            name: of the row that is the sequence; empty: the first.
            pseudocount: see `Alignment.frequencies`.

        Raises:
            InputError: the file cannot be read, or that row is no part of the sequence, or several.
        """
        alignment = read_alignment(path, alphabet, name)
        target = alignment.target
        start = sequence.find(target)
        which = f"The row {name!r} of {path}" if name else f"The first row of {path}"
        if start < 0:
            raise InputError(f"{which} is not the sequence that the variants change: {_difference(target, sequence)}.")
        if sequence.find(target, start + 1) >= 0:
            raise InputError(f"{which} is found in several places of the sequence that the variants change.")
        return cls(alphabet, start, alignment.frequencies(pseudocount))

    def log_odds(self, changes: Sequence[Change]) -> float:
        """Return the sum over substitutions of ln f(alt) - ln f(ref) at their sites; NaN where a site is missing."""
        rows = self._rows(changes)
        if rows is None or any(len(change.ref) != len(change.alt) for change in changes):
            return float("nan")
        old, new = (
            self.alphabet.encode(["".join(letters)])[0]
            for letters in ([change.ref for change in changes], [change.alt for change in changes])
        )
        if (np.maximum(old, new) >= self.alphabet.q).any():
            return float("nan")
        return float(np.log(self.frequencies[rows, new] / self.frequencies[rows, old]).sum())

    def conservation(self, changes: Sequence[Change]) -> float:
        """Return the sum of the information of the sites that change, in bits; NaN where one is missing."""
        rows = self._rows(changes)
        return float("nan") if rows is None else float(information_content(self.frequencies[rows]).sum())

    def _rows(self, changes: Sequence[Change]) -> np.ndarray | None:
        """The sites that changes replace or delete; None where they only insert, or lie beyond the alignment."""
        rows = np.array([place for change in changes for place in range(change.start, change.stop)], int) - self.start
        return None if not len(rows) or rows.min() < 0 or rows.max() >= len(self.frequencies) else rows


def _difference(target: str, sequence: str) -> str:
    """Where two sequences differ first, in words."""
    if len(target) != len(sequence):
        return f"it has {len(target)} letters, which are no part of that sequence of {len(sequence)}"
    place = next(k for k, (a, b) in enumerate(zip(target, sequence, strict=True)) if a != b)
    return f"it has {target[place]} at position {place + 1}, and that sequence {sequence[place]}"


def baselines(
    table: pd.DataFrame, protein: bool, sites: Sites | None = None, track: str | Path = ""
) -> dict[str, np.ndarray]:
    """Return simple predictors of variants, higher where less should change.

    Args:
        table: a row per variant, with `contig`, `positions`, `ref` and `alt` as `columns_of` writes them.
        protein: whether letters are amino acids.
        sites: of an alignment, where there is one.
        track: a bigWig of the genome's conservation, where there is one.

    Returns:
        `changes`: minus the number of changed letters. Of proteins `blosum62`, the sum of the matrix (see there)
        over the changes less that of the letters that were there; and `hydropathy`, minus the sum of distances
        on Kyte & Doolittle's scale. NaN where letters are inserted or deleted. Of an alignment `site_frequencies`, the
        log-odds of the new letters over the old ones, and `conservation`, minus the information of the changed sites
        in bits. Of a track `conservation`, minus its mean over the letters that change.

    Raises:
        InputError: the track cannot be read, or holds none of the variants.
    """
    columns = (table[name].astype(str) for name in ("positions", "ref", "alt"))
    changes = [changes_of(*row) for row in zip(*columns, strict=True)]
    scores = {"changes": [-float(sum(map(_letters_changed, of_variant))) for of_variant in changes]}
    if protein:
        scores["blosum62"] = [_sum(of_variant, lambda a, b: BLOSUM62[a, b] - BLOSUM62[a, a]) for of_variant in changes]
        scores["hydropathy"] = [
            _sum(of_variant, lambda a, b: -abs(PROPERTIES[a][0] - PROPERTIES[b][0])) for of_variant in changes
        ]
    if sites:
        scores["site_frequencies"] = [sites.log_odds(of_variant) for of_variant in changes]
        scores["conservation"] = [-sites.conservation(of_variant) for of_variant in changes]
    if track:
        scores["conservation"] = _track_means(track, table["contig"].astype(str).tolist(), changes)
    return {name: np.array(values, np.float64) for name, values in scores.items()}


def _letters_changed(change: Change) -> int:
    """How many letters a change replaces, inserts or deletes, without those that stay at either of its ends."""
    start = trimmed(change)
    both = trimmed(Change(0, start.ref[::-1], start.alt[::-1]))
    return max(len(both.ref), len(both.alt))


def _sum(changes: Sequence[Change], of: Callable[[str, str], float]) -> float:
    if not all(len(one.ref) == len(one.alt) == 1 and {one.ref, one.alt} <= PROPERTIES.keys() for one in changes):
        return float("nan")
    return float(sum(of(one.ref, one.alt) for one in changes))


def _track_means(path: str | Path, contigs: Sequence[str], changes: Sequence[Sequence[Change]]) -> list[float]:
    """Minus the mean over the letters that variants replace; of an insertion, over the two beside it."""
    import pyBigWig

    try:
        track = pyBigWig.open(str(path))
    except RuntimeError:
        raise InputError(f"{path} cannot be read as a bigWig file of conservation.") from None
    with track:
        sizes = track.chroms() or {}
        means = []
        for contig, of_variant in zip(contigs, changes, strict=True):
            parts = [trimmed(change) for change in of_variant]
            spans = [(one.start, one.stop) if one.ref else (one.start - 1, one.start + 1) for one in parts]
            inside = contig in sizes and all(0 <= a < b <= sizes[contig] for a, b in spans)
            values = [track.values(contig, a, b) for a, b in spans] if inside else [[float("nan")]]
            means.append(-float(np.mean(np.concatenate(values))))
    if changes and not np.isfinite(means).any():
        raise InputError(f"{path} has no value at any of the variants; its contigs are {', '.join(list(sizes)[:5])}.")
    return means
