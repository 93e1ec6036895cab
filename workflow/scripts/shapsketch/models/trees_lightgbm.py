"""Text models of LightGBM (`save_model`), read without it.

The format is that of LightGBM's `src/io/tree.cpp` and `src/boosting/gbdt_model_text.cpp`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..settings.errors import InputError
from .ensemble import Tree
from .tree_features import Decision, Features, StoredTrees

MAX_ZERO = 1e-35  # LightGBM's largest number that counts as zero
CHILDREN = ("left_child", "right_child")


def read(path: str, features: Features) -> StoredTrees:
    """Read a text model; every number of a leaf is a margin.

    Raises:
        InputError: it is cut off, or does not fit the features.
        KeyError, ValueError, IndexError: it is damaged.
    """
    content, end, rest = Path(path).read_text(encoding="utf-8").partition("\nend of trees")
    if not end:
        raise InputError("it ends before its last tree")
    header, *blocks = content.split("\nTree=")
    model = _fields(header)
    for line in rest.splitlines():
        if line.startswith("pandas_categorical:"):
            features.check_categories(json.loads(line.partition(":")[2]))
    features.check_count(int(model["max_feature_idx"]) + 1)
    outputs = int(model["num_tree_per_iteration"])
    trees = [_tree(_fields(block), features) for block in blocks]
    if "average_output" in model:  # a random forest
        rounds = len(trees) // outputs
        trees = [Tree(t.positions, t.goes_left, t.left, t.right, t.values / rounds) for t in trees]
    return StoredTrees(trees, [k % outputs for k in range(len(trees))], np.zeros(outputs))


def _fields(block: str) -> dict[str, str]:
    return {key: value for key, _, value in (line.partition("=") for line in block.splitlines())}


def _tree(fields: Mapping[str, str], features: Features) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise InputError("its leaves hold linear models, which are no sum of leaf values")
    zeros_missing = features.zeros == "missing"

    def numbers(key: str, dtype: type) -> np.ndarray:
        return np.array(fields.get(key, "").split(), dtype)

    leaves = numbers("leaf_value", np.float64)
    inner = len(leaves) - 1  # nodes 0..inner-1 are splits; a negative child -k-1 is leaf k
    split = [*numbers("split_feature", np.int64).tolist(), *[-1] * len(leaves)]
    sides = [np.concatenate([numbers(key, np.int64), np.zeros(len(leaves), np.int64)]) for key in CHILDREN]
    left, right = (np.where(side < 0, inner - side - 1, side) for side in sides)
    decisions = [
        _decision(fields, threshold, kind, zeros_missing)
        for threshold, kind in zip(numbers("threshold", float), numbers("decision_type", int), strict=True)
    ]
    return features.build(split, decisions, left, right, np.concatenate([np.zeros(inner), leaves]))


def _decision(fields: Mapping[str, str], threshold: float, kind: int, zeros_missing: bool) -> Decision:
    """Of a node: bit 0 says categorical, bit 1 that missing values go left, bits 2 and 3 what is missing."""
    missing_type = kind >> 2 & 3  # 0 nothing, 1 zeros, 2 NaN
    zero_is_missing = missing_type == 1 or (zeros_missing and missing_type == 2)
    if kind & 1:
        bounds, words = fields["cat_boundaries"].split(), fields["cat_threshold"].split()
        chosen = words[int(bounds[int(threshold)]) : int(bounds[int(threshold) + 1])]
        categories = sum(int(word) << 32 * k for k, word in enumerate(chosen))
        if zeros_missing and missing_type == 2:
            categories &= ~1
        return lambda values: np.array([categories >> int(v) & 1 for v in values], bool)
    default_left = bool(kind & 2)

    def decide(values: np.ndarray) -> np.ndarray:
        missing = zero_is_missing & (np.abs(values) <= MAX_ZERO)
        return np.where(missing, default_left, values <= threshold)

    return decide
