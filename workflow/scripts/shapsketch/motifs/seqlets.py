"""Seqlets: short stretches with more contribution than chance, clustered into motifs that may lie anywhere.

Windows are cut where the sum of contributions stands out from sums over positions of different sequences, positive and
negative ones apart; compared by their contributions letter by letter under small shifts (and as reverse complements of
DNA, where asked); clustered by average linkage; and aligned to the middle one of each cluster. The steps are those of
TF-MoDISco (Shrikumar et al. 2018), without its randomness, for any alphabet.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from ..sequences.rng import SEQLET_STREAM, random_words
from .instances import Sites
from .reading import Chunk

WINDOW, LONG_WINDOW = 8, 16  # letters whose sum must stand out; even
LONG_INPUT = 200  # letters, from which on windows are long
WINDOWS_IN_CUT = 3  # a cut has half a window on both sides that is compared too, and half a window for shifts
MAX_SEQLETS_PER_SEQUENCE = 8  # seqlets at most
MOST = 50_000  # seqlets kept: the strongest
MAX_CLUSTERED = 1_500  # of each sign, from which clusters are made; the rest are assigned to these
FALSE_DISCOVERY_RATE = 0.1  # expected share of chance among the windows that stand out
MIN_CLUSTER_SIMILARITY = 0.5  # mean similarity within a cluster, and of a member with its cluster
MERGE_SIMILARITY = 0.7  # similarity of two clusters that are one
MIN_TRIM_SHARE = 0.2  # of the largest column of contributions: the outer columns of a motif have more
MIN_CORE_SHARE = 0.4  # the same for columns that make up the motif
BLANK_CODE = 255  # the code of a place beyond the sequence's ends


@dataclass(frozen=True)
class Seqlets:
    """Stretches of sequences, each cut wide enough to be shifted: C is three windows.

    Attributes:
        rows: (S,) int64, the sequence of each.
        starts: (S,) int64, where its cut begins, 0-based; may lie before the sequence.
        codes: (S, C) uint8 alphabet codes, `BLANK_CODE` beyond the ends.
        values: (S, C) float64 contributions, zero there.
        scores: (S,) float64, the sums over the windows.
        minus: (S,) bool, whether codes and values are those of the other strand.
    """

    rows: np.ndarray
    starts: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    scores: np.ndarray
    minus: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def width(self) -> int:
        """Letters that are compared."""
        return 2 * (self.codes.shape[1] // WINDOWS_IN_CUT)

    @property
    def shift(self) -> int:
        """Letters by which two seqlets are moved against one another at most."""
        return self.width // 4

    def __getitem__(self, chosen: np.ndarray | list[int]) -> "Seqlets":
        return Seqlets(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @classmethod
    def joined(cls, parts: Iterable["Seqlets"]) -> "Seqlets":
        """Put seqlets one after another."""
        parts = list(parts)
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__dataclass_fields__))

    def strongest(self, most: int) -> "Seqlets":
        """The seqlets with the largest sums, in the order of sequences."""
        if len(self) <= most:
            return self
        return self[np.sort(np.argsort(-np.abs(self.scores), kind="stable")[:most])]

    def letters(self, shift: int, q: int) -> np.ndarray:
        """(S, width * q): the contributions letter by letter, of the part that is compared, moved by some letters."""
        part = slice(self.shift + shift, self.shift + shift + self.width)
        codes, values = self.codes[:, part], self.values[:, part]
        return ((codes[:, :, None] == np.arange(q)) * values[:, :, None]).reshape(len(self), -1)

    def reverse_complement(self, complement: np.ndarray) -> "Seqlets":
        """The same stretches as the other strand reads them, by the (q,) codes of complements."""
        table = np.full(256, BLANK_CODE, np.uint8)
        table[: len(complement)] = complement
        return replace(self, codes=table[self.codes[:, ::-1]], values=self.values[:, ::-1], minus=~self.minus)


class SeqletFinder:
    """Collects stretches that stand out, and those of shuffled contributions, to tell how many are chance.

    Contributions are shuffled among the sequences of a chunk, position by position: what a position tends to
    contribute stays, and what neighbours contribute together is lost. Where contributions have noise that is known,
    stretches must stand out of draws of it too.

    Args:
        n: positions.
        seed: of the shuffles.
    """

    def __init__(self, n: int, seed: int) -> None:
        self._n, self._seed, self._window = n, seed, LONG_WINDOW if n >= LONG_INPUT else WINDOW
        self._kept: list[Seqlets] = []
        self._null: list[np.ndarray] = []
        self._noise: list[np.ndarray] = []

    def add(self, chunk: Chunk, noise: np.ndarray | None = None) -> None:
        """Look through sequences, given (N, n) draws of the noise of their contributions, where it is known."""
        if len(chunk.rows):
            first, last = int(chunk.rows[0]), int(chunk.rows[-1])
            words = random_words(self._seed, SEQLET_STREAM, first, last + 1, self._n)[chunk.rows - first]
            shuffled = np.take_along_axis(chunk.values, np.argsort(words, axis=0, kind="stable"), 0)
            self._null.append(np.abs(_peaks(shuffled, self._window)[2]))
            self._kept.append(_cut(chunk, self._window, *_peaks(chunk.values, self._window)))
            if noise is not None:
                self._noise.append(np.abs(_peaks(noise, self._window)[2]))
        if len(self._kept) > 8:
            self._shorten()

    def _shorten(self) -> None:
        self._kept = [Seqlets.joined(self._kept).strongest(MOST)]
        self._null, self._noise = (
            [-np.sort(-np.concatenate(scores))[:MOST]] if scores else [] for scores in (self._null, self._noise)
        )

    def result(self) -> Seqlets | None:
        """Return those that stand out; None where there are none."""
        if not self._kept:
            return None
        self._shorten()
        seqlets = self._kept[0]
        scores = np.abs(seqlets.scores)
        least = max(_threshold(scores, null) for null in (*self._null, *self._noise))
        stands_out = scores >= least
        return seqlets[stands_out] if stands_out.any() else None


def _threshold(scores: np.ndarray, null: np.ndarray) -> float:
    """The least score above which no larger share than the false discovery rate is chance; infinite if there is none.

    Args:
        scores: magnitudes.
        null: magnitudes by chance, the largest first.
    """
    ordered = np.sort(scores)[::-1]
    chance = np.searchsorted(-null, -ordered, side="right")  # of those by chance, at least as high
    enough = np.flatnonzero((chance <= FALSE_DISCOVERY_RATE * np.arange(1, len(ordered) + 1)) & (ordered > 0))
    return float(ordered[enough[-1]]) if enough.size else np.inf


def _peaks(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The windows of each sequence with the largest sums that do not overlap: their rows, first positions and sums."""
    window = min(window, values.shape[1])
    sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    sums = sums[:, window:] - sums[:, :-window]
    left, place = np.abs(sums), np.arange(sums.shape[1])
    rows, starts = [], []
    for _ in range(MAX_SEQLETS_PER_SEQUENCE):
        best = left.argmax(1)
        some = np.flatnonzero(left[np.arange(len(left)), best] > 0)
        rows.append(some)
        starts.append(best[some])
        left[np.abs(place - best[:, None]) < window] = 0
    row, start = np.concatenate(rows), np.concatenate(starts)
    order = np.lexsort([start, row])
    return row[order], start[order], sums[row[order], start[order]]


def _cut(chunk: Chunk, window: int, rows: np.ndarray, starts: np.ndarray, scores: np.ndarray) -> Seqlets:
    """Cut the windows out with flanks and room for shifts."""
    margin = window  # half of it is compared, half is for shifts
    columns = starts[:, None] + np.arange(WINDOWS_IN_CUT * window)
    codes = np.pad(chunk.codes, ((0, 0), (margin, margin + window)), constant_values=BLANK_CODE)[rows[:, None], columns]
    values = np.pad(chunk.values, ((0, 0), (margin, margin + window)))[rows[:, None], columns]
    return Seqlets(chunk.rows[rows], starts - margin, codes, values, scores, np.zeros(len(rows), bool))


@dataclass(frozen=True)
class SeqletMotif:
    """A cluster of seqlets, aligned and trimmed.

    Attributes:
        frequencies: (L, q).
        contributions: (L, q), mean contributions of each letter where it is.
        core: (L,) bool, the columns that make up the motif.
        rows: (S,) the sequence of each member.
        starts: (S,) where its first column lies, 0-based; of the minus strand the leftmost position.
        minus: (S,) bool.
        sums: (S,) float64, the members' contributions over the columns.
    """

    frequencies: np.ndarray
    contributions: np.ndarray
    core: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    minus: np.ndarray
    sums: np.ndarray

    def part(self, chunk: Chunk) -> np.ndarray:
        """(N,) what the members of each sequence of a chunk contribute."""
        within, rows = self._within(chunk)
        return np.bincount(rows, self.sums[within], minlength=len(chunk.rows))

    def sites(self, chunk: Chunk) -> Sites:
        """Where the members in a chunk lie."""
        within, rows = self._within(chunk)
        length, core = len(self.core), np.flatnonzero(self.core)
        starts, minus = self.starts[within], self.minus[within]
        columns = np.where(minus[:, None], length - 1 - core[::-1], core)
        return Sites(rows, starts[:, None] + columns, starts, starts + length, minus, self.sums[within])

    def _within(self, chunk: Chunk) -> tuple[slice, np.ndarray]:
        """The members in a chunk, and their sequences' numbers there."""
        if not len(chunk.rows):
            return slice(0), np.zeros(0, np.int64)
        within = slice(*np.searchsorted(self.rows, [chunk.rows[0], chunk.rows[-1] + 1]).tolist())
        return within, np.searchsorted(chunk.rows, self.rows[within])


def cluster_seqlets(
    seqlets: Seqlets, n: int, q: int, complement: np.ndarray | None, min_sequences: int
) -> list[SeqletMotif]:
    """Cluster seqlets into motifs, positive and negative ones apart.

    Args:
        seqlets: from `SeqletFinder`.
        n: positions of the sequences.
        q: letters.
        complement: (q,) complements, where reverse complements count as the same; else None.
        min_sequences: sequences that must hold a motif.
    """
    motifs = []
    for sign in (1, -1):
        same_sign = seqlets[np.sign(seqlets.scores) == sign]
        clusters = _clusters(same_sign, q, complement)
        motifs += [_trimmed(part, n, q) for part in clusters if len(np.unique(part.rows)) >= min_sequences]
    return motifs


def _clusters(seqlets: Seqlets, q: int, complement: np.ndarray | None) -> list[Seqlets]:
    """Aligned members of each cluster, the largest clusters first."""
    if len(seqlets) < 2:
        return []
    chosen = np.sort(np.argsort(-np.abs(seqlets.scores), kind="stable")[:MAX_CLUSTERED])
    sample = seqlets[chosen]
    similarity = _similarities(_normalised(sample.letters(0, q)), sample, q, complement)[0]
    similarity = np.maximum(similarity, similarity.T)
    distance = np.clip(1 - similarity, 0, None)
    np.fill_diagonal(distance, 0)
    labels = fcluster(linkage(squareform(distance, checks=False), "average"), 1 - MIN_CLUSTER_SIMILARITY, "distance")
    patterns = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        middle = members[np.argmax(similarity[np.ix_(members, members)].sum(1))]
        aligned = _aligned(sample[members], sample[[middle]].letters(0, q), q, complement)[0]
        patterns.append((len(members), aligned.letters(0, q).mean(0)))
    patterns.sort(key=lambda entry: -entry[0])
    means = _distinct([pattern for size, pattern in patterns if size > 1], q, seqlets.shift, complement)
    if not means:
        return []
    aligned, cluster, alike = _aligned(seqlets, np.stack(means), q, complement)
    clusters = [aligned[(cluster == k) & (alike >= MIN_CLUSTER_SIMILARITY)] for k in range(len(means))]
    return sorted((part for part in clusters if len(part)), key=lambda part: -len(part))


def _normalised(vectors: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norm, out=np.zeros_like(vectors), where=norm > 0)


def _similarities(
    patterns: np.ndarray, seqlets: Seqlets, q: int, complement: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """(S, M) the best cosine of each seqlet with each pattern over shifts and strands, and (S, M) which it is."""
    best, which = np.full((len(seqlets), len(patterns)), -np.inf), np.zeros((len(seqlets), len(patterns)), np.int64)
    for strand, part in enumerate(
        [seqlets] if complement is None else [seqlets, seqlets.reverse_complement(complement)]
    ):
        for shift in sorted(range(-seqlets.shift, seqlets.shift + 1), key=abs):
            cosine = _normalised(part.letters(shift, q)) @ patterns.T
            better = cosine > best + 1e-9
            best[better], which[better] = cosine[better], strand * (2 * seqlets.shift + 1) + shift + seqlets.shift
    return best, which


def _aligned(
    seqlets: Seqlets, patterns: np.ndarray, q: int, complement: np.ndarray | None
) -> tuple[Seqlets, np.ndarray, np.ndarray]:
    """Seqlets moved and turned to the pattern that they are most like, the number of that pattern, and how alike."""
    similarity, which = _similarities(_normalised(patterns), seqlets, q, complement)
    cluster = similarity.argmax(1)
    rows = np.arange(len(seqlets))
    strand, shift = np.divmod(which[rows, cluster], 2 * seqlets.shift + 1)
    if complement is not None and strand.any():
        other = seqlets.reverse_complement(complement)
        on_minus = strand.astype(bool)
        seqlets = replace(
            seqlets,
            codes=np.where(on_minus[:, None], other.codes, seqlets.codes),
            values=np.where(on_minus[:, None], other.values, seqlets.values),
            minus=np.where(on_minus, other.minus, seqlets.minus),
        )
    columns = np.arange(seqlets.codes.shape[1]) + (shift - seqlets.shift)[:, None]
    inside = (columns >= 0) & (columns < seqlets.codes.shape[1])
    columns = np.where(inside, columns, 0)
    moved = np.where(seqlets.minus, seqlets.shift - shift, shift - seqlets.shift)
    return (
        replace(
            seqlets,
            starts=seqlets.starts + moved,
            codes=np.where(inside, np.take_along_axis(seqlets.codes, columns, 1), BLANK_CODE).astype(np.uint8),
            values=np.where(inside, np.take_along_axis(seqlets.values, columns, 1), 0.0),
        ),
        cluster,
        similarity[rows, cluster],
    )


def _distinct(patterns: list[np.ndarray], q: int, shift: int, complement: np.ndarray | None) -> list[np.ndarray]:
    """Patterns that are not like one before them, whatever the shift and the strand."""
    kept: list[np.ndarray] = []
    for pattern in patterns:
        square = pattern.reshape(-1, q)
        turns = [square] if complement is None else [square, square[::-1][:, complement]]
        padded = [np.pad(turn, ((shift, shift), (0, 0))) for turn in turns]
        views = np.stack([p[s : s + len(square)].ravel() for p in padded for s in range(2 * shift + 1)])
        if not kept or (_normalised(views) @ _normalised(np.stack(kept)).T).max() < MERGE_SIMILARITY:
            kept.append(pattern)
    return kept


def _trimmed(members: Seqlets, n: int, q: int) -> SeqletMotif:
    """The motif of aligned members, without outer columns of little contribution."""
    width, part = members.width, slice(members.shift, members.shift + members.width)
    codes, values = members.codes[:, part], members.values[:, part]
    onehot = codes[:, :, None] == np.arange(q)
    counts = onehot.sum(0)
    means = (onehot * values[:, :, None]).sum(0)
    weight = np.abs(values.mean(0))
    wide = np.flatnonzero((weight >= MIN_TRIM_SHARE * weight.max()) & (counts.sum(1) >= len(members) / 2))
    first, last = (int(wide[0]), int(wide[-1]) + 1) if wide.size else (0, width)
    starts = members.starts + members.shift + np.where(members.minus, width - last, first)
    inside = (starts >= 0) & (starts + last - first <= n)
    kept = slice(first, last)
    return SeqletMotif(
        counts[kept] / np.maximum(counts[kept].sum(1, keepdims=True), 1),
        means[kept] / np.maximum(counts[kept], 1),
        weight[kept] >= MIN_CORE_SHARE * weight.max(),
        members.rows[inside],
        starts[inside],
        members.minus[inside],
        values[inside, kept].sum(1),
    )
