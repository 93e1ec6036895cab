"""Motifs that are one: found twice at different placements, or the one within the other."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from ..sequences.background import Background
from ..spectrum.terms import Terms
from .growing import MIN_LETTER_SHARE
from .motif import MIN_RELATED_WORD_GAIN, MIN_WORD_GAIN, Motif, lasting, relation_of, sort_motif
from .patterns import Placements, ResidualTables

MIN_OVERLAP = 0.5  # share of the words, and of the placements, that have to agree


def merge_motifs(background: Background, residuals: ResidualTables, motifs: list[Motif]) -> list[Motif]:
    """Merge motifs of the same letters elsewhere, and motifs whose letters and placements lie within another's.

    Args:
        background: of the spectrum.
        residuals: where they were found.
        motifs: in the order in which they were found.
    """
    kept: list[Motif] = []
    for motif in motifs:
        merged = motif
        again = True
        while again:
            again = False
            for k, other in enumerate(kept):
                pair = _as_one(background, residuals, other, merged)
                if pair is not None:
                    merged, again = pair, True
                    del kept[k]
                    break
        kept.append(merged)
    return kept


def _as_one(background: Background, residuals: ResidualTables, first: Motif, second: Motif) -> Motif | None:
    """The two as one motif, or None where they are not."""
    if first.order == second.order:
        return _union(residuals, first, second)
    small, big = sorted((first, second), key=lambda motif: motif.order)
    if not _lies_within(small, big):
        return None
    terms = Terms.weighted_sum([(1.0, small.terms), (1.0, big.terms)])
    variances = [float(motif.terms.variances(background.local).sum()) for motif in (small, big)]
    return replace(big if variances[1] >= MIN_LETTER_SHARE * sum(variances) else small, terms=terms)


def _union(residuals: ResidualTables, first: Motif, second: Motif) -> Motif | None:
    """Two motifs of as many letters as one, if sign, distances within the halves and most or the best words agree."""
    if np.sign(first.values.mean()) != np.sign(second.values.mean()):
        return None
    words = [list(map(bytes, motif.words)) for motif in (first, second)]
    shared, either = set(words[0]) & set(words[1]), set(words[0]) | set(words[1])
    if words[0][0] != words[1][0] and len(shared) < MIN_OVERLAP * len(either):
        return None
    split = min(first.split, second.split)
    if not np.array_equal(replace(first, split=split).offsets, replace(second, split=split).offsets):
        return None
    rows = _distinct(np.concatenate([first.words, second.words]))
    parts = [motif.placements for motif in (first, second)]
    places = _distinct(np.concatenate([np.column_stack([part.minus, part.positions]) for part in parts]))
    placements = Placements(places[:, 1:], places[:, 0].astype(bool))
    values = residuals.values(placements, rows)
    lasts = lasting(values)
    placements, values = placements[lasts], values[lasts]
    means = np.abs(values.mean(0))
    for threshold in (MIN_RELATED_WORD_GAIN, MIN_WORD_GAIN):
        kept = means >= threshold * means.max()
        relation = relation_of(rows[kept], residuals.q, residuals.pairing)
        if relation:
            break
    terms = Terms.weighted_sum([(1.0, first.terms), (1.0, second.terms)])
    once = placements.once(rows[kept], residuals.complement)
    values = values[np.ix_(once, kept)]
    return sort_motif(Motif(rows[kept], placements[once], values, split, relation, terms))


def _distinct(rows: np.ndarray) -> np.ndarray:
    """The distinct rows, in the order of their first occurrence."""
    return rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])]


def _lies_within(small: Motif, big: Motif) -> bool:
    """Whether the letters and placements of a motif are found within those of a longer one of the same sign."""
    if np.sign(small.values.mean()) != np.sign(big.values.mean()):
        return False
    words = set(map(bytes, small.words))
    places = set(map(tuple, np.sort(small.placements.positions, 1).tolist()))
    for columns in combinations(range(big.order), small.order):
        chosen = list(columns)
        same = np.mean([bytes(word) in words for word in np.ascontiguousarray(big.words[:, chosen])])
        if same >= MIN_OVERLAP:
            held = [tuple(p) in places for p in np.sort(big.placements.positions[:, chosen], 1).tolist()]
            if np.mean(held) >= MIN_OVERLAP:
                return True
    return False
