"""Alphabets: which letters a sequence is made of, and in which order they are numbered.

Letters are numbered by their place in the declared string. The order is part of every file that
holds numbers per letter, because tools disagree on it (ACGT, ACTG) and a silent mix-up ruins
every value.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..settings.letters import check_letters, codes_of, kind_of, named_letters, wildcard_of
from .strings import as_strings

UNKNOWN_CODE = 255  # the code of a letter that the alphabet does not have

_BLANK = re.compile(r"[^\S\n]")


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of 2 to 64 one-byte letters.

    Attributes:
        letters: the letters in the order that numbers them, for example `"ACGT"`.
    """

    letters: str

    def __post_init__(self) -> None:
        check_letters(self.letters)

    @classmethod
    def from_config(cls, text: str) -> "Alphabet":
        """Return the alphabet that a config names: `DNA`, `RNA`, `protein`, or its letters."""
        return cls(named_letters(text))

    @property
    def q(self) -> int:
        """The number of letters."""
        return len(self.letters)

    @cached_property
    def kind(self) -> str:
        """`DNA`, `RNA`, `protein` (whatever the order of the letters) or `custom`."""
        return kind_of(self.letters)

    @cached_property
    def ambiguity(self) -> dict[str, str]:
        """The IUPAC codes of this alphabet and the letters each stands for."""
        return codes_of(self.letters)

    @cached_property
    def wildcard(self) -> str:
        """What stands for any letter: N, X for proteins, otherwise the first of `*.?-_` that is not a letter."""
        return wildcard_of(self.letters)

    @cached_property
    def folds_case(self) -> bool:
        """Whether lower-case letters are read as upper-case ones (soft-masked FASTA)."""
        return self.letters == self.letters.upper()

    @cached_property
    def _codes(self) -> np.ndarray:
        codes = np.full(256, UNKNOWN_CODE, np.uint8)
        for code, letter in enumerate(self.letters):
            codes[ord(letter)] = code
            if self.folds_case:
                codes[ord(letter.lower())] = code
        for other, letter in ("TU", "UT"):  # a nucleotide alphabet reads the other one's letter as its own
            if self.kind in ("DNA", "RNA") and letter in self.letters:
                codes[[ord(other), ord(other.lower())]] = codes[ord(letter)]
        return codes

    @cached_property
    def _folding(self) -> dict[int, str]:
        """Letters that are read as another one; of other scripts none, whose capitals may be two letters."""
        capitals = {ord(a): a.upper() for a in "abcdefghijklmnopqrstuvwxyz"} if self.folds_case else {}
        other = {"DNA": {"U": "T"}, "RNA": {"T": "U"}}.get(self.kind, {})
        return capitals | {ord(form): letter for a, letter in other.items() for form in (a, a.lower())}

    def normalise(self, sequences: Iterable[str]) -> list[str]:
        """Return sequences as this alphabet writes them: no blanks, capitals unless it has others, U as T or T as U.

        Args:
            sequences: N strings, as people write them, in any container; see `as_strings`.

        Raises:
            InputError: what is given is no list of strings.
        """
        texts = as_strings(sequences)
        text = "\n".join(texts)
        if text.count("\n") != len(texts) - 1 or _BLANK.search(text):
            text = "\n".join("".join(sequence.split()) for sequence in texts)
        return text.translate(self._folding).split("\n") if texts else []

    @cached_property
    def complement(self) -> np.ndarray:
        """(q,) uint8: the code of each letter's complement, of DNA and RNA."""
        return self.encode([self.letters.translate(str.maketrans("ACGTU", "TGCAA"))])[0]

    def encode(self, sequences: Iterable[str]) -> np.ndarray:
        """Turn strings of equal length into codes.

        Args:
            sequences: N strings of n characters, in any container; see `as_strings`.

        Returns:
            (N, n) uint8, 0..q-1; letters outside the alphabet become `UNKNOWN_CODE`. DNA reads U as T, RNA T as U.

        Raises:
            InputError: what is given is no list of strings.
            ValueError: the strings differ in length.
        """
        texts = as_strings(sequences)
        length = len(texts[0]) if texts else 0
        if any(len(s) != length for s in texts):
            raise ValueError("sequences differ in length")
        return self._codes[character_codes(texts)].reshape(len(texts), length)

    def decode(self, codes: np.ndarray) -> list[str]:
        """Return the N strings that (N, n) codes 0..q-1 stand for."""
        letters = np.frombuffer(self.letters.encode(), np.uint8)
        length = codes.shape[1]
        text = letters[codes].tobytes().decode()
        return [text[i : i + length] for i in range(0, len(text), length)]


def character_codes(texts: Sequence[str]) -> np.ndarray:
    """Return the codes of all characters of some strings, (characters,) uint8; 255 for those beyond Latin-1."""
    text = "".join(texts)
    try:
        return np.frombuffer(text.encode("latin-1"), np.uint8)
    except UnicodeEncodeError:
        wide = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        return np.minimum(wide, 255).astype(np.uint8)
