"""The designed queries of the sparse Fourier transform (q-SFT, Erginbas et al. 2023): a lattice of sequences."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..sequences.rng import MATRIX_STREAM, OFFSET_STREAM, generator, random_words
from .galois import factorise, row_reduce
from .parity_checks import Code, bch_code, identity_code

CODED_ORDER = 5  # the order up to which coded offsets find coefficients
MAX_CODED_SHARE = 0.9  # coded offsets are taken when they need at most this share of the rows
MATRIX_COUNTS = (3, 4, 5)  # fewer do not untangle the bins, more find little more


@dataclass(frozen=True)
class Lattice:
    """The lattice queries, over the free positions.

    Query (c, d, l) is x = M_c l + offset_d mod m. Let H be the (r, free) parity checks of a code
    over Z_m. For every one of `offsets` random base offsets there are the offset itself and, for
    every row h of H but the first b, the offset minus h. The matrices are systematic,
    M_c = H[:b]^T + H[b:]^T A_c with random A_c, so that the bin M_c^T k of a coefficient k gives the
    first b products H k once the phases between offsets gave the others. The first b rows of the
    identity code are zero: there the bin checks what was read.

    Attributes:
        radix: m, the letters per free position.
        free: the number of free positions.
        dimension: b; each matrix hashes the coefficients into m**b bins.
        matrices: the number C of subsampling matrices.
        offsets: the number P of base offsets.
        correct: the order up to which the code determines a coefficient; 0 for the identity, which
            determines any.
    """

    radix: int
    free: int
    dimension: int
    matrices: int
    offsets: int
    correct: int

    @cached_property
    def code(self) -> Code:
        """The parity checks H."""
        if self.correct:
            return bch_code(self.radix, self.free, self.correct)
        return identity_code(self.radix, self.free, self.dimension)

    @property
    def bins(self) -> int:
        """The bins m**b of one matrix."""
        return self.radix**self.dimension

    @property
    def steps(self) -> int:
        """The queries r - b + 1 per base offset and point of a matrix."""
        return len(self.code.rows) - self.dimension + 1

    @property
    def delays(self) -> int:
        """The delays P (r - b + 1) of one matrix."""
        return self.offsets * self.steps

    @property
    def size(self) -> int:
        """The number of queries C P (r - b + 1) m**b."""
        return self.matrices * self.delays * self.bins

    def mixing(self, seed: int) -> np.ndarray:
        """Return the (C, r - b, b) int64 random A that give M full rank modulo every prime factor of m."""
        draws = generator(seed, MATRIX_STREAM)
        mixings: list[np.ndarray] = []
        while len(mixings) < self.matrices:
            mixing = draws.integers(0, self.radix, (self.steps - 1, self.dimension))
            matrix = self._matrix(mixing)
            if all(len(row_reduce(matrix, p)[1]) == self.dimension for p in factorise(self.radix)):
                mixings.append(mixing)
        return np.stack(mixings)

    def _matrix(self, mixing: np.ndarray) -> np.ndarray:
        head, tail = self.code.rows[: self.dimension], self.code.rows[self.dimension :]
        return (head.T + tail.T @ mixing) % self.radix

    def subsampling(self, seed: int) -> np.ndarray:
        """Return the (C, free, b) int64 matrices M."""
        return np.stack([self._matrix(mixing) for mixing in self.mixing(seed)])

    def shifts(self, seed: int) -> np.ndarray:
        """Return the (P (r - b + 1), free) int64 offsets, in 0..m-1; row p (r - b + 1) is a base."""
        words = random_words(seed, OFFSET_STREAM, 0, self.offsets, self.free)
        steps = np.vstack([np.zeros((1, self.free), np.int64), self.code.rows[self.dimension :]])
        shifts = (words.astype(np.int64) % self.radix)[:, None, :] - steps
        return shifts.reshape(-1, self.free) % self.radix

    def queries(self, seed: int, start: int, stop: int) -> np.ndarray:
        """Return the (stop - start, free) uint8 queries of a range of lattice indices."""
        matrix, rest = np.divmod(np.arange(start, stop), self.delays * self.bins)
        delay, cell = np.divmod(rest, self.bins)
        names, place = np.unique(matrix * self.bins + cell, return_inverse=True)  # points come again with each delay
        digits = names[:, None] // self.radix ** np.arange(self.dimension)[::-1] % self.radix
        points = np.empty((len(names), self.free), np.uint16)
        for c, subsampling in enumerate(self.subsampling(seed)):
            rows = names // self.bins == c
            points[rows] = digits[rows].astype(float) @ subsampling.T % self.radix
        total = points[place] + self.shifts(seed).astype(np.uint16)[delay]
        return np.minimum(total, total - np.uint16(self.radix)).astype(np.uint8)  # less than zero wraps around


def _single(radix: int, free: int, dimension: int) -> Lattice:
    """One matrix, one base offset; coded where that takes fewer offsets than there are positions."""
    coded = len(bch_code(radix, free, CODED_ORDER).rows) <= MAX_CODED_SHARE * free
    return Lattice(radix, free, dimension, 1, 1, CODED_ORDER if coded else 0)


def least_queries(radix: int, free: int) -> int:
    """Return the queries of the smallest lattice that is of use."""
    return MATRIX_COUNTS[0] * _single(radix, free, 1).size


def fit_lattice(radix: int, free: int, queries: int) -> Lattice | None:
    """Return the lattice with the most bins that `queries` can pay for, filled up with matrices and base offsets."""
    chosen = None
    for dimension in range(1, free):
        single = _single(radix, free, dimension)
        copies = queries // single.size
        if dimension >= single.code.rank or copies < MATRIX_COUNTS[0]:
            break
        matrices = max(MATRIX_COUNTS, key=lambda c: (copies // c * c, -c))
        chosen = replace(single, matrices=matrices, offsets=copies // matrices)
    return chosen
