"""The orthonormal basis of a product background, and its products over supports.

At position i there are m_i - 1 functions with mean 0 and variance 1 under p_i; their products over a support T span
exactly the dividends on T (see `terms`). Coefficients and tables are two forms of the same terms: least squares works
in the first, look-ups in the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..sequences.background import Background
from .terms import Support, Terms


def contrasts(p: np.ndarray) -> np.ndarray:
    """Return (m, m-1) functions of m letters that are orthonormal and of mean zero under p.

    They are the Helmert contrasts weighted by p: B' diag(p) B = 1 and p' B = 0.
    """
    m = len(p)
    below = np.concatenate([[0.0], np.cumsum(p)])
    b = np.zeros((m, m - 1))
    for k in range(1, m):
        scale = np.sqrt(p[k] / (below[k] * below[k + 1]))
        b[:k, k - 1] = scale
        b[k, k - 1] = -scale * below[k] / p[k]
    return b


@dataclass(frozen=True)
class ProductBasis:
    """Products of contrasts over given supports.

    Attributes:
        terms: the supports, with tables that are all zero.
        orders: (P,) the order of each coefficient.
        owners: (P,) the term of each coefficient.
    """

    terms: Terms
    orders: np.ndarray
    owners: np.ndarray
    blocks: tuple[tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]], ...]

    @classmethod
    def build(cls, background: Background, supports: Sequence[Support]) -> "ProductBasis":
        """Collect the basis; the supports are sorted by order, then by position."""
        sizes = background.template.sizes
        terms = Terms.build(sizes, {s: np.zeros(sizes[list(s)]) for s in supports})
        per_position = [contrasts(p) for p in background.local]
        counts = np.array([int(np.prod(sizes[list(s)] - 1)) for s in terms.supports], np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)])
        blocks = []
        for index, positions, tables in terms.groups():
            cells = terms.table_offsets[index][:, None] + np.arange(tables[0].size)
            places = starts[index][:, None] + np.arange(counts[index[0]])
            functions = tuple(np.stack([per_position[i] for i in column]) for column in positions.T)
            blocks.append((cells, places, functions))
        owners = np.repeat(np.arange(len(terms)), counts)
        return cls(terms, terms.orders[owners], owners, tuple(blocks))

    def __len__(self) -> int:
        return len(self.owners)

    def to_terms(self, coefficients: np.ndarray) -> Terms:
        """Turn (P,) coefficients into terms with tables."""
        tables = np.zeros(len(self.terms.tables))
        for cells, places, functions in self.blocks:
            stack = coefficients[places].reshape(len(places), *(b.shape[2] for b in functions))
            for axis, b in enumerate(functions, 1):
                stack = np.moveaxis(np.einsum("g...k,gak->g...a", np.moveaxis(stack, axis, -1), b), -1, axis)
            tables[cells] = stack.reshape(cells.shape)
        return replace(self.terms, tables=tables)

    def adjoint(self, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return (P,) sums over sequences of weight times basis function, the adjoint of prediction.

        Args:
            codes: (N, n) uint8 local codes.
            weights: (N,) float64.
        """
        sums = self.terms.cell_sums(codes, weights)
        result = np.zeros(len(self))
        for cells, places, functions in self.blocks:
            stack = sums[cells].reshape(len(cells), *(b.shape[1] for b in functions))
            for axis, b in enumerate(functions, 1):
                stack = np.moveaxis(np.einsum("g...a,gak->g...k", np.moveaxis(stack, axis, -1), b), -1, axis)
            result[places] = stack.reshape(places.shape)
        return result
