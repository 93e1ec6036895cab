"""Multiple alignments of a protein's family, and how often each letter stands at each of its sites.

Read are FASTA, A2M, A3M and Stockholm. Columns are those of one row, the target; what others have beside it (letters in
small print of A2M and A3M, columns in which the target has a gap) is passed over.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..settings.errors import InputError
from ..storage.opening import open_text
from .alphabet import Alphabet
from .fasta import fasta_records

_STOCKHOLM = "# STOCKHOLM"
_GAPS = "-.~_"


@dataclass(frozen=True)
class Alignment:
    """Rows of an alignment, in the columns of the target.

    Attributes:
        alphabet: of the letters.
        target: the letters of the row that names the columns, without gaps.
        codes: (R, L) uint8 alphabet codes of all R rows, the target's among them; q stands for gaps and letters that
            the alphabet lacks.
    """

    alphabet: Alphabet
    target: str
    codes: np.ndarray

    def weights(self) -> np.ndarray:
        """Return (R,) float64 weights by which rows that are alike count less; they sum to R.

        Position-based weights (Henikoff & Henikoff, J Mol Biol 1994): at each column a row gets 1 / (k s), of k letters
        that occur there and s rows with its own; the mean over the columns in which it has a letter.
        """
        rows, size = self.codes.shape
        counts = self._counts(np.ones(rows))
        letters = np.count_nonzero(counts, axis=1)[:, None]
        shares = np.column_stack([1 / np.maximum(letters * counts, 1), np.zeros(size)])  # a gap has none
        raw = shares[np.arange(size), self.codes].sum(1) / np.maximum((self.codes < self.alphabet.q).sum(1), 1)
        return raw * rows / raw.sum()

    def frequencies(self, pseudocount: float = 1.0) -> np.ndarray:
        """Return (L, q) float64 frequencies of the letters at each site; gaps do not count.

        Args:
            pseudocount: rows that are added to each site, with all letters evenly; above 0.

        Returns:
            f = (c + p / q) / (sum c + p), with c the weighted counts of a site; all above 0, and 1 in sum.
        """
        counts = self._counts(self.weights())
        q = counts.shape[1]
        return (counts + pseudocount / q) / (counts.sum(1, keepdims=True) + pseudocount)

    def _counts(self, weights: np.ndarray) -> np.ndarray:
        """(L, q) of the rows' weights, by column and letter."""
        size, q = self.codes.shape[1], self.alphabet.q
        cells = np.arange(size) * (q + 1) + self.codes
        flat = np.bincount(cells.ravel(), np.repeat(weights, size), size * (q + 1))
        return flat.reshape(size, q + 1)[:, :q]


def information_content(frequencies: np.ndarray) -> np.ndarray:
    """Return (L,) float64, in bits: log2 of the number of letters, less the entropy of (L, q) frequencies above 0."""
    return np.log2(frequencies.shape[1]) + (frequencies * np.log2(frequencies)).sum(1)


def read_alignment(path: str | Path, alphabet: Alphabet, name: str = "") -> Alignment:
    """Read an alignment.

    Args:
        path: FASTA, A2M, A3M or Stockholm, plain or packed.
        alphabet: of its letters; what it lacks counts as a gap.
        name: of the row that is the target, up to the first blank; empty: the first row.

    Raises:
        InputError: the file holds no alignment, no such row, or rows of different lengths.
    """
    with open_text(path) as handle:
        first = next((line for line in handle if line.strip()), "")
        stockholm = first.startswith(_STOCKHOLM)
        if not stockholm and not first.lstrip("\ufeff").startswith(">"):
            raise InputError(
                f"{path} begins with {first.strip()[:40]!r}; an alignment begins with > (FASTA, A2M, A3M) or with "
                f"{_STOCKHOLM} 1.0."
            )
        records = _stockholm(path, handle) if stockholm else list(fasta_records(_chain(first, handle)))
    names, rows = [record[0] for record in records], [record[1] for record in records]
    if names and name and name not in names:
        raise InputError(f"{path} has no row {name!r}, which the config names; its first is {names[0]!r}.")
    chosen = names.index(name) if names and name else 0
    if not rows or not rows[chosen].strip(_GAPS):
        raise InputError(f"{path} holds no letters of the row that its columns are named by.")
    rows = _of_one_length(path, names, rows, chosen)
    columns = [k for k, letter in enumerate(rows[chosen]) if letter not in _GAPS]
    (target,) = alphabet.normalise(["".join(rows[chosen][k] for k in columns)])
    return Alignment(alphabet, target, np.minimum(alphabet.encode(rows)[:, columns], alphabet.q))


def _chain(first: str, rest: Iterable[str]) -> Iterable[str]:
    yield first
    yield from rest


def _stockholm(path: str | Path, lines: Iterable[str]) -> list[tuple[str, str]]:
    """Rows by name; of alignments in several blocks, put together."""
    parts = dict[str, list[str]]()
    for number, line in enumerate(lines, 2):
        if line.startswith("//"):
            break
        if line.startswith("#") or not line.strip():
            continue
        words = line.split()
        if len(words) != 2:
            raise InputError(f"{path}: line {number} is not a name and a row of the alignment, separated by blanks.")
        parts.setdefault(words[0], []).append(words[1])
    return [(name, "".join(pieces)) for name, pieces in parts.items()]


def _of_one_length(path: str | Path, names: list[str], rows: list[str], chosen: int) -> list[str]:
    """Rows as long as the target's: as they are, or without what A3M writes in small print."""
    if len({len(row) for row in rows}) > 1 and not any(letter.islower() for letter in rows[chosen]):
        insertions = str.maketrans("", "", "abcdefghijklmnopqrstuvwxyz.")
        rows = [row.translate(insertions) for row in rows]
    size = len(rows[chosen])
    other = next((k for k, row in enumerate(rows) if len(row) != size), None)
    if other is not None:
        raise InputError(
            f"{path} is no alignment: row {other + 1} ({names[other]}) has {len(rows[other])} columns, and "
            f"{names[chosen]} has {size}."
        )
    return rows
