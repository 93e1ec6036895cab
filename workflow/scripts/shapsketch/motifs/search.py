"""Search for gapped motifs in the letter tables of a spectrum.

From the strongest interaction on: its letters grow by others that interact with all of them, the other words and
placements (at other offsets, with another gap) at which the tables agree join it, and what it explains is taken away
before the next is looked for (matching pursuit; Mallat & Zhang 1993). Nothing is random.
"""

from collections.abc import Iterator

import numpy as np

from ..spectrum.spectrum import Spectrum
from .growing import Family
from .letter_tables import Stack, carried, cells_of, local_terms, words_of
from .merging import merge_motifs
from .motif import (
    MIN_PLACEMENT_SHARE,
    MIN_RELATED_WORD_GAIN,
    MIN_WORD_GAIN,
    Motif,
    lasting,
    relation_of,
    sort_motif,
)
from .patterns import Placements, ResidualTables, component, subsets

MIN_COSINE = 0.5  # cosine of the tables at a placement with the pattern
MIN_RECURRENCE = 0.5  # what agrees elsewhere less what disagrees, over both (squared scales): less is chance
MIN_DENSITY = 0.4  # of the placements within a motif's range of starts and gaps: how many must agree
MIN_EFFECTIVE_GAPS = 3  # effective number of gaps of a motif whose gap is called variable
SEEDS_PER_MOTIF = 3  # interactions looked at for each motif wanted
TIE = 1e-9  # relative: what two interactions explain is the same
MIN_SEED_SHARE = 0.02  # of the least share of a motif: interactions that no motif starts from


class _Seeds:
    """Where the strongest interaction is, summed over the offsets of the sequence, and the word that explains it best.

    The strongest cell, by its square in all sequences that hold it, tells which positions to look at. The part of a
    word in their tables is the indicator of its letters, each centred by the background. What it explains over the
    sequences is the square of its product with the tables, over its own square (matching pursuit): a rare word that
    all others there are told apart from leads those others.

    Args:
        residuals: the tables.
        least: how many sequences must have the letters.
    """

    def __init__(self, residuals: ResidualTables, least: int) -> None:
        self._residuals = residuals
        self._order, self._starts, self._counts = {}, {}, {}
        self._chances, self._scales = {}, {}
        for order, stack in residuals.stacks.items():
            if order < 2:
                continue
            relative = np.column_stack([np.diff(stack.supports, axis=1), stack.supports[:, :1]])
            by_gaps = np.lexsort(relative.T[::-1])
            new = np.any(np.diff(relative[by_gaps, :-1], axis=0), axis=1)
            self._order[order] = by_gaps
            self._starts[order] = np.concatenate([[0], np.flatnonzero(new) + 1])
            counts = stack.counts[by_gaps]
            enough = np.add.reduceat(counts, self._starts[order], axis=0) >= least
            lengths = np.diff([*self._starts[order], len(by_gaps)])
            self._counts[order] = counts.astype(np.float64)
            self._chances[order] = residuals.probabilities[stack.supports[by_gaps]]
            squares = _over_words(self._counts[order], self._chances[order], squared=True)
            usable = np.repeat(enough, lengths, axis=0) & (counts > 0) & (squares > 0)
            self._scales[order] = np.divide(1.0, squares, out=np.zeros_like(squares), where=usable)

    def strongest(self) -> tuple[float, Stack, np.ndarray, int] | None:
        """The summed squares, the stack, the rows of the supports that are shifts of one another, and the cell."""
        best: tuple[float, Stack, np.ndarray, int] | None = None
        for order, by_gaps in self._order.items():
            left, starts = self._residuals.residual[order][by_gaps], self._starts[order]
            products = _over_words(self._counts[order] * left, self._chances[order])
            squares = np.where(products * left > 0, products * np.abs(products) * self._scales[order], 0.0)
            explained = np.abs(np.add.reduceat(squares, starts, axis=0))
            held = np.abs(np.add.reduceat(self._counts[order] * left * np.abs(left), starts, axis=0))
            held = np.where(explained > 0, held, 0.0)
            group, _ = np.unravel_index(int(np.argmax(held)), held.shape)
            likely = explained[group] >= (1 - TIE) * explained[group].max()  # all words of two letters say the same
            cell, score = int(np.argmax(np.where(likely, held[group], -1.0))), float(held[group].max())
            if score > 0 and (best is None or score > best[0]):
                stop = [*starts, len(by_gaps)][group + 1]
                best = score, self._residuals.stacks[order], by_gaps[starts[group] : stop], cell
        return best


def _over_words(cells: np.ndarray, chances: np.ndarray, *, squared: bool = False) -> np.ndarray:
    """Sum (D, q^k) numbers over all cells with the centred indicator of each word, or with its square: (D, q^k).

    Args:
        cells: of D supports of k positions.
        chances: (D, k, q) of the letters there; one letter's indicator is 1 - p at itself and -p elsewhere.
        squared: whether with its square.
    """
    count, size, q = chances.shape
    for axis in range(size):
        p = chances[:, axis, None, :, None]
        cells = cells.reshape(count, q**axis, q, -1)
        there, anywhere = (1 - 2 * p, p**2) if squared else (1.0, -p)
        cells = there * cells + anywhere * cells.sum(2, keepdims=True)
    return cells.reshape(count, -1)


def find_motifs(
    spectrum: Spectrum,
    stacks: dict[int, Stack],
    *,
    sequences: int,
    variance: float,
    count: int,
    min_instances: int,
    min_share: float,
    both_strands: bool = False,
) -> list[Motif]:
    """Find the motifs of a spectrum.

    Args:
        spectrum: the spectrum.
        stacks: its tables by order, with the sequences that have each of their cells.
        sequences: how many sequences were counted.
        variance: of the reconstruction over them, about the background's mean.
        count: how many motifs are wanted; some more are returned, for the ranking by what they explain.
        min_instances: sequences that must have the letters that a motif starts from.
        min_share: the least share of the variance of a motif that is wanted.
        both_strands: whether a motif may lie on either strand of DNA.
    """
    if count == 0 or sequences == 0 or variance <= 0:
        return []
    alphabet = spectrum.template.alphabet
    pairing = alphabet.complement if alphabet.kind in ("DNA", "RNA") else None
    residuals = ResidualTables(stacks, spectrum.background.probabilities, pairing, both_strands=both_strands)
    seeds = _Seeds(residuals, min_instances)
    faint = MIN_SEED_SHARE * min_share * variance * sequences
    motifs: list[Motif] = []
    for _ in range(SEEDS_PER_MOTIF * count):
        seed = seeds.strongest()
        if seed is None or seed[0] < faint:
            break
        motifs.append(_motif(spectrum, residuals, *seed[1:], min_instances, faint / sequences))
    return merge_motifs(spectrum.background, residuals, [m for m in motifs if len(m.terms)])


def strongest_support_motif(spectrum: Spectrum, stacks: dict[int, Stack]) -> Motif | None:
    """Make a motif of the one support of two or more positions that says most of the sequences; None without any."""
    rows = {order: int(np.argmax(carried(stack))) for order, stack in stacks.items() if order >= 2}
    if not rows:
        return None
    order = max(rows, key=lambda k: (carried(stacks[k])[rows[k]], -k))
    stack, row = stacks[order], rows[order]
    weighted = stack.counts[row] * stack.tables[row] * np.abs(stack.tables[row])
    cell = int(np.argmax(np.abs(weighted)))
    sign = float(np.sign(weighted[cell]))
    if sign == 0:
        return None
    residuals = ResidualTables({order: stack}, spectrum.background.probabilities)
    placements = Placements.of(stack.supports[[row]])
    letters = words_of(np.array([cell]), order, residuals.q)[0]
    words, h, relation = _words(residuals, placements, order, sign, letters)
    taken = residuals.subtract(h, words, placements, order)
    values = ResidualTables(stacks, spectrum.background.probabilities).values(placements, words)
    return sort_motif(Motif(words, placements, values, order, relation, local_terms(spectrum, taken)))


def _motif(
    spectrum: Spectrum,
    residuals: ResidualTables,
    stack: Stack,
    rows: np.ndarray,
    cell: int,
    min_instances: int,
    min_variance: float,
) -> Motif:
    """Make a motif from an interaction, and take it out of the residual tables."""
    q, order = residuals.q, stack.order
    left = residuals.residual[order][rows, cell]
    sign = np.sign(left @ np.abs(left))
    anchor = stack.supports[rows[int(np.argmax(sign * left))]]
    strong = sign * left >= MIN_PLACEMENT_SHARE * (sign * left).max()
    shifted = (stack.supports[rows[strong], 0] - anchor[0]).tolist()
    family = Family(residuals, shifted, sign, min_instances, min_variance)
    letters = words_of(np.array([cell]), order, q)[0]
    core = family.core(dict(zip(anchor.tolist(), letters.tolist(), strict=True)))
    positions, letters = np.array(list(core)), np.array(list(core.values()), np.uint8)
    least = 2
    shifts = _shifts(positions, residuals)
    start = Placements.of(positions[None])
    if sign * residuals.values(start, letters[None], left=True)[0, 0] <= 0:
        least = order
    strength = sign * residuals.values(shifts, letters[None], least, left=True)[:, 0]
    # Letters that grew from an interaction of the other sign may add nothing anywhere: then they stay where they are.
    shifts = shifts[strength >= MIN_PLACEMENT_SHARE * strength.max()] if strength.max() > 0 else start
    words, h, relation = _words(residuals, shifts, least, sign, letters)
    for split, candidates in _candidates(positions, residuals):
        placements, scales = _recurring(residuals, h, candidates, least, split, positions)
        if split == len(letters) or _varies(placements, scales, candidates, split):
            words, h, relation = (
                _words(residuals, placements, least, sign, letters) if len(placements) else (words, h, relation)
            )
            placements, _ = _recurring(residuals, h, candidates, least, split, positions)
            break
    placements = placements[placements.once(words, residuals.complement)]
    if len(placements) < 2:
        split, placements = len(letters), start
        words, h, relation = _words(residuals, start, least, sign, letters)
    values = residuals.values(placements, words)
    kept = lasting(values)
    placements, values = placements[kept], values[kept]
    split = split if len(placements) > 1 else len(letters)
    taken = residuals.subtract(h, words, placements, least)
    residuals.residual[order][rows, cell] = 0.0  # the next motif starts elsewhere, whatever became of this one
    return sort_motif(Motif(words, placements, values, split, relation, local_terms(spectrum, taken)))


def _shifts(positions: np.ndarray, residuals: ResidualTables) -> Placements:
    """All translations of a placement to positions that are not fixed."""
    return _on_free(Placements.of(_moved(positions, len(residuals.free))), residuals)


def _moved(positions: np.ndarray, n: int) -> np.ndarray:
    """(D, k): (k,) ascending positions, moved to wherever a sequence of n letters has room for them."""
    return positions + np.arange(-positions[0], n - positions[-1])[:, None]


def _on_free(placements: Placements, residuals: ResidualTables) -> Placements:
    """Those placements none of whose letters lies on a fixed position."""
    return placements[residuals.free[placements.positions].all(1)]


def _candidates(positions: np.ndarray, residuals: ResidualTables) -> Iterator[tuple[int, Placements]]:
    """Where a motif may lie: first with any gap between its halves, if they can be told apart, then rigidly."""
    n, size = len(residuals.probabilities), len(positions)
    steps = np.diff(positions)
    split = int(np.argmax(steps)) + 1
    if size == 2 or steps.max() > 1:
        left, right = positions[:split] - positions[0], positions[split:] - positions[split]
        start, second = np.indices((n, n)).reshape(2, -1)
        fits = (second > start + left[-1]) & (second + right[-1] < n)
        yield split, _strands(np.column_stack([start[fits, None] + left, second[fits, None] + right]), residuals)
    yield size, _strands(_moved(positions, n), residuals)


def _strands(positions: np.ndarray, residuals: ResidualTables) -> Placements:
    """Placements at (P, k) positions, and where both strands count at their mirror images, all of free positions.

    Each strand is looked at by itself: what is fixed need not be the same from either end.
    """
    placements = Placements.of(positions)
    if residuals.complement is not None:
        mirrored = len(residuals.probabilities) - 1 - placements.positions
        both = np.concatenate([placements.positions, mirrored])
        placements = Placements(both, np.repeat([False, True], len(placements)))
    return _on_free(placements, residuals)


def _varies(placements: Placements, scales: np.ndarray, candidates: Placements, split: int) -> bool:
    """Whether a motif's gap really varies: several gaps share what it explains, and it is nearly everywhere between.

    The effective number of gaps is the inverse of Simpson's index of the squared scales.
    """
    gaps, possible = (np.diff(p.positions[:, split - 1 : split + 1]).ravel() for p in (placements, candidates))
    squares = np.bincount(np.abs(gaps), scales**2)
    if squares.sum() ** 2 < MIN_EFFECTIVE_GAPS * (squares**2).sum() or not len(gaps):
        return False
    starts, all_starts = placements.positions[:, 0], candidates.positions[:, 0]
    between = (all_starts >= starts.min()) & (all_starts <= starts.max())
    between &= (np.abs(possible) >= np.abs(gaps).min()) & (np.abs(possible) <= np.abs(gaps).max())
    return len(gaps) >= MIN_DENSITY * between.sum()


def _recurring(
    residuals: ResidualTables, h: np.ndarray, candidates: Placements, least: int, split: int, seed: np.ndarray
) -> tuple[Placements, np.ndarray]:
    """The placements at which the tables agree with a pattern, if more agree than disagree beside the seed's own.

    With them, what the pattern is multiplied by at each.

    Of two halves with a gap that varies, only dividends that join both count.
    """
    fit = residuals.fit(h, candidates, least, split if split < h.ndim else None)
    elsewhere = np.any(np.sort(candidates.positions, axis=1) != seed, axis=1) * fit.scales
    if elsewhere @ np.abs(elsewhere) < MIN_RECURRENCE * (elsewhere @ elsewhere):
        return candidates[:0], elsewhere[:0]
    agree = (
        (fit.cosines >= MIN_COSINE)
        & (fit.scales >= MIN_PLACEMENT_SHARE * fit.scales.max(initial=0.0))
        & (fit.scales > 0)
    )
    return candidates[agree], fit.scales[agree]


def _words(
    residuals: ResidualTables, placements: Placements, least: int, sign: float, letters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:
    """The words that add most over some placements, the pattern that they make, and how their halves are related.

    All words that a rule relates; otherwise the strongest and its kin, unless these say nothing of the motif's own
    letters, (k,) codes: then the kin of those.
    """
    size, q = placements.positions.shape[1], residuals.q
    joint = sign * residuals.joint(placements, least)
    for threshold in (MIN_RELATED_WORD_GAIN, MIN_WORD_GAIN):
        cells = _descending(joint, threshold * joint.max())
        words = words_of(cells, size, q)
        relation = relation_of(words, q, residuals.pairing)
        if relation:
            break
    else:
        start = int(cells_of(letters, q))
        cells = _kindred(cells, int(cells[0]), size, q)
        if joint[start] > 0 and not _tells(residuals, placements, least, joint, cells, start):
            cells = _kindred(_descending(joint, MIN_WORD_GAIN * joint[start]), start, size, q)
            cells = _kindred(cells[joint[cells] >= MIN_WORD_GAIN * joint[cells[0]]], int(cells[0]), size, q)
        words = words_of(cells, size, q)
    h = np.zeros(q**size)
    h[cells] = sign * joint[cells]
    return words, h.reshape([q] * size), relation


def _tells(
    residuals: ResidualTables, placements: Placements, least: int, joint: np.ndarray, cells: np.ndarray, start: int
) -> bool:
    """Whether a pattern of some words, the strongest first, has most of what the word of the cell `start` adds."""
    size, q = placements.positions.shape[1], residuals.q
    h = np.zeros(q**size)
    h[cells] = joint[cells]
    letters = words_of(np.array([cells[0], start]), size, q)
    _, probabilities = next(residuals.profiles(placements[:1]))
    told = np.zeros(2)
    for columns in subsets(size, residuals.stacks, least):
        part = component(h.reshape([q] * size), probabilities, columns)
        told += part[cells_of(letters[:, columns], q)]
    return bool(told[1] * joint[cells[0]] >= MIN_WORD_GAIN * joint[start] * told[0])


def _descending(joint: np.ndarray, least: float) -> np.ndarray:
    """The cells with at least so much, the most first."""
    cells = np.flatnonzero(joint >= least)
    return cells[np.argsort(-joint[cells], kind="stable")]


def _kindred(cells: np.ndarray, start: int, size: int, q: int) -> np.ndarray:
    """The cells whose words lead to that of one of them by changes of one letter, each through another of the cells."""
    words = words_of(cells, size, q)
    near = (words[:, None] != words).sum(2) <= 1
    reached = cells == start
    for _ in range(size):
        reached = near[reached].any(0)
    return cells[reached]
