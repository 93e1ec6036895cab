"""Backgrounds: the product distribution that absent letters are drawn from.

The value of a coalition S of positions of a sequence x is v(S) = E f(x_S, z_notS) with z drawn from
the background, so the background is part of what a Shapley value means. It is a probability for
each allowed letter at each position, independent between positions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..settings.errors import InputError
from .template import Template

PSEUDOCOUNT = 1.0  # of `from_sequences`, per letter


@dataclass(frozen=True)
class Background:
    """A product distribution over the sequences that fit a template.

    Attributes:
        template: the template.
        probabilities: (n, q) float64, rows sum to 1, zero exactly where the template forbids.
    """

    template: Template
    probabilities: np.ndarray

    def __post_init__(self) -> None:
        p, allowed = self.probabilities, self.template.allowed
        if p.shape != allowed.shape:
            raise ValueError(f"probabilities have shape {p.shape}, not {allowed.shape}")
        bad = np.argwhere(allowed & ~(p > 0))
        if len(bad):
            i, a = bad[0]
            letter = self.template.alphabet.letters[a]
            raise InputError(
                f"The background gives {letter} at position {i + 1} no probability although the template "
                "allows it; give it a positive one or forbid the letter in the template."
            )

    @classmethod
    def from_weights(cls, template: Template, weights: np.ndarray) -> "Background":
        """Normalise non-negative weights of shape (n, q) or (q,) over the allowed letters."""
        p = np.where(template.allowed, np.broadcast_to(weights, template.allowed.shape), 0.0)
        total = p.sum(1, keepdims=True)
        return cls(template, np.divide(p, total, out=np.zeros_like(p), where=total > 0))

    @classmethod
    def uniform(cls, template: Template) -> "Background":
        """All letters that the template allows, equally likely."""
        return cls.from_weights(template, np.ones(template.alphabet.q))

    @classmethod
    def from_frequencies(cls, template: Template, frequencies: Mapping[str, float]) -> "Background":
        """The same letter frequencies at every position, normalised over the allowed letters."""
        letters = template.alphabet.letters
        unknown = sorted(set(frequencies) - set(letters))
        if unknown:
            raise InputError(f"The background's frequencies name {unknown[0]!r}; the alphabet has {letters}.")
        return cls.from_weights(template, np.array([float(frequencies.get(a, 0.0)) for a in letters]))

    @classmethod
    def from_codes(cls, template: Template, codes: np.ndarray, pseudocount: float) -> "Background":
        """Per-position letter frequencies of (N, n) alphabet codes, plus a pseudocount per letter."""
        counts = (codes[:, :, None] == np.arange(template.alphabet.q)).sum(0)
        return cls.from_weights(template, counts + float(pseudocount))

    @classmethod
    def mutated(cls, template: Template, around: str, rate: float) -> "Background":
        """Sequences near `around`: each position keeps its letter with probability 1 - rate.

        The other allowed letters share `rate` (0 < rate < 1) equally.
        """
        (around,) = template.alphabet.normalise([around])
        if len(around) != template.n:
            raise InputError(
                f"The background mutates around a sequence of {len(around)} letters; the template has {template.n}."
            )
        codes = template.alphabet.encode([around])
        local = template.to_local(codes)[0]
        bad = np.flatnonzero(local >= template.sizes)
        if bad.size:
            i = bad[0]
            raise InputError(
                f"The background mutates around a sequence with {around[i]!r} at position {i + 1}, "
                f"which the template ({template.pattern[i]}) does not allow."
            )
        weights = template.allowed * (rate / np.maximum(template.sizes - 1, 1))[:, None]
        weights[np.arange(template.n), codes[0]] = 1 - rate
        return cls.from_weights(template, weights)

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all allowed letters are equally likely at every position."""
        expected = self.template.allowed / self.template.sizes[:, None]
        return bool(np.allclose(self.probabilities, expected, rtol=1e-12, atol=0))

    @cached_property
    def local(self) -> list[np.ndarray]:
        """For each position the (m_i,) probabilities of its allowed letters."""
        return [p[a] for p, a in zip(self.probabilities, self.template.allowed, strict=True)]

    @cached_property
    def thresholds(self) -> np.ndarray:
        """(n, max m_i - 1) uint64: a uniform 32-bit word u has local code #{thresholds <= u}."""
        width = int(self.template.sizes.max()) - 1
        table = np.full((self.template.n, width), 2**32, np.uint64)
        for i, p in enumerate(self.local):
            table[i, : len(p) - 1] = np.rint(np.cumsum(p)[:-1] * 2.0**32).astype(np.uint64)
        return table


def background_from_config(
    template: Template, spec: str | Mapping[str, Any], sequences: Sequence[str] | None = None
) -> Background:
    """Build the background that a config declares.

    Args:
        template: the model's template.
        spec: `"uniform"`, `{"frequencies": {letter: weight}}`,
            `{"from_sequences": {"queries": name, "pseudocount": c}}`, or
            `{"mutate": {"around": sequence, "rate": r}}`.
        sequences: the sequences that `from_sequences` counts; they fit the template.
    """
    if spec == "uniform":
        return Background.uniform(template)
    if not isinstance(spec, Mapping) or len(spec) != 1:
        raise InputError(f"The background {spec!r} is not one of uniform, frequencies, from_sequences, mutate.")
    (kind, value), *_ = spec.items()
    if kind == "frequencies":
        return Background.from_frequencies(template, value)
    if kind == "mutate":
        return Background.mutated(template, value["around"], value["rate"])
    if kind == "from_sequences" and sequences is not None:
        codes = template.alphabet.encode(sequences)
        return Background.from_codes(template, codes, value.get("pseudocount", PSEUDOCOUNT))
    raise InputError(f"The background {kind!r} is not one of uniform, frequencies, from_sequences, mutate.")
