"""An interaction motif: words of letters, where they lie, and what they add together."""

from dataclasses import dataclass, replace

import numpy as np

from ..spectrum.terms import Terms
from .patterns import Placements

MIN_PLACEMENT_SHARE = 0.1  # of the strongest placement
MIN_WORD_GAIN = 0.6  # of the strongest word: how much a word must add
MIN_RELATED_WORD_GAIN = 0.25  # the same for words that are related by a rule


@dataclass(frozen=True)
class Motif:
    """Letters at several positions that act together, wherever they do.

    Attributes:
        words: (W, k) uint8 letter codes; the strongest word first.
        placements: P placements of k positions; the strongest first.
        values: (P, W) float64, what the letters of a word add together at a placement, in the model's units.
        split: how many of the k letters lie before the gap that varies; k where none does.
        relation: `equal` or `complementary` halves, or empty.
        terms: the motif's own part of the spectrum: its dividends.
    """

    words: np.ndarray
    placements: Placements
    values: np.ndarray
    split: int
    relation: str
    terms: Terms

    @property
    def order(self) -> int:
        """The number k of interacting letters."""
        return self.words.shape[1]

    @property
    def offsets(self) -> np.ndarray:
        """(k,) the letters' distances from the first of their half, the same at all placements."""
        steps = np.abs(self.placements.positions[0] - self.placements.positions[0, 0])
        return np.concatenate([steps[: self.split], steps[self.split :] - steps[self.split : self.split + 1]])

    @property
    def gaps(self) -> np.ndarray:
        """(P,) letters between the halves at each placement; empty where the gap does not vary."""
        if self.split == self.order:
            return np.zeros(0, np.int64)
        inner = self.placements.positions[:, self.split - 1 : self.split + 1]
        return np.abs(np.diff(inner, axis=1)).ravel() - 1


def sort_motif(motif: Motif) -> Motif:
    """Order the placements by their mean magnitude, the words by theirs."""
    places = np.argsort(-np.abs(motif.values).mean(1), kind="stable")
    words = np.argsort(-np.abs(motif.values.mean(0)), kind="stable")
    values = motif.values[np.ix_(places, words)]
    return replace(motif, words=motif.words[words], placements=motif.placements[places], values=values)


def lasting(values: np.ndarray) -> np.ndarray:
    """Return the (P,) bool mask of the placements at which the words add at least a tenth of the most.

    Args:
        values: (P, W) float64, what each word adds at each placement, in the whole tables: where a strong placement has
            been taken out before, what is left of it is as faint as what is found at places of no motif.
    """
    strength = values.mean(1)
    strength = strength * np.sign(strength[np.argmax(np.abs(strength))])
    return strength >= MIN_PLACEMENT_SHARE * strength.max(initial=0.0)


def relation_of(words: np.ndarray, q: int, pairing: np.ndarray | None) -> str:
    """Whether the halves of (W, k) words are equal, or complementary by (q,) `pairing`, over half of the letters."""
    half = words.shape[1] // 2
    if words.shape[1] % 2 or len(words) < max(3, q // 2):
        return ""
    first, second = words[:, :half], words[:, half:]
    if (first == second).all():
        return "equal"
    if pairing is not None and (pairing[first] == second[:, ::-1]).all():
        return "complementary"
    return ""
