"""Motifs of seqlets: those that look alike are clustered, aligned and trimmed.

Seqlets are compared by their contributions letter by letter under small shifts (and as reverse complements of DNA,
where asked), clustered by average linkage, and aligned to the middle one of each cluster.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from .instances import Sites
from .reading import Chunk
from .seqlets import BLANK_CODE, Seqlets

MAX_CLUSTERED = 1_500  # of each sign, from which clusters are made; the rest are assigned to these
MIN_CLUSTER_SIMILARITY = 0.5  # mean similarity within a cluster, and of a member with its cluster
MERGE_SIMILARITY = 0.7  # similarity of two clusters that are one
MIN_TRIM_SHARE = 0.2  # of the largest column of contributions: the outer columns of a motif have more
MIN_CORE_SHARE = 0.4  # the same for columns that make up the motif


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
        min_sequences: sequences that must hold all columns of a motif.
    """
    motifs = []
    for sign in (1, -1):
        same_sign = seqlets[np.sign(seqlets.scores) == sign]
        trimmed = [_trimmed(part, n, q) for part in _clusters(same_sign, q, complement)]
        motifs += [motif for motif in trimmed if len(np.unique(motif.rows)) >= min_sequences]
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
    """The motif of aligned members, without outer columns of little contribution, and of members that lie inside."""
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
