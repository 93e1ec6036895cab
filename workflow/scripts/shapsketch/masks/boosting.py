"""Boosted trees on masks, and their exact Fourier transform (Butler et al. 2025, ProxySPEX; Gorji et al. 2024).

A leaf of value c is reached where the players P of its path are present or absent as it says:
c prod_{i in P} (1 + e_i chi_i) / 2, with e_i = 1 for absent, -1 for present. Its coefficient at each R in P is
c 2^-|P| prod_{i in R} e_i.
"""

import re

import lightgbm as lgb
import numpy as np

from ..recovery.trees import SETTINGS
from .parities import Parities, collect, subsets

MAX_TREES = 1000
PATIENCE = 25  # trees without a better score on the checking masks


def boost(
    masks: np.ndarray, values: np.ndarray, check_masks: np.ndarray, check_values: np.ndarray, depth: int, seed: int
) -> Parities:
    """Boost trees until the checking masks stop improving, and return the function that they are, exactly.

    Args:
        masks, values: (N, m) uint8 masks of 0 and 1 and (N,) float64.
        check_masks, check_values: (C, m) and (C,) others, that end the boosting.
        depth: of a tree, so that no parity is of a higher order.
        seed: of LightGBM.
    """
    settings = SETTINGS | {"max_depth": depth, "seed": seed % 2**31}
    mean, scale = values.mean(), values.std() or 1.0
    train = lgb.Dataset(masks, (values - mean) / scale, params=settings)
    check = lgb.Dataset(check_masks, (check_values - mean) / scale, reference=train)
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    booster = lgb.train(settings, train, MAX_TREES, valid_sets=[check], callbacks=[stop])
    text = booster.model_to_string(num_iteration=booster.best_iteration)
    fourier = tree_parities(text, masks.shape[1], depth)
    coefficients = scale * fourier.coefficients
    coefficients[(fourier.supports == fourier.players).all(1)] += mean
    return Parities(fourier.players, fourier.supports, coefficients)


def tree_parities(text: str, players: int, depth: int) -> Parities:
    """Return the Fourier transform of trees over masks, from LightGBM's text.

    Args:
        text: the model.
        players: m, the number of features, each 0 or 1.
        depth: the longest path.
    """
    values, players_asked, present = _leaf_paths(text, players, depth)
    order = np.argsort(players_asked, axis=1, kind="stable")
    supports = np.take_along_axis(players_asked, order, 1)
    turns = np.take_along_axis(np.where(present, -1.0, 1.0), order, 1)
    share = values * 0.5 ** (supports < players).sum(1)
    columns = np.tile(np.arange(depth), (len(supports), 1))
    columns[supports == players] = depth
    pieces = (
        (
            np.take_along_axis(supports[rows], chosen, 1),
            share[rows] * np.take_along_axis(turns[rows], chosen, 1).prod(1),
        )
        for rows, chosen in subsets(columns, depth)
    )
    return Parities(players, *collect(pieces, players, depth))


def _leaf_paths(text: str, players: int, depth: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The value of each leaf, the players on its path (filled up with m) and whether they are present there."""

    def numbers(key: str, dtype: type) -> tuple[np.ndarray, np.ndarray]:
        lines = re.findall(rf"^{key}=(.*)$", text, re.M)
        return np.array(" ".join(lines).split(), dtype), np.array([len(line.split()) for line in lines], np.int64)

    leaves, leaf_counts = numbers("leaf_value", np.float64)
    asked, _ = numbers("split_feature", np.int64)
    left, _ = numbers("left_child", np.int64)
    right, _ = numbers("right_child", np.int64)
    split_counts = leaf_counts - 1
    first_leaf, first_split = (np.cumsum(c) - c for c in (leaf_counts, split_counts))
    tree = np.flatnonzero(split_counts > 0)
    node = first_split[tree]
    path, present = np.full((len(tree), depth), players), np.zeros((len(tree), depth), bool)
    stumps = np.flatnonzero(split_counts == 0)
    done = [(leaves[first_leaf[stumps]], np.full((len(stumps), depth), players), np.zeros((len(stumps), depth), bool))]
    level = 0
    while len(tree):
        tree, parent = np.tile(tree, 2), np.tile(node, 2)
        goes_right = np.repeat([False, True], len(node))
        path, present = np.tile(path, (2, 1)), np.tile(present, (2, 1))
        path[:, level], present[:, level] = asked[parent], goes_right
        child = np.where(goes_right, right[parent], left[parent])
        ends = child < 0
        done.append((leaves[first_leaf[tree[ends]] - child[ends] - 1], path[ends], present[ends]))
        tree, path, present = tree[~ends], path[~ends], present[~ends]
        node = first_split[tree] + child[~ends]
        level += 1
    values, paths, presents = (np.concatenate(part) for part in zip(*done, strict=True))
    return values, paths, presents
