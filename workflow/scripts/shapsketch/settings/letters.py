"""Letters: what an alphabet may hold, and what the symbols of a template stand for.

Runs in Snakemake's own process for every job, so it imports nothing heavy.
"""

import re
import string
from itertools import groupby

from .errors import InputError

NAMED = {"DNA": "ACGT", "RNA": "ACGU", "protein": "ACDEFGHIKLMNPQRSTVWY"}
ANY = "."  # a free position of every alphabet that does not have it as a letter; YAML needs no quotes for it

_NUCLEOTIDE_CODES = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
_CODES = {
    "DNA": _NUCLEOTIDE_CODES,
    "RNA": {code: letters.replace("T", "U") for code, letters in _NUCLEOTIDE_CODES.items()},
    "protein": {"B": "DN", "Z": "EQ", "J": "IL", "X": NAMED["protein"]},
}
_WILDCARDS = {"DNA": "N", "RNA": "N", "protein": "X"}
# What stands for any letter in other alphabets: the first that is not a letter itself. At most 64 are.
_CANDIDATES = "*.?-_" + string.printable[:94]
_COUNTED = re.compile(r"([^{}])\{([0-9]{1,7})\}")  # a symbol and how often it comes
MAX_POSITIONS = 1_000_000  # of a template
MIN_COUNTED = 9  # symbols in a row that are shown with their count


def named_letters(text: str) -> str:
    """Return the letters of the alphabet that a config names: `DNA`, `RNA`, `protein` in any case, or the letters."""
    return next((letters for name, letters in NAMED.items() if name.lower() == text.lower()), text)


def kind_of(letters: str) -> str:
    """Return `DNA`, `RNA`, `protein` (whatever the order of the letters) or `custom`."""
    return next((kind for kind, named_letters in NAMED.items() if set(named_letters) == set(letters)), "custom")


def codes_of(letters: str) -> dict[str, str]:
    """Return the IUPAC codes of an alphabet and the letters each stands for."""
    return _CODES.get(kind_of(letters), {})


def wildcard_of(letters: str) -> str:
    """Return what stands for any letter: N, X for proteins, otherwise the first of `*.?-_` that is not a letter."""
    return _WILDCARDS.get(kind_of(letters)) or next(c for c in _CANDIDATES if c not in letters)


def check_letters(letters: str) -> None:
    """Check that letters make an alphabet.

    Raises:
        InputError: they are fewer than 2 or more than 64, one comes twice, or one is not printable ASCII.
    """
    if not 2 <= len(letters) <= 64:
        raise InputError(f"Alphabet {letters!r} has {len(letters)} letters; 2 to 64 can be used.")
    if len(set(letters)) < len(letters):
        twice = next(c for c in letters if letters.count(c) > 1)
        raise InputError(f"Alphabet {letters!r} has the letter {twice!r} more than once.")
    if not all(c.isascii() and c.isprintable() and not c.isspace() for c in letters):
        raise InputError(f"Alphabet {letters!r} may hold printable ASCII letters only.")


def expanded(letters: str, pattern: str) -> str:
    """Return a template without counts: `NN{3}GG` is `NNNNGG`. Of alphabets with `{` or `}`, nothing is a count.

    Args:
        letters: of the alphabet.
        pattern: as in the config.

    Raises:
        InputError: a brace is no part of a count, or the positions are too many.
    """
    if set("{}") & set(letters):
        return pattern
    counts = _COUNTED.findall(pattern)
    rest = _COUNTED.sub("", pattern)
    if brace := next((c for c in rest if c in "{}"), None):
        start = pattern if len(pattern) <= 60 else f"{pattern[:57]}..."
        raise InputError(
            f"The template {start} has a {brace!r} that belongs to no count; write a symbol and how often it comes, as "
            "in N{145}."
        )
    if len(rest) + sum(int(count) for _, count in counts) > MAX_POSITIONS:
        raise InputError(
            f"The template has more than {MAX_POSITIONS:,} positions; models of so many are not explained."
        )
    return _COUNTED.sub(lambda counted: counted[1] * int(counted[2]), pattern)


def compacted(letters: str, pattern: str) -> str:
    """Return a template as people read it, long runs with their count; `expanded` gives it back."""
    if set("{}") & set(letters):
        return pattern
    runs = [(symbol, len(list(run))) for symbol, run in groupby(pattern)]
    return "".join(f"{symbol}{{{count}}}" if count >= MIN_COUNTED else symbol * count for symbol, count in runs)


def allowed_letters(letters: str, pattern: str) -> list[str]:
    """Return the letters that each position of a template may have.

    Args:
        letters: of the alphabet.
        pattern: one symbol per position: a letter, an IUPAC code, or a wildcard. What is a letter is never a wildcard.

    Raises:
        InputError: the template is empty, has an unknown symbol, or leaves nothing free.
    """
    if not pattern:
        raise InputError("The template is empty; it needs one symbol per position.")
    wildcard = wildcard_of(letters)
    meanings = {ANY: letters, wildcard: letters, **codes_of(letters), **{a: a for a in letters}}
    if letters == letters.upper():
        meanings |= {symbol.lower(): meaning for symbol, meaning in meanings.items()}
    for position, symbol in enumerate(pattern, 1):
        if symbol not in meanings:
            codes = ", nor an IUPAC code" if codes_of(letters) else ""
            raise InputError(
                f"The template has {symbol!r} at position {position}, which is neither a letter of {letters}, "
                f"nor {_free_words(letters)} for a free position{codes}."
            )
    allowed = [meanings[symbol] for symbol in pattern]
    if max(map(len, allowed)) == 1:
        usual = sorted(set(pattern) & set("*?.NX") & set(letters))
        hint = (
            f": {usual[0]!r} is a letter of the alphabet {letters}; write {_free_words(letters)} for a free position."
            if usual
            else f"; write {_free_words(letters)} for a free position."
        )
        raise InputError(f"The template fixes every position, so there is nothing to explain{hint}")
    return allowed


def _free_words(letters: str) -> str:
    """How a free position is written, in words."""
    return " or ".join(repr(c) for c in dict.fromkeys([wildcard_of(letters), ANY]) if c not in letters)
