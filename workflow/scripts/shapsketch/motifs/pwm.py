"""Matrices of motifs: letter frequencies and contributions, column by column, and their consensus."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..sequences.alphabet import Alphabet

CONSENSUS_FREQUENCIES = (
    0.5,
    0.75,
    0.95,
)  # frequencies above which a consensus names one letter, two (Cavener 1987), or three
MATRIX_COLUMNS = ("output", "motif", "column", "position", "letter", "frequency", "contribution", "core")


@dataclass(frozen=True)
class Matrix:
    """The letters of a motif's instances.

    Attributes:
        output, motif: its names.
        consensus: the letters in short.
        frequencies: (L, q), rows sum to 1 (0 without instances).
        contributions: (L, q), the mean Shapley value of each letter over the instances that have it; 0 where none has.
        core: (L,) bool, the columns of the letters that act together.
        positions: (L,) 1-based positions where the motif has one offset only, else zeros.
        sites: instances.
    """

    output: str
    motif: str
    consensus: str
    frequencies: np.ndarray
    contributions: np.ndarray
    core: np.ndarray
    positions: np.ndarray
    sites: int

    def table(self, alphabet: Alphabet) -> pd.DataFrame:
        """One row per column and letter; see `MATRIX_COLUMNS`."""
        length, q = self.frequencies.shape
        position = np.repeat(self.positions, q)
        return pd.DataFrame(
            {
                "output": self.output,
                "motif": self.motif,
                "column": np.repeat(np.arange(1, length + 1), q),
                "position": _positive(position),
                "letter": list(alphabet.letters) * length,
                "frequency": self.frequencies.ravel(),
                "contribution": self.contributions.ravel(),
                "core": np.repeat(self.core.astype(int), q),
            },
            columns=MATRIX_COLUMNS,
        )


def _positive(numbers: np.ndarray) -> pd.Series:
    """Whole numbers, empty where zero."""
    return pd.Series(numbers, dtype="Int64").where(numbers > 0)


def consensus_letter(alphabet: Alphabet, frequencies: np.ndarray) -> str:
    """Return the letter that has most of (q,) frequencies, or the code or brackets of a few, or the wildcard."""
    ranked = np.argsort(-frequencies, kind="stable")
    for few, enough in enumerate(CONSENSUS_FREQUENCIES, 1):
        if few < alphabet.q and frequencies[ranked[:few]].sum() > enough:
            letters = "".join(sorted(alphabet.letters[a] for a in ranked[:few]))
            codes = {"".join(sorted(members)): code for code, members in alphabet.ambiguity.items()}
            return letters if few == 1 else codes.get(letters, f"[{letters}]")
    return alphabet.wildcard


def information(frequencies: np.ndarray) -> float:
    """Return the bits of (L, q) letter frequencies against equally likely letters."""
    p = np.clip(frequencies, 1e-12, None)
    return float((frequencies * np.log2(p * p.shape[1])).sum())
