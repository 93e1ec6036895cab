"""Alphabets: which letters a sequence is made of, and in which order they are numbered.

Letters are numbered by their place in the declared string. The order is part of every file that
holds numbers per letter, because tools disagree on it (ACGT, ACTG) and a silent mix-up ruins
every value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .errors import InputError

MISSING = 255  # the code of a letter that the alphabet does not have

_NUCLEOTIDE_CODES = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
_PROTEIN_CODES = {"B": "DN", "Z": "EQ", "J": "IL", "X": "ACDEFGHIKLMNPQRSTVWY"}
_KINDS = {
    "ACGT": ("DNA", _NUCLEOTIDE_CODES, "N"),
    "ACGU": ("RNA", {c: s.replace("T", "U") for c, s in _NUCLEOTIDE_CODES.items()}, "N"),
    "ACDEFGHIKLMNPQRSTVWY": ("protein", _PROTEIN_CODES, "X"),
}
_NAMES = {kind: letters for letters, (kind, _, _) in _KINDS.items()}


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of 2 to 64 one-byte letters.

    Attributes:
        letters: the letters in the order that numbers them, for example `"ACGT"`.
    """

    letters: str

    def __post_init__(self) -> None:
        letters = self.letters
        if not 2 <= len(letters) <= 64:
            raise InputError(f"Alphabet {letters!r} has {len(letters)} letters; 2 to 64 can be used.")
        if len(set(letters)) < len(letters):
            twice = next(c for c in letters if letters.count(c) > 1)
            raise InputError(f"Alphabet {letters!r} has the letter {twice!r} more than once.")
        if not all(c.isascii() and c.isprintable() and not c.isspace() for c in letters):
            raise InputError(f"Alphabet {letters!r} may hold printable ASCII letters only.")

    @classmethod
    def from_config(cls, text: str) -> "Alphabet":
        """Return the alphabet that a config names: `DNA`, `RNA`, `protein`, or its letters."""
        return cls(_NAMES.get(text, text))

    @property
    def q(self) -> int:
        """The number of letters."""
        return len(self.letters)

    @cached_property
    def kind(self) -> str:
        """`DNA`, `RNA`, `protein` (whatever the order of the letters) or `custom`."""
        return self._convention[0]

    @cached_property
    def ambiguity(self) -> dict[str, str]:
        """The IUPAC codes of this alphabet and the letters each stands for."""
        return self._convention[1]

    @cached_property
    def wildcard(self) -> str:
        """The letter that stands for any letter in a template: N, X for proteins, `*` otherwise."""
        return self._convention[2]

    @cached_property
    def _convention(self) -> tuple[str, dict[str, str], str]:
        for letters, convention in _KINDS.items():
            if set(letters) == set(self.letters):
                return convention
        return "custom", {}, "*"

    @cached_property
    def folds_case(self) -> bool:
        """Whether lower-case letters are read as upper-case ones (soft-masked FASTA)."""
        return self.letters == self.letters.upper()

    @cached_property
    def _codes(self) -> np.ndarray:
        codes = np.full(256, MISSING, np.uint8)
        for code, letter in enumerate(self.letters):
            codes[ord(letter)] = code
            if self.folds_case:
                codes[ord(letter.lower())] = code
        for other, letter in ("TU", "UT"):  # a nucleotide alphabet reads the other one's letter as its own
            if self.kind in ("DNA", "RNA") and letter in self.letters:
                codes[[ord(other), ord(other.lower())]] = codes[ord(letter)]
        return codes

    @cached_property
    def complement(self) -> np.ndarray:
        """(q,) uint8: the code of each letter's complement, of DNA and RNA."""
        return self.encode([self.letters.translate(str.maketrans("ACGTU", "TGCAA"))])[0]

    def encode(self, sequences: Sequence[str]) -> np.ndarray:
        """Turn strings of equal length into codes.

        Args:
            sequences: N strings of n one-byte characters.

        Returns:
            (N, n) uint8, 0..q-1; letters outside the alphabet become `MISSING`. DNA reads U as T, RNA T as U.

        Raises:
            ValueError: the strings differ in length or hold characters outside Latin-1.
        """
        length = len(sequences[0]) if len(sequences) else 0
        text = "".join(sequences).encode("latin-1")
        if any(len(s) != length for s in sequences):
            raise ValueError("sequences differ in length")
        return self._codes[np.frombuffer(text, np.uint8)].reshape(len(sequences), length)

    def decode(self, codes: np.ndarray) -> list[str]:
        """Turn (N, n) codes 0..q-1 into N strings."""
        letters = np.frombuffer(self.letters.encode(), np.uint8)
        length = codes.shape[1]
        text = letters[codes].tobytes().decode()
        return [text[i : i + length] for i in range(0, len(text), length)]
