"""Templates: which letters each position of a model's input may have.

A template is a string with one symbol per position: the wildcard (N, X for proteins, `*` for other
alphabets, or `.` for all) for a free position, a letter for a fixed one (a PAM's GG), an IUPAC code
for a position restricted to some letters. What is a letter of the alphabet is never a wildcard.
Inside the library a sequence that fits the template is held in *local codes*: at position i the
allowed letters are numbered 0..m_i-1 in the order of the alphabet. Fixed positions have m_i = 1 and
carry no dividends.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..settings.letters import allowed_letters, compacted, expanded
from .alphabet import UNKNOWN_CODE, Alphabet


@dataclass(frozen=True)
class Template:
    """The inputs that a model is explained on.

    Attributes:
        alphabet: the letters.
        pattern: one symbol per position; its length n is the length of every sequence. It may be given with counts,
            as in `N{145}`, and is held without them.
    """

    alphabet: Alphabet
    pattern: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", expanded(self.alphabet.letters, self.pattern))
        allowed_letters(self.alphabet.letters, self.pattern)

    def __str__(self) -> str:
        """Return the pattern, long runs with their count."""
        return compacted(self.alphabet.letters, self.pattern)

    @property
    def n(self) -> int:
        """The number of positions."""
        return len(self.pattern)

    @cached_property
    def allowed(self) -> np.ndarray:
        """(n, q) bool: which letters each position may have."""
        letters = self.alphabet.letters
        return np.array([[a in meaning for a in letters] for meaning in allowed_letters(letters, self.pattern)], bool)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(n,) int64: the number of allowed letters m_i."""
        return self.allowed.sum(1)

    @cached_property
    def free(self) -> np.ndarray:
        """The 0-based positions with more than one allowed letter, (F,) ascending."""
        return np.flatnonzero(self.sizes > 1)

    @cached_property
    def radix(self) -> int | None:
        """The number of letters that all free positions share, or None if they differ."""
        sizes = set(self.sizes[self.free].tolist())
        return sizes.pop() if len(sizes) == 1 else None

    @cached_property
    def space(self) -> int:
        """The number of sequences that fit the template, as an exact integer."""
        return int(np.prod([int(m) for m in self.sizes], dtype=object))

    @cached_property
    def letter_codes(self) -> np.ndarray:
        """(n, max m_i) uint8: the alphabet's code of each local code; `UNKNOWN_CODE` beyond m_i."""
        table = np.full((self.n, int(self.sizes.max())), UNKNOWN_CODE, np.uint8)
        for i, row in enumerate(self.allowed):
            codes = np.flatnonzero(row)
            table[i, : len(codes)] = codes
        return table

    @cached_property
    def local_codes(self) -> np.ndarray:
        """(n, 256) uint8: the local code of each alphabet code; `UNKNOWN_CODE` where not allowed."""
        table = np.full((self.n, 256), UNKNOWN_CODE, np.uint8)
        for i, row in enumerate(self.allowed):
            table[i, np.flatnonzero(row)] = np.arange(row.sum())
        return table

    def to_local(self, codes: np.ndarray) -> np.ndarray:
        """Return (N, n) uint8 local codes of (N, n) alphabet codes; `UNKNOWN_CODE` where a letter is not allowed."""
        return self.local_codes[np.arange(self.n), codes]

    def to_alphabet(self, local: np.ndarray) -> np.ndarray:
        """Return the (N, n) uint8 alphabet codes of (N, n) local codes."""
        return self.letter_codes[np.arange(self.n), local]
