"""Names of protein variants: `A23V`, HGVS such as `p.Ala23Val`, and several at once, as in `A1P:D2N`.

The grammar is that part of HGVS (https://hgvs-nomenclature.org, version 21) which says what a protein's letters become:
substitutions, deletions, insertions, duplications, both at once (`delins`), and lists of these in brackets.
"""

import re

from .variant import Change, overlap

LETTERS = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H",
    "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W",
    "Tyr": "Y", "Val": "V", "Sec": "U", "Pyl": "O", "Ter": "*",
}  # fmt: skip
_LETTER = "(?:" + "|".join(LETTERS) + r"|[A-Z*])"
_PLACE = rf"({_LETTER})([0-9]+)"
_RANGE = rf"{_PLACE}(?:_{_PLACE})?"
_SUBSTITUTION = re.compile(rf"{_PLACE}({_LETTER}|=)")
_DELETION = re.compile(rf"{_RANGE}del(?:ins((?:{_LETTER})+))?")
_INSERTION = re.compile(rf"{_PLACE}_{_PLACE}ins((?:{_LETTER})+)")
_DUPLICATION = re.compile(rf"{_RANGE}dup")


class UnreadableError(ValueError):
    """A name says nothing that letters can show; its message says why."""


def parse_protein(text: str, sequence: str, first: int = 1) -> tuple[Change, ...]:
    """Read the name of a protein variant.

    Args:
        text: such as `A23V`, `p.Ala23Val`, `p.(Ala23_Lys25del)`, `p.[Ala23Val;Lys25Arg]` or `A1P:D2N`.
        sequence: of the protein, in capitals.
        first: the number of its first letter.

    Returns:
        The changes, ascending. Those of `A23=` and `p.=` are none.

    Raises:
        UnreadableError: the name cannot be read, names a place beyond the sequence, or letters that are not there, or
            says that less or more than a stretch of letters changes (`fs`, `ext`).
    """
    body = text.strip()
    body = re.sub(r"^[\w.-]+:(?=p\.)", "", body)  # a reference sequence's name
    body = body.removeprefix("p.")
    if body.startswith("(") and body.endswith(")"):
        body = body[1:-1]
    if body.startswith("[") and body.endswith("]"):
        body = body[1:-1]
    if body in ("=", "WT", "wt", "_wt"):
        return ()
    changes = [_one(part.strip(), sequence, first) for part in re.split("[:;,]", body)]
    made = tuple(sorted(change for change in changes if change is not None))
    if overlap(made):
        raise UnreadableError(f"{text!r} changes the same place twice")
    return made


def _one(part: str, sequence: str, first: int) -> Change | None:
    """One change; None where nothing changes."""
    if match := _SUBSTITUTION.fullmatch(part):
        letter, number, alt = match.groups()
        start = _place(letter, number, sequence, first)
        ref = sequence[start]
        new = ref if alt == "=" else _letter(alt)
        return None if new == ref else Change(start, ref, new)
    if match := _DELETION.fullmatch(part):
        start, stop = _range(match.groups()[:4], sequence, first)
        return Change(start, sequence[start:stop], _letters(match[5] or ""))
    if match := _INSERTION.fullmatch(part):
        start, stop = _range(match.groups()[:4], sequence, first)
        if stop - start != 2:
            raise UnreadableError(f"{part!r} inserts between letters that are no neighbours")
        return Change(start + 1, "", _letters(match[5]))
    if match := _DUPLICATION.fullmatch(part):
        start, stop = _range(match.groups(), sequence, first)
        return Change(stop, "", sequence[start:stop])
    if re.search("fs|ext|[?]", part):
        raise UnreadableError(f"{part!r} is a shift of the frame, an extension or unknown, which letters cannot show")
    raise UnreadableError(f"{part!r} is no name of a protein variant, such as A23V, p.Ala23Val or p.Ala23del")


def _range(groups: tuple[str | None, ...], sequence: str, first: int) -> tuple[int, int]:
    """A stretch of the sequence, 0-based and half-open."""
    a, low, b, high = groups
    start = _place(str(a), str(low), sequence, first)
    stop = _place(b, str(high), sequence, first) + 1 if b else start + 1
    if stop <= start:
        raise UnreadableError(f"the range {low}_{high} runs backwards")
    return start, stop


def _place(letter: str, number: str, sequence: str, first: int) -> int:
    """The 0-based place of a numbered letter, which must be there."""
    place, wanted = int(number) - first, _letter(letter)
    if not 0 <= place < len(sequence):
        last = first + len(sequence) - 1
        raise UnreadableError(f"position {number} is not in the sequence, whose letters are numbered {first} to {last}")
    if sequence[place] != wanted:
        raise UnreadableError(f"the sequence has {sequence[place]} at position {number}, not {wanted}")
    return place


def _letter(text: str) -> str:
    return LETTERS.get(text, text)


def _letters(text: str) -> str:
    return "".join(map(_letter, re.findall(_LETTER, text)))
