"""Inputs of numbers of tokens, as language models read them, and inputs that are held constant.

Source keys: `tokens`, with `vocabulary`: the number of each letter, `{A: 5, C: 6}`; or all tokens in the order of their
numbers, as a list or a text file (one a line) or a JSON file (of numbers by token); without it, a letter's number is
its place in the alphabet. `before` and `after`: special tokens around the sequence, by number or as the vocabulary
has them. `length` and `padding`: fill up with that token to so many. `unknown`: the token of N. `mask`: the token that
hides a letter, for scores. `attention`: the name of the input that has 1 for tokens and 0 for padding. `constants`:
further inputs by name, each of numbers for one sequence, or a .npy file of them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..sequences.template import Template
from ..settings.errors import InputError

Vocabulary = Mapping[str, int]


@dataclass(frozen=True)
class Tokens:
    """How sequences become numbers.

    Attributes:
        letters: (q + 1,) int64, the token of each letter, and of N (-1: none).
        before, after: (k,) int64 special tokens around the sequence, padding included.
        attention: (L,) int64, 1 for tokens and 0 for padding.
        mask: the token that hides a letter; None without one.
    """

    letters: np.ndarray
    before: np.ndarray
    after: np.ndarray
    attention: np.ndarray
    mask: int | None

    @classmethod
    def read(cls, config: Mapping[str, Any], template: Template) -> "Tokens":
        """Read a source's `tokens`.

        Raises:
            InputError: a letter or a special token has no number, or the sequence is longer than `length`.
        """
        alphabet = template.alphabet
        vocabulary = _vocabulary(config.get("vocabulary"), alphabet.letters)
        lacking = [letter for letter in alphabet.letters if letter not in vocabulary]
        if lacking:
            raise InputError(
                f"The vocabulary of the model's tokens has no number for {', '.join(lacking)} of the alphabet "
                f"{alphabet.letters}; it has {_listed(vocabulary)}."
            )
        before, after = ([_token(t, vocabulary) for t in config.get(key, [])] for key in ("before", "after"))
        length = len(before) + template.n + len(after)
        total = config.get("length", length)
        if total < length:
            raise InputError(
                f"The model takes {total} tokens, and a sequence of {template.n} letters with {len(before)} tokens "
                f"before and {len(after)} after it has {length}."
            )
        if total > length and "padding" not in config:
            raise InputError(f"Sequences of {length} tokens are to be filled up to {total}; say with which: padding.")
        filled = [_token(config.get("padding", 0), vocabulary)] * (total - length)
        unknown = _token(config["unknown"], vocabulary) if "unknown" in config else -1
        return cls(
            np.array([*(vocabulary[letter] for letter in alphabet.letters), unknown], np.int64),
            np.array(before, np.int64),
            np.array(after + filled, np.int64),
            np.array([1] * length + [0] * len(filled), np.int64),
            _token(config["mask"], vocabulary) if "mask" in config else None,
        )

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, L) int64 tokens of (N, n) alphabet codes."""
        letters = self.letters[np.minimum(codes, len(self.letters) - 1)]
        sides = [np.tile(side, (len(codes), 1)) for side in (self.before, self.after)]
        return np.concatenate([sides[0], letters, sides[1]], 1)


def _vocabulary(given: Any, letters: str) -> Vocabulary:
    if given is None:
        return {letter: number for number, letter in enumerate(letters)}
    if isinstance(given, str):
        try:
            text = Path(given).read_text("utf-8-sig")
            given = json.loads(text) if given.endswith(".json") else text.splitlines()
        except (OSError, ValueError) as error:
            raise InputError(f"The vocabulary {given} cannot be read ({error}).") from None
    if isinstance(given, Mapping):
        numbers = [token for token, number in given.items() if not isinstance(number, int) or isinstance(number, bool)]
        if numbers:
            raise InputError(f"The vocabulary of the model's tokens gives {numbers[0]!r} no whole number.")
        return dict(given)
    if not isinstance(given, Sequence):
        raise InputError("The vocabulary of the model's tokens is neither a list of tokens nor numbers by token.")
    return {str(token): number for number, token in enumerate(given)}


def _token(given: Any, vocabulary: Vocabulary) -> int:
    if isinstance(given, int):
        return given
    if given not in vocabulary:
        raise InputError(f"The vocabulary of the model's tokens has no {given!r}; it has {_listed(vocabulary)}.")
    return vocabulary[given]


def _listed(vocabulary: Vocabulary) -> str:
    names = list(vocabulary)
    return ", ".join(names[:40]) + (f" and {len(names) - 40} others" if len(names) > 40 else "")


def constant_inputs(source: Mapping[str, Any], tokens: Tokens | None) -> dict[str, np.ndarray]:
    """Return the inputs that are the same for every sequence, by name: each of one sequence.

    Raises:
        InputError: a file cannot be read, or holds no numbers.
    """
    held = {name: _numbers(name, given) for name, given in source.get("constants", {}).items()}
    if tokens is not None and "attention" in source.get("tokens", {}):
        held[source["tokens"]["attention"]] = tokens.attention
    return held


def _numbers(name: str, given: Any) -> np.ndarray:
    try:
        values = np.load(given, allow_pickle=False) if isinstance(given, str) else np.array(given)
        if values.dtype.kind not in "fiub":
            raise ValueError("it holds no numbers")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"The constant input {name} cannot be read from {given} ({error}).") from None
    return values.astype(np.float32) if values.dtype == np.float64 else values


def repeated(values: np.ndarray, count: int) -> np.ndarray:
    """Return a constant input for so many sequences: (N, ...)."""
    return np.ascontiguousarray(np.broadcast_to(values, (count, *values.shape)))
