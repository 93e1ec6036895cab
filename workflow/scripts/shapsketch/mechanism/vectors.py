"""Which activations a dictionary is trained on, in which units, and which it is measured on."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..models.dictionary import Kind
from ..models.sites import Site
from ..sequences.rng import ACTIVATION_STREAM
from ..settings.errors import InputError
from .activations import CODES, Activations
from .clusters import find_clusters, held_out

if TYPE_CHECKING:
    import torch

MAX_HELD_SEQUENCES = 5000  # that measures are taken on
MIN_SCALE = 1e-6  # of vectors that do not vary
ALONE = 2.0  # an identity that no two sequences reach: each is a cluster


def spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return as many of (N, ...) rows, at equal steps where there are more: files may be sorted."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(int))]


@dataclass(frozen=True)
class Split:
    """The activations of one entry of `mechanism`, divided by clusters of similar sequences.

    Attributes:
        kept: the activations.
        identity: of sequences in one cluster; `ALONE` for independent draws.
        seed: of the division.
    """

    kept: Activations
    identity: float
    seed: int

    @cached_property
    def codes(self) -> np.ndarray:
        """(N, n) uint8 alphabet codes of all sequences."""
        return self.kept.read(CODES)

    @cached_property
    def clusters(self) -> np.ndarray:
        """(N,) the cluster of each sequence."""
        return find_clusters(self.codes, self.identity)

    @cached_property
    def is_held(self) -> np.ndarray:
        """(N,) bool: whether a sequence is kept from training.

        Raises:
            InputError: all sequences are of one cluster.
        """
        if len(self.clusters) and self.clusters.max() == 0:
            raise InputError(
                f"{self.kept.paths[0]}: all {len(self.codes)} sequences are alike (cluster_identity), so none can be "
                "held out; give others, or raise cluster_identity."
            )
        return held_out(self.clusters, self.seed, ACTIVATION_STREAM)

    @cached_property
    def held_rows(self) -> np.ndarray:
        """The (K,) rows of the sequences that measures are taken on, at equal steps where there are many."""
        return spread(np.flatnonzero(self.is_held), MAX_HELD_SEQUENCES)

    def halves(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Divide held-out sequences into two parts that share no cluster: one to choose something, one to measure it.

        The largest clusters go first, each to the smaller part. Where that leaves one part less than a quarter, as with
        a single cluster, sequences are divided one by one.

        Args:
            most: sequences of both, at equal steps of `held_rows`.

        Returns:
            The (A,) and (B,) rows, ascending.
        """
        rows = spread(self.held_rows, most)
        _, number, sizes = np.unique(self.clusters[rows], return_inverse=True, return_counts=True)
        second, given = np.zeros(len(sizes), bool), [0, 0]
        for cluster in np.argsort(-sizes, kind="stable").tolist():
            second[cluster] = given[1] < given[0]
            given[int(second[cluster])] += int(sizes[cluster])
        if min(given) < sum(given) / 4:
            return rows[::2], rows[1::2]
        return rows[~second[number]], rows[second[number]]

    def sites(self, kind: Kind) -> tuple[tuple[Site, ...], tuple[Site, ...]]:
        """Return the sites that a dictionary of a kind reads, and those that it writes.

        Raises:
            InputError: the widths do not fit together.
        """
        written = tuple(site for site in self.kept.sites if site.end == "out")
        if kind == "sae":
            return written, written
        read = tuple(site for site in self.kept.sites if site.end == "in")
        for into, out in zip(read, written, strict=True):
            if into.positions != out.positions:
                raise InputError(
                    f"The module {out.module!r} takes {into.positions} positions and gives {out.positions}; a "
                    "transcoder needs as many."
                )
        if kind == "cross_layer" and len({site.positions for site in written}) > 1:
            raise InputError("dictionary.kind cross_layer needs modules with the same number of positions.")
        return read, written

    def vectors(self, site: Site, rows: np.ndarray, most: int | None = None) -> np.ndarray:
        """Return the (M, width) float32 vectors of some sequences, at equal steps where there are more than `most`."""
        whole = self.kept.read(site.key)[rows]
        flat = whole.reshape(-1, site.width)
        if most is None or len(flat) <= most:
            return flat
        return flat[np.linspace(0, len(flat) - 1, most).astype(int)]


@dataclass(frozen=True)
class Standard:
    """The one mean and the one scale by which a layer's vectors are standardised.

    Attributes:
        mean: (width,).
        scale: root mean square of what is left, over vectors and numbers.
    """

    mean: np.ndarray
    scale: float

    @classmethod
    def of(cls, vectors: np.ndarray) -> "Standard":
        """Measure (N, width) vectors."""
        mean = vectors.mean(0, dtype=np.float64)
        spread = float(np.sqrt(np.mean((vectors - mean) ** 2)))
        return cls(mean, max(spread, MIN_SCALE))

    def apply(self, vectors: np.ndarray, device: str) -> "torch.Tensor":
        """Return (N, width) vectors, standardised, as a float32 tensor on a device."""
        import torch

        return torch.from_numpy(((vectors - self.mean) / self.scale).astype(np.float32)).to(device)
