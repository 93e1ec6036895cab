r"""Boosted trees on one-hot letters, turned into exact dividends leaf by leaf.

A leaf of value c allows letter sets A_i at the positions P of its path. With m_i the background's
probability of A_i, its dividend for S in P is c prod_{i in S} (1[x_i in A_i] - m_i) prod_{i in P\S} m_i:
the product rule for a product of one-position functions under a product background.
"""

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any

import lightgbm as lgb
import numba
import numpy as np

from ..sequences.background import Background
from ..spectrum.terms import Support, Terms
from .base import Fit, Samples

DEPTH = 5  # of a tree, so that no dividend is of a higher order
SETTINGS: dict[str, Any] = {
    "objective": "regression",
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "max_bin": 2,
    "min_data_in_bin": 1,
    "num_threads": 1,  # sums, and so trees, would depend on it
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
MAX_TREES = 8000
MAX_CELLS = 200_000_000  # of the tables of all dividends: 1.6 GB
FEW_TREES = 300
PATIENCE = 100  # trees without a better validation score


def fit(samples: Samples, max_order: int | None) -> Fit:
    """Boost until the validation points stop improving, and merge the leaves' dividends by support.

    Trees are as deep as the tables of their dividends may be large: many positions of many letters hold pairs only.
    """
    template = samples.plan.template
    depth = min(max_order or DEPTH, affordable_depth(template.sizes[template.free]))
    scale, trees = _boost(samples, depth, MAX_TREES)
    leaves = Leaves.collect(trees, samples.plan.background)
    intercept, terms = leaves.dividends()
    mean = samples.all_values.mean()
    return Fit(
        float(mean + scale * intercept),
        terms.scaled(scale),
        {"trees": len(trees), "leaves": len(leaves.values), "depth": depth},
    )


def affordable_depth(sizes: np.ndarray) -> int:
    """Return how deep trees may be, from 1 to `DEPTH`, so that all tables of dividends have at most `MAX_CELLS` cells.

    Args:
        sizes: (F,) the numbers of letters at the free positions. The cells of all supports of an order are an
            elementary symmetric polynomial of them; a leaf fills at most one table for each subset of its path.
    """
    cells = [1, *[0] * DEPTH]
    for size in sizes.tolist():
        cells = [1, *(cells[k] + size * cells[k - 1] for k in range(1, DEPTH + 1))]
    leaves, widest = MAX_TREES * SETTINGS["num_leaves"], int(sizes.max(initial=1))
    fitting = [
        depth
        for depth in range(1, DEPTH + 1)
        if sum(min(cells[k], leaves * comb(depth, k) * widest**k) for k in range(1, depth + 1)) <= MAX_CELLS
    ]
    return max(fitting, default=1)


def split_supports(samples: Samples) -> list[Support]:
    """Return the sets of positions that a few trees split on together: candidates for interactions."""
    _, trees = _boost(samples, DEPTH, FEW_TREES)
    return Leaves.collect(trees, samples.plan.background).supports()


def _boost(samples: Samples, depth: int, most: int) -> tuple[float, list[dict[str, Any]]]:
    """The scale of the values, and the trees for the standardised ones."""
    settings = SETTINGS | {"seed": samples.plan.seed % 2**31, "max_depth": depth}
    codes, values = samples.all_codes, samples.all_values
    mean, scale = values.mean(), values.std() or 1.0
    sizes = samples.plan.template.sizes
    train = lgb.Dataset(_onehot(codes, sizes), (values - mean) / scale, params=settings)
    check = lgb.Dataset(
        _onehot(samples.all_validation_codes, sizes), (samples.all_validation_values - mean) / scale, reference=train
    )
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    booster = lgb.train(settings, train, most, valid_sets=[check], callbacks=[stop])
    trees = booster.dump_model(num_iteration=booster.best_iteration)["tree_info"]
    return scale, [tree["tree_structure"] for tree in trees]


def _onehot(codes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(N, sum of sizes) uint8: one column per position and letter."""
    letters = np.concatenate([np.arange(m, dtype=np.uint8) for m in sizes])
    return (codes[:, np.repeat(np.arange(len(sizes)), sizes)] == letters).astype(np.uint8)


class Leaves:
    """The leaves of many trees as arrays.

    Attributes:
        values: (L,) float64.
        counts: (L,) int64, the positions on each path that restrict the letters.
        positions: (L, D) int64, ascending, padded with 0.
        allowed: (L, D, m) bool, the letters allowed there.
    """

    def __init__(self, background: Background, values: np.ndarray, paths: Sequence[dict[int, int]]) -> None:
        self.background = background
        self.values = values
        self.counts = np.array([len(p) for p in paths], np.int64)
        depth, width = max(1, int(self.counts.max(initial=0))), int(background.template.sizes.max())
        self.positions = np.zeros((len(paths), depth), np.int64)
        masks = np.zeros((len(paths), depth), np.uint64)  # an alphabet has up to 64 letters
        for row, path in enumerate(paths):
            for column, position in enumerate(sorted(path)):
                self.positions[row, column], masks[row, column] = position, path[position]
        self.allowed = (masks[:, :, None] >> np.arange(width, dtype=np.uint64)) & np.uint64(1) > 0

    @classmethod
    def collect(cls, trees: Sequence[dict[str, Any]], background: Background) -> "Leaves":
        """Walk LightGBM's dumped trees; leaves that no sequence reaches are left out."""
        sizes = background.template.sizes
        owner = np.repeat(np.arange(len(sizes)), sizes).tolist()
        letter = np.concatenate([np.arange(m) for m in sizes]).tolist()
        values: list[float] = []
        paths: list[dict[int, int]] = []
        for tree in trees:
            stack: list[tuple[dict[str, Any], dict[int, int]]] = [(tree, {})]
            while stack:
                node, path = stack.pop()
                if "split_feature" not in node:
                    values.append(node["leaf_value"])
                    full = {i: (1 << int(sizes[i])) - 1 for i in path}
                    paths.append({i: mask for i, mask in path.items() if mask != full[i]})
                    continue
                i, a = owner[node["split_feature"]], letter[node["split_feature"]]
                mask = path.get(i, (1 << int(sizes[i])) - 1)
                for child, kept in (("left_child", mask & ~(1 << a)), ("right_child", mask & (1 << a))):
                    if kept:  # left: the letter's column is 0
                        stack.append((node[child], {**path, i: kept}))
        return cls(background, np.array(values), paths)

    def supports(self) -> list[Support]:
        """Return the sets of positions that have a dividend, by order, then by position; no table is made."""
        deepest = self.positions.shape[1]
        supports: list[Support] = []
        for order in range(1, deepest + 1):
            parts = [
                self.positions[self.counts > columns[-1]][:, columns] for columns in combinations(range(deepest), order)
            ]
            supports.extend(map(tuple, np.unique(np.concatenate(parts), axis=0).tolist()))
        return supports

    def dividends(self, max_order: int | None = None) -> tuple[float, Terms]:
        """Return the mean and the merged dividends of the sum of all leaves, up to an order."""
        template = self.background.template
        width = self.allowed.shape[2]
        p = np.array([np.pad(row, (0, width - len(row))) for row in self.background.local])[self.positions]
        inside = np.arange(self.positions.shape[1]) < self.counts[:, None]
        means = np.where(inside, (self.allowed * p).sum(2), 1.0)
        base = self.values * means.prod(1)
        ratios = self.allowed / means[:, :, None] - 1  # the factor of S over the factor of P\\S
        tables: dict[Support, np.ndarray] = {}
        deepest = self.positions.shape[1]
        for order in range(1, min(deepest, max_order or deepest) + 1):
            for columns in combinations(range(deepest), order):
                rows = np.flatnonzero(self.counts > columns[-1])
                if rows.size:
                    _merge(
                        tables, template.sizes, self.positions[rows][:, columns], ratios[rows][:, columns], base[rows]
                    )
        return float(base.sum()), Terms.build(template.sizes, tables)


def _merge(
    tables: dict[Support, np.ndarray], sizes: np.ndarray, supports: np.ndarray, ratios: np.ndarray, base: np.ndarray
) -> None:
    """Add base times the outer product of the ratios to the table of each support."""
    unique, owner = np.unique(supports, axis=0, return_inverse=True)
    sums = np.zeros((len(unique), ratios.shape[2] ** supports.shape[1]))
    _add_products(owner.ravel(), ratios, base, sums)
    stacks = sums.reshape(len(unique), *(ratios.shape[2],) * supports.shape[1])
    for support, stack in zip(map(tuple, unique.tolist()), stacks, strict=True):
        table = stack[tuple(slice(int(sizes[i])) for i in support)]
        tables[support] = tables[support] + table if support in tables else table


@numba.njit(cache=True)
def _add_products(owner: np.ndarray, ratios: np.ndarray, base: np.ndarray, sums: np.ndarray) -> None:
    order, width = ratios.shape[1], ratios.shape[2]
    for leaf in range(owner.size):
        row = sums[owner[leaf]]
        for cell in range(row.size):
            value, rest = base[leaf], cell
            for k in range(order - 1, -1, -1):
                value *= ratios[leaf, k, rest % width]
                rest //= width
            row[cell] += value
