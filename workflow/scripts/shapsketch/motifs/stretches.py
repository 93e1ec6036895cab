"""Motifs of explanations that have no spectrum: stretches of contributions that stand out of noise and look alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.special import ndtri

from ..sequences.rng import NOISE_STREAM, random_words
from ..storage.parquet import read_rows
from . import Settings, WriteInstances, ranked
from .pwm import MATRIX_COLUMNS, Matrix
from .reading import CHUNK, Chunk, Explained
from .seqlet_motifs import cluster_seqlets
from .seqlets import SeqletFinder
from .sums import VarianceShares
from .tables import (
    MOTIF_COLUMNS,
    PLACEMENT_COLUMNS,
    concatenated,
    instance_tables,
    seqlet_matrix,
    seqlet_placements,
    seqlet_row,
)


@dataclass(frozen=True)
class Stretches:
    """What stretches of one output add up to.

    Attributes:
        tables: `motifs`, `placements` and `motif_matrices`; each has the column `output`.
        matrices: of the motifs, in the order of the table.
        seqlets: how many stretches stood out.
        sequences: how many sequences were looked through.
    """

    tables: dict[str, pd.DataFrame]
    matrices: list[Matrix]
    seqlets: int
    sequences: int


@dataclass(frozen=True)
class Uncertain:
    """Explained sequences whose contributions have standard errors.

    Attributes:
        explained: the sequences and their contributions.
        errors: the Parquet file of standard errors, in the order of the contributions.
        owners: (n,) int64, the player of each position, whose error its positions share; -1 at positions that stay.
        trusted: (S,) bool by sequence: whether its explanation can be trusted; others are left out.
        seed: of the draws of noise.
    """

    explained: Explained
    errors: str | Path
    owners: np.ndarray
    trusted: np.ndarray
    seed: int

    def pieces(self) -> Iterator[tuple[Chunk, np.ndarray, np.ndarray]]:
        """Read the trusted ones: with each chunk (N, n) draws of the noise of its values, and (N,) base values."""
        count = pq.read_metadata(self.explained.sequences).num_rows
        first = self.explained.number * count
        errors = read_rows(self.errors, first, first + count, CHUNK)
        values = read_rows(self.explained.values, first, first + count, CHUNK)
        start = 0
        for chunk, error_rows, value_rows in zip(self.explained.chunks(), errors, values, strict=True):
            within = chunk.rows - start
            names = [f"pos_{i + 1}" for i in range(self.explained.template.n)]
            spread = np.stack([error_rows[name].to_numpy() for name in names], 1)[within].astype(np.float64)
            kept = self.trusted[chunk.rows]
            noise = spread * self._normal(chunk.rows)
            yield chunk.select(kept), noise[kept], value_rows["base_value"].to_numpy()[within][kept]
            start += len(value_rows)

    def _normal(self, rows: np.ndarray) -> np.ndarray:
        """(N, n) standard normal numbers, the same at all positions of a player."""
        m = int(self.owners.max(initial=-1)) + 1
        first, last = int(rows.min(initial=0)), int(rows.max(initial=-1))
        words = random_words(self.seed, NOISE_STREAM, first, last + 1, m)[rows - first]
        return np.pad(ndtri((words + 0.5) / 2.0**32), ((0, 0), (0, 1)))[:, self.owners]


def find_stretches(output: str, uncertain: Uncertain, settings: Settings, write: WriteInstances) -> Stretches:
    """Find the motifs of one output.

    Args:
        output: its name.
        uncertain: the sequences.
        settings: what is looked for.
        write: takes the instances as rows of `instances.tsv` and of `instances.bed`, piece by piece.
    """
    template, n = uncertain.explained.template, uncertain.explained.template.n
    alphabet = template.alphabet
    complement = alphabet.complement if settings.reverse_complement else None
    finder, looked = SeqletFinder(n, settings.seed), 0
    for chunk, noise, _ in uncertain.pieces():
        finder.add(chunk, noise)
        looked += len(chunk.rows)
    seqlets = finder.result()
    motifs = [] if seqlets is None else cluster_seqlets(seqlets, n, alphabet.q, complement, settings.min_instances)
    shares = VarianceShares(settings.seed, settings.bootstrap, len(motifs))
    for chunk, _, base in uncertain.pieces():
        shares.add(chunk, base, np.array([motif.part(chunk) for motif in motifs]).reshape(len(motifs), len(base)).T)
    measured = shares.result()
    rows, matrices, places, chosen = [], [], [], []
    for rank, k in enumerate(ranked(measured.share, settings), 1):
        matrix = seqlet_matrix(output, f"S{rank}", motifs[k], alphabet)
        rows.append(seqlet_row(matrix, motifs[k], measured.of(k)))
        matrices.append(matrix)
        places.append(seqlet_placements(matrix, motifs[k]))
        chosen.append(motifs[k])
    for chunk, _, _ in uncertain.pieces():
        for matrix, motif in zip(matrices, chosen, strict=True):
            write(*instance_tables(output, matrix.motif, motif.sites(chunk), chunk, alphabet))
    tables = {
        "motifs": pd.DataFrame(rows, columns=MOTIF_COLUMNS),
        "placements": concatenated(places, PLACEMENT_COLUMNS),
        "motif_matrices": concatenated([m.table(alphabet) for m in matrices], MATRIX_COLUMNS),
    }
    return Stretches(tables, matrices, 0 if seqlets is None else len(seqlets), looked)
