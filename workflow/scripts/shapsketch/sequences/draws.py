"""Whole sequences as backgrounds: what is absent is read from one sequence, not drawn letter by letter.

Real sequences have neighbours, repeats and motifs of their own, which no product of letter frequencies has. Two kinds
can be drawn: stretches of the sequences of a file, which may be matched by their share of G and C; and shuffles of the
explained sequence itself. Under such a background letters depend on one another, so there are no dividends in closed
form: it is for games that are asked (`explain.mode: masks`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..settings.errors import InputError
from .alphabet import UNKNOWN_CODE
from .reader import stream_records
from .rng import keyed_indices
from .shuffles import shuffled
from .template import Template

LETTERS_AT_ONCE = 1 << 24  # letters of the stretches that are compared with a template at once
GC = "GCS"  # letters that count as G or C


@dataclass(frozen=True)
class RealSequences:
    """Stretches of real sequences, all equally likely.

    Attributes:
        template: of the model.
        path: the file.
        letters: (L,) uint8 alphabet codes of all its sequences, one after another.
        starts: (W,) int64, where the stretches of n letters begin; by `shares` where these are matched.
        counts: (W,) int64 letters G and C of each stretch, ascending; None: they are not matched.
        tolerance: by how much the share of G and C may differ from that of the explained sequence.
        note: a sentence that says what was left out; empty where nothing was.
    """

    template: Template
    path: str
    letters: np.ndarray
    starts: np.ndarray
    counts: np.ndarray | None = None
    tolerance: float = 0.0
    note: str = ""

    @property
    def size(self) -> int:
        """How many stretches there are."""
        return len(self.starts)

    @property
    def is_fixed(self) -> bool:
        """Whether all draws are one sequence."""
        return self.size == 1

    def around(self, name: str, codes: np.ndarray) -> "RealSequences":
        """Return the stretches that absent letters of a sequence are drawn from.

        Args:
            name: of the sequence.
            codes: (n,) uint8 local codes.

        Raises:
            InputError: none has about its share of G and C.
        """
        if self.counts is None:
            return self
        n = self.template.n
        count = int(_is_gc(self.template)[self.template.to_alphabet(codes[None])[0]].sum())
        apart = int(np.floor(self.tolerance * n + 1e-9))
        first, stop = np.searchsorted(self.counts, [count - apart, count + apart + 1]).tolist()
        if first == stop:
            raise InputError(
                f"The background draws sequences of {self.path} whose share of G and C is within {self.tolerance:g} of "
                f"the explained one's, and none is: {name!r} has {count / n:.3f}, they have {self.counts[0] / n:.3f} "
                f"to {self.counts[-1] / n:.3f}; raise background.draws.gc, or give more sequences."
            )
        return replace(self, starts=self.starts[first:stop], counts=self.counts[first:stop])

    def draw(self, key: np.uint64, numbers: np.ndarray) -> np.ndarray:
        """Return the (N, n) uint8 local codes of (N,) numbered draws of a key's stream."""
        starts = self.starts[keyed_indices(key, numbers, self.size)]
        return self.template.to_local(self.letters[starts[:, None] + np.arange(self.template.n)])


@dataclass(frozen=True)
class Shuffles:
    """Shuffles of the explained sequence, all equally likely.

    Attributes:
        template: of the model.
        pairs: whether pairs of neighbouring letters are kept; see `shuffled`.
        codes: (n,) uint8 alphabet codes of the explained sequence; None before there is one.
    """

    template: Template
    pairs: bool
    codes: np.ndarray | None = None
    note: str = ""
    size: int | None = None  # how many there are is not counted
    is_fixed: bool = False

    def around(self, name: str, codes: np.ndarray) -> "Shuffles":
        """Return the shuffles of a sequence, given by its name and its (n,) uint8 local codes."""
        return replace(self, codes=self.template.to_alphabet(codes[None])[0])

    def draw(self, key: np.uint64, numbers: np.ndarray) -> np.ndarray:
        """Return the (N, n) uint8 local codes of (N,) numbered draws of a key's stream."""
        assert self.codes is not None, "there is no sequence yet"
        return self.template.to_local(shuffled(self.codes, self.pairs, key, numbers))


Draws = RealSequences | Shuffles


def configured_draws(
    template: Template, spec: Mapping[str, Any], path: str | None, tell: Callable[[str], object]
) -> Draws:
    """Build the background of whole sequences that a config declares.

    Args:
        template: of the model.
        spec: `{"draws": {"path": file, "cut": rule, "gc": tolerance}}` or `{"shuffle": {"keep": "pairs"}}`.
        path: the file, where it lies.
        tell: called with a sentence that says what was left out of it.

    Raises:
        InputError: no stretch of the file fits, or it has letters that the alphabet has not.
    """
    if "shuffle" in spec:
        _refuse_restricted(template)
        return Shuffles(template, spec["shuffle"]["keep"] == "pairs")
    settings = spec["draws"]
    draws = read_draws(path or settings["path"], template, settings["cut"], settings.get("gc"))
    if draws.note:
        tell(draws.note)
    return draws


def read_draws(path: str | Path, template: Template, cut: str = "centre", gc: float | None = None) -> RealSequences:
    """Read the stretches of a file's sequences that fit a template.

    Args:
        path: FASTA, FASTQ, or a table with a column `sequence`.
        template: of the model. What it fixes stays, whatever is drawn.
        cut: which stretch of a longer sequence is taken: the one in the `centre` (of an odd number of letters too many,
            one more is left out at the end), at the `start`, at the `end`, or `anywhere`: each is one of its own.
        gc: within how much of the explained sequence's share of G and C that of a draw must lie; None: anything.

    Raises:
        InputError: the file cannot be read, a letter is not of the alphabet, or no stretch fits.
    """
    n, parts, lengths, longest = template.n, [], [], ("", 0)
    for names, codes, sizes in _records(path, template):
        parts.append(codes)
        lengths.append(sizes)
        best = int(sizes.argmax())
        longest = max(longest, (names[best], int(sizes[best])), key=lambda one: one[1])
    if not parts:
        raise InputError(f"{path}, which the background draws from, holds no sequences.")
    letters, sizes = np.concatenate(parts), np.concatenate(lengths)
    if longest[1] < n:
        raise InputError(
            f"{path} has no sequence of the {n} letters that the background draws; the longest, {longest[0]!r}, has "
            f"{longest[1]}."
        )
    starts = _starts(sizes, n, cut)
    fit = _fits(letters, starts, template)
    if not fit.any():
        raise InputError(
            f"{path}: none of its {len(starts)} stretches of {n} letters can be drawn as a background; each has an "
            "ambiguous letter, or one that the template does not allow there."
        )
    note = _note(path, n, int((sizes < n).sum()), len(starts), int(fit.sum()))
    starts = starts[fit]
    if gc is None:
        return RealSequences(template, str(path), letters, starts, note=note)
    total = np.append(0, np.cumsum(_is_gc(template)[letters]))
    counts = total[starts + n] - total[starts]
    order = np.argsort(counts, kind="stable")
    return RealSequences(template, str(path), letters, starts[order], counts[order], gc, note)


def _records(path: str | Path, template: Template) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """The names of some records, the codes of all their letters, and how many each has.

    Raises:
        InputError: a letter is neither of the alphabet nor ambiguous.
    """
    alphabet = template.alphabet
    known = set(alphabet.letters) | set(alphabet.ambiguity)
    for table in stream_records(path, template):
        texts = alphabet.normalise(table["sequence"].tolist())
        joined = "".join(texts)
        sizes = np.array([len(text) for text in texts], np.int64)
        if foreign := set(joined) - known:
            place = min(joined.index(letter) for letter in foreign)
            row = int(np.searchsorted(np.cumsum(sizes), place, side="right"))
            raise InputError(
                f"{path}: {table.index.name} {table.index[row]} ({table['sequence_id'].iloc[row]!r}) has "
                f"{joined[place]!r} at position {place - int(sizes[:row].sum()) + 1}; the alphabet is "
                f"{alphabet.letters}."
            )
        yield table["sequence_id"].tolist(), alphabet.encode([joined])[0], sizes


def _starts(sizes: np.ndarray, n: int, cut: str) -> np.ndarray:
    """Where the stretches of records of such sizes begin, by a rule."""
    first = np.cumsum(sizes) - sizes
    first, more = first[sizes >= n], sizes[sizes >= n] - n
    if cut == "anywhere":
        total = more + 1
        return np.repeat(first - np.cumsum(total) + total, total) + np.arange(total.sum())
    return first + {"start": 0 * more, "centre": more // 2, "end": more}[cut]


def _fits(letters: np.ndarray, starts: np.ndarray, template: Template) -> np.ndarray:
    """(W,) bool: whether each stretch has allowed letters at all free positions."""
    n = template.n
    if template.allowed.all():
        bad = np.append(0, np.cumsum(letters == UNKNOWN_CODE))
        return bad[starts + n] == bad[starts]
    step, fits = max(1, LETTERS_AT_ONCE // n), []
    for first in range(0, len(starts), step):
        local = template.to_local(letters[starts[first : first + step, None] + np.arange(n)])
        fits.append((local < template.sizes)[:, template.free].all(1))
    return np.concatenate(fits)


def _is_gc(template: Template) -> np.ndarray:
    """(256,) bool by alphabet code."""
    table = np.zeros(256, bool)
    table[: template.alphabet.q] = [letter in GC for letter in template.alphabet.letters]
    return table


def _note(path: str | Path, n: int, short: int, stretches: int, fit: int) -> str:
    """Say what cannot be drawn, if anything."""
    parts = [f"{short} of its sequences are shorter"] * (short > 0)
    parts += [f"{stretches - fit} of its {stretches} stretches have a letter that does not fit"] * (fit < stretches)
    return f"the background draws {fit} stretches of {n} letters of {path}; {' and '.join(parts)}" if parts else ""


def _refuse_restricted(template: Template) -> None:
    """Refuse templates that a shuffle would break."""
    restricted = template.free[template.sizes[template.free] < template.alphabet.q]
    if len(restricted):
        place = int(restricted[0])
        raise InputError(
            f"The background shuffles each sequence, but the template has {template.pattern[place]!r} at position "
            f"{place + 1}, which not every letter fits; use draws, or leave that position free or fixed."
        )
