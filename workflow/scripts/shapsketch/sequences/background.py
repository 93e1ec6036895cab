"""Backgrounds: the distribution that absent letters are drawn from.

The value of a coalition S of positions of a sequence x is v(S) = E f(x_S, z_notS) with z drawn from
the background, so the background is part of what a Shapley value means. It is a probability for
each allowed letter at each position: independent between positions, or a Markov chain of order 1,
so that pairs of neighbouring letters (CpG, TpA) are as frequent as in the sequences that it counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..settings.errors import InputError
from .template import Template

PSEUDOCOUNT = 1.0  # of `from_sequences`, per letter
KINDS = "uniform, frequencies, from_sequences, mutate, markov"
MARKOV_NOTE = (
    "the background is a Markov chain: contributions of different positions are correlated under it, and shares by "
    "order are of the sum of their mean squares, not of a variance"
)


@dataclass(frozen=True)
class Background:
    """A product distribution, or a Markov chain, over the sequences that fit a template.

    Attributes:
        template: the template.
        probabilities: (n, q) float64 of each letter at each position, rows sum to 1, zero exactly where the template
            forbids.
        transitions: (n - 1, q, q) float64 of a Markov chain: the probability of each letter, given the one before it;
            rows of letters that the template allows sum to 1. None: letters are independent.
    """

    template: Template
    probabilities: np.ndarray
    transitions: np.ndarray | None = None

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
        """Return the background of given weights, normalised at each position over the allowed letters.

        Args:
            template: the template.
            weights: (n, q), or (q,) for every position, none of them negative.

        Raises:
            InputError: an allowed letter has no weight.
        """
        p = np.where(template.allowed, np.broadcast_to(weights, template.allowed.shape), 0.0)
        total = p.sum(1, keepdims=True)
        return cls(template, np.divide(p, total, out=np.zeros_like(p), where=total > 0))

    @classmethod
    def uniform(cls, template: Template) -> "Background":
        """Return the background of all letters that the template allows, equally likely."""
        return cls.from_weights(template, np.ones(template.alphabet.q))

    @classmethod
    def from_frequencies(cls, template: Template, frequencies: Mapping[str, float]) -> "Background":
        """Return the background of the same letter frequencies at every position.

        Args:
            template: the template.
            frequencies: a non-negative weight of each letter, 0 for those left out.

        Raises:
            InputError: a letter is not of the alphabet.
        """
        letters = template.alphabet.letters
        unknown = sorted(set(frequencies) - set(letters))
        if unknown:
            raise InputError(f"The background's frequencies name {unknown[0]!r}; the alphabet has {letters}.")
        return cls.from_weights(template, np.array([float(frequencies.get(a, 0.0)) for a in letters]))

    @classmethod
    def from_codes(cls, template: Template, codes: np.ndarray, pseudocount: float) -> "Background":
        """Return the background of the letter frequencies of sequences, position by position.

        Args:
            template: the template.
            codes: (N, n) uint8 alphabet codes.
            pseudocount: added to the count of each letter, not negative.
        """
        counts = (codes[:, :, None] == np.arange(template.alphabet.q)).sum(0)
        return cls.from_weights(template, counts + float(pseudocount))

    @classmethod
    def mutated(cls, template: Template, around: str, rate: float) -> "Background":
        """Return the background of sequences near one: each position keeps its letter with probability 1 - rate.

        Args:
            template: the template.
            around: a sequence that fits it.
            rate: 0 < rate < 1, which the other allowed letters of a position share equally.

        Raises:
            InputError: the sequence does not fit the template, or the rate is not between 0 and 1.
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

    @classmethod
    def markov(cls, template: Template, initial: np.ndarray, transitions: np.ndarray) -> "Background":
        """Return a homogeneous Markov chain of order 1, given that its sequence fits the template.

        What the template fixes or forbids changes the odds of the letters beside it as it would in the chain: they are
        weighed by the probability of all that follows.

        Args:
            template: the template.
            initial: (q,) non-negative weights of the first letter.
            transitions: (q, q) non-negative weights of each letter (column) after each letter (row).

        Raises:
            InputError: a letter that the template allows cannot come.
        """
        allowed, steps = template.allowed, transitions / np.maximum(transitions.sum(1, keepdims=True), 1e-300)
        later = np.ones((template.n, template.alphabet.q))
        for i in range(template.n - 1, 0, -1):
            later[i - 1] = steps @ (allowed[i] * later[i])
            later[i - 1] /= max(later[i - 1].max(), 1e-300)
        weights = initial * allowed[0] * later[0]
        probabilities = np.zeros_like(later)
        probabilities[0] = weights / max(weights.sum(), 1e-300)
        chain = np.zeros((template.n - 1, *steps.shape))
        for i in range(1, template.n):
            rows = steps * (allowed[i] * later[i]) * allowed[i - 1][:, None]
            chain[i - 1] = rows / np.maximum(rows.sum(1, keepdims=True), 1e-300)
            probabilities[i] = probabilities[i - 1] @ chain[i - 1]
        return cls(template, probabilities, chain)

    @classmethod
    def chain_of(cls, template: Template, codes: np.ndarray, pseudocount: float) -> "Background":
        """Return a Markov chain with the frequencies of letters and of neighbours in sequences.

        Args:
            template: the template.
            codes: (N, n) uint8 alphabet codes.
            pseudocount: added to the count of each letter and of each pair, not negative.
        """
        q = template.alphabet.q
        pairs = np.bincount((codes[:, :-1].astype(np.int64) * q + codes[:, 1:]).ravel(), minlength=q * q)
        letters = np.bincount(codes.ravel(), minlength=q)
        return cls.markov(template, letters + float(pseudocount), pairs.reshape(q, q) + float(pseudocount))

    @property
    def is_product(self) -> bool:
        """Whether letters are independent."""
        return self.transitions is None

    @cached_property
    def is_uniform(self) -> bool:
        """Whether all allowed letters are equally likely at every position, and independent."""
        if not self.is_product:
            return False
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

    @cached_property
    def steps(self) -> list[np.ndarray]:
        """Of a chain, for each position but the first the (m_before, m_i) probabilities of its letters after others."""
        assert self.transitions is not None
        allowed = self.template.allowed
        return [step[before][:, now] for step, before, now in zip(self.transitions, allowed, allowed[1:], strict=False)]

    def draw(self, words: np.ndarray) -> np.ndarray:
        """Return the (N, n) uint8 local codes that (N, n) uniform 32-bit words draw, by inversion."""
        if self.is_product:
            codes = np.zeros(words.shape, np.uint8)
            for threshold in self.thresholds.T:
                codes += words >= threshold
            return codes
        codes = np.empty(words.shape, np.uint8)
        codes[:, 0] = (words[:, :1] >= self.thresholds[0]).sum(1)
        for i, step in enumerate(self.steps, 1):
            rows = np.rint(np.cumsum(step, 1)[:, :-1] * 2.0**32).astype(np.uint64)
            codes[:, i] = (words[:, i, None] >= rows[codes[:, i - 1]]).sum(1)
        return codes

    def log_probabilities(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N,) log-probabilities of (N, n) alphabet codes; an ambiguous letter leaves out its factors."""
        q = self.template.alphabet.q
        known = codes < q
        letters = np.where(known, codes, 0)
        with np.errstate(divide="ignore"):
            logs = np.where(known, np.log(self.probabilities[np.arange(codes.shape[1]), letters]), 0.0)
            if self.transitions is not None:
                places = np.arange(codes.shape[1] - 1)
                steps = np.log(self.transitions[places, letters[:, :-1], letters[:, 1:]])
                after = known[:, :-1] & known[:, 1:]
                logs[:, 1:] = np.where(after, steps, logs[:, 1:])
        return logs.sum(1)


def background_from_config(
    template: Template, spec: str | Mapping[str, Any], sequences: Sequence[str] | None = None
) -> Background:
    """Build the background that a config declares.

    Args:
        template: the model's template.
        spec: `"uniform"`, `{"frequencies": {letter: weight}}`,
            `{"from_sequences": {"queries": name, "pseudocount": c}}`, `{"mutate": {"around": sequence, "rate": r}}`, or
            a Markov chain, `{"markov": {"order": 1, "from_sequences": name, "pseudocount": c}}` or
            `{"markov": {"initial": {letter: weight}, "transitions": {letter: {letter: weight}}}}`.
        sequences: the sequences that `from_sequences` counts; they fit the template.

    Raises:
        InputError: the specification is none of these, or does not fit the alphabet or the template.
    """
    if spec == "uniform":
        return Background.uniform(template)
    if not isinstance(spec, Mapping) or len(spec) != 1:
        raise InputError(f"The background {spec!r} is not one of {KINDS}.")
    (kind, value), *_ = spec.items()
    if kind == "frequencies":
        return Background.from_frequencies(template, value)
    if kind == "mutate":
        return Background.mutated(template, value["around"], value["rate"])
    if kind == "from_sequences" and sequences is not None:
        codes = template.alphabet.encode(sequences)
        return Background.from_codes(template, codes, value.get("pseudocount", PSEUDOCOUNT))
    if kind == "markov":
        return _markov(template, value, sequences)
    raise InputError(f"The background {kind!r} is not one of {KINDS}.")


def _markov(template: Template, value: Mapping[str, Any], sequences: Sequence[str] | None) -> Background:
    """The Markov chain of a config, from counted sequences or from given weights."""
    if value.get("order", 1) != 1:
        raise InputError(f"The background is a Markov chain of order {value['order']}; order 1 can be had.")
    if sequences is not None:
        codes = template.alphabet.encode(sequences)
        return Background.chain_of(template, codes, value.get("pseudocount", PSEUDOCOUNT))
    given, letters = value.get("transitions"), template.alphabet.letters
    if not isinstance(given, Mapping) or "initial" not in value:
        raise InputError("The background markov wants from_sequences, or both initial and transitions.")
    for what, names in (("transitions", given), *((f"transitions.{a}", row) for a, row in given.items())):
        if set(names) != set(letters):
            raise InputError(f"The background's markov.{what} names {''.join(names)}; the alphabet has {letters}.")
    steps = np.array([[float(given[a][b]) for b in letters] for a in letters])
    if (steps < 0).any() or (steps.sum(1) <= 0).any():
        raise InputError("The background's markov.transitions have a negative weight, or a row without any weight.")
    initial = Background.from_frequencies(
        Template(template.alphabet, template.alphabet.wildcard), value["initial"]
    ).probabilities[0]
    return Background.markov(template, initial, steps)
