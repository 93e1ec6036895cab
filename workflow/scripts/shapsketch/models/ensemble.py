"""Ensembles of decision trees over the letters of a sequence, as arrays."""

from dataclasses import dataclass

import numpy as np

STEPS_AT_ONCE = 1 << 22  # pairs of a sequence and a tree that descend together


@dataclass(frozen=True)
class Ensemble:
    """The nodes of T trees, one tree after another.

    Attributes:
        roots: (T,) int64, the node at which each tree begins.
        outputs: (T,) int64, the output that each tree adds to.
        positions: (M,) int64, the position whose letter a node asks for; -1 for a leaf.
        goes_left: (M, q) bool, the letters that lead to `left`.
        left, right: (M,) int64, nodes; a leaf leads to itself.
        values: (M,) float64, what a leaf adds.
        base: (outputs,) float64, added to every prediction.
        depth: the longest path from a root to a leaf.
    """

    roots: np.ndarray
    outputs: np.ndarray
    positions: np.ndarray
    goes_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray
    base: np.ndarray
    depth: int

    @classmethod
    def collect(cls, trees: "list[Tree]", outputs: list[int], base: np.ndarray) -> "Ensemble":
        """Put trees together, with the (outputs,) values that they start from.

        Raises:
            ValueError: a node of a tree is reached twice, so it is no tree.
        """
        starts = np.concatenate([[0], np.cumsum([len(tree.positions) for tree in trees])]).astype(np.int64)
        shift = np.repeat(starts[:-1], np.diff(starts))
        positions = np.concatenate([tree.positions for tree in trees])
        itself = np.arange(len(positions))
        left, right = (
            np.where(positions < 0, itself, np.concatenate([getattr(tree, side) for tree in trees]) + shift)
            for side in ("left", "right")
        )
        return cls(
            roots=starts[:-1],
            outputs=np.array(outputs, np.int64),
            positions=positions,
            goes_left=np.concatenate([tree.goes_left for tree in trees]),
            left=left,
            right=right,
            values=np.concatenate([tree.values for tree in trees]),
            base=base,
            depth=_depth(starts, positions, left, right),
        )

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Return the (N, outputs) float64 sums of leaves of (N, n) uint8 alphabet codes."""
        rows = max(1, STEPS_AT_ONCE // len(self.roots))
        parts = [self._descend(codes[i : i + rows]) for i in range(0, len(codes), rows)]
        return np.concatenate([np.empty((0, len(self.base))), *parts])

    def _descend(self, codes: np.ndarray) -> np.ndarray:
        at = np.broadcast_to(self.roots, (len(codes), len(self.roots)))
        for _ in range(self.depth):
            letters = np.take_along_axis(codes, np.maximum(self.positions[at], 0), 1)
            at = np.where(self.goes_left[at, letters], self.left[at], self.right[at])
        sums = self.values[at] @ (self.outputs[:, None] == np.arange(len(self.base)))
        return self.base + sums


@dataclass(frozen=True)
class Tree:
    """One tree: the arrays of an `Ensemble`, its nodes numbered from 0, the root first."""

    positions: np.ndarray
    goes_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray


def _depth(starts: np.ndarray, positions: np.ndarray, left: np.ndarray, right: np.ndarray) -> int:
    """The steps until every path has ended; each child must lie in its own tree and have one parent."""
    inner = np.flatnonzero(positions >= 0)
    children = np.concatenate([left[inner], right[inner]])
    tree_of = np.searchsorted(starts, np.arange(len(positions)), side="right")
    inside = (children >= 0) & (children < len(positions))
    if not inside.all() or (tree_of[children] != np.tile(tree_of[inner], 2)).any():
        raise ValueError("a node leads out of its tree")
    if np.unique(children).size < children.size or np.isin(children, starts[:-1]).any():
        raise ValueError("a node is reached twice")
    depth, frontier = 0, starts[:-1]
    while (frontier := frontier[positions[frontier] >= 0]).size:
        depth, frontier = depth + 1, np.concatenate([left[frontier], right[frontier]])
    return depth
